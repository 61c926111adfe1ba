package pool

import (
	"cmp"
	"slices"
)

// maxOrigins bounds how many origins are told apart.
const maxOrigins = 1000

// Tally counts jobs by origin; beyond 1000 origins the rest are "others".
type Tally map[Origin]int

// Add counts one.
func (t Tally) Add(o Origin) { t.addN(o, 1) }

func (t Tally) addN(o Origin, n int) {
	if _, known := t[o]; !known && len(t) >= maxOrigins {
		o = Origin{Kind: "others"}
	}
	t[o] += n
}

func (t Tally) merge(other Tally) {
	for o, n := range other {
		t.addN(o, n)
	}
}

// Lines gives the tally with the largest number first.
func (t Tally) Lines() []Line {
	lines := make([]Line, 0, len(t))
	for o, n := range t {
		lines = append(lines, Line{o, n})
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(a.Origin.String(), b.Origin.String()))
	})
	return lines
}
