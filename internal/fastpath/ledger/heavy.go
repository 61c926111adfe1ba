package ledger

import (
	"cmp"
	"slices"

	"eddy/internal/fastpath/counter"
)

// heavy sums up the keys of a whole run, and forgets the lighter half when there are too many: what is left at the end
// is exact if it never forgot, and otherwise at most as wrong as the keys that it forgot were heavy.
type heavy struct {
	sums   map[string]float64
	forgot bool
	total  float64
}

const maxHeavy = 65_536

func (h *heavy) add(key string, v float64) {
	if v == 0 || key == counter.Other {
		return
	}
	if h.sums == nil {
		h.sums = make(map[string]float64)
	}
	h.sums[key] += v
	h.total += v
	if len(h.sums) >= maxHeavy {
		h.forget()
	}
}

func (h *heavy) forget() {
	h.forgot = true
	values := make([]float64, 0, len(h.sums))
	for _, v := range h.sums {
		values = append(values, v)
	}
	slices.Sort(values)
	half := len(values) / 2
	for key, v := range h.sums {
		if v <= values[half] && len(h.sums) > half {
			delete(h.sums, key)
		}
	}
}

// top gives the n greatest, the greatest first.
func (h *heavy) top(n int) []KeyTotal {
	var list []KeyTotal
	for key, v := range h.sums {
		list = append(list, KeyTotal{Key: key, Total: v})
	}
	slices.SortFunc(list, func(a, b KeyTotal) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Key, b.Key))
	})
	return slices.Clip(list[:min(n, len(list))])
}

// primary picks the meter that a group's totals over the run are about: the first that has counted something, of those
// whose values add up from bucket to bucket. -1: none yet.
func primary(g *counter.Group, totals []float64) int {
	for i := range g.Meters {
		if g.Meters[i].Type.Adds() && g.Value(totals, i, 1) != 0 {
			return i
		}
	}
	return -1
}
