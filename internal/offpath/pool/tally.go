package pool

import (
	"cmp"
	"slices"
)

// maxOrigins bounds how many origins are told apart.
const maxOrigins = 1000

// tally counts jobs by origin.
type tally map[Origin]int

func (t tally) add(o Origin) { t.addN(o, 1) }

func (t tally) addN(o Origin, n int) {
	if _, known := t[o]; !known && len(t) >= maxOrigins {
		o = Origin{Kind: "others"}
	}
	t[o] += n
}

func (t tally) merge(other tally) {
	for o, n := range other {
		t.addN(o, n)
	}
}

// lines gives the tally with the largest number first.
func (t tally) lines() []Line {
	lines := make([]Line, 0, len(t))
	for o, n := range t {
		lines = append(lines, Line{o, n})
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(a.Origin.String(), b.Origin.String()))
	})
	return lines
}
