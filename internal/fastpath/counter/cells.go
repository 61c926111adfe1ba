package counter

import "math"

// Cells are the numbers that a key's meters need until they are values: a slice of Group.Stride() numbers, all zero at
// first. Where the meters lie in it is the group's layout; a meter takes
//
//	1 number   Counter, RateCounter, RunningCounter: the sum
//	2 numbers  Gauge, Maximum, Minimum: samples seen (0 or more), the sample that counts
//	2 numbers  Average: samples seen, their sum
//	4 numbers  DeltaRateCounter: samples seen, growth so far, first sample, last sample
type layout struct {
	at     [MaxMeters]uint8 // of each meter's first number
	stride int
	carry  bool // a meter's value depends on earlier buckets
}

func newLayout(meters []Meter) layout {
	var l layout
	for i, m := range meters {
		l.at[i] = uint8(l.stride)
		l.stride += m.Type.width()
		l.carry = l.carry || m.Type.Carries()
	}
	return l
}

// width gives the numbers that a meter takes; 0: there is no such type.
func (t VarType) width() int {
	switch t {
	case Counter, RateCounter, RunningCounter:
		return 1
	case Gauge, Average, Maximum, Minimum:
		return 2
	case DeltaRateCounter:
		return 4
	}
	return 0
}

// Stride gives the numbers in the cells of one key.
func (g *Group) Stride() int { return g.layout.stride }

// Carries says whether a meter of the group has a value that depends on earlier buckets.
func (g *Group) Carries() bool { return g.layout.carry }

// Sample adds one sample of a meter to a key's cells. The meter must be one of the group's.
func (g *Group) Sample(cells []float64, meter int, v float64) {
	c := cells[g.layout.at[meter]:]
	switch g.Meters[meter].Type {
	case Counter, RateCounter, RunningCounter:
		c[0] += v
	case Gauge:
		c[0]++
		c[1] = v
	case Average:
		c[0]++
		c[1] += v
	case Maximum:
		if c[0] == 0 || v > c[1] {
			c[1] = v
		}
		c[0]++
	case Minimum:
		if c[0] == 0 || v < c[1] {
			c[1] = v
		}
		c[0]++
	case DeltaRateCounter:
		if c[0] == 0 {
			c[2] = v
		} else {
			c[1] += growth(c[3], v)
		}
		c[0]++
		c[3] = v
	}
}

// Merge adds the cells src of a key to dst, which came before them.
func (g *Group) Merge(dst, src []float64) {
	for i := range g.Meters {
		d, s := dst[g.layout.at[i]:], src[g.layout.at[i]:]
		switch t := g.Meters[i].Type; t {
		case Counter, RateCounter, RunningCounter:
			d[0] += s[0]
		case Average:
			d[0] += s[0]
			d[1] += s[1]
		case Gauge, Maximum, Minimum:
			if s[0] == 0 {
				continue
			}
			if d[0] == 0 || t == Gauge || t == Maximum && s[1] > d[1] || t == Minimum && s[1] < d[1] {
				d[1] = s[1]
			}
			d[0] += s[0]
		case DeltaRateCounter:
			if s[0] == 0 {
				continue
			}
			if d[0] == 0 {
				d[2] = s[2]
			} else {
				d[1] += growth(d[3], s[2])
			}
			d[0] += s[0]
			d[1] += s[1]
			d[3] = s[3]
		}
	}
}

// growth of a counter that only grows from one sample to the next. A smaller one means that it was started anew: from
// where is not known, so this step counts nothing.
func growth(from, to float64) float64 { return max(to-from, 0) }

// Carry turns the cells of a bucket into those that its values are made from: earlier holds what a key brought from the
// buckets before (all zero: nothing), and is brought up to date. Only groups that carry need it.
func (g *Group) Carry(cells, earlier []float64) {
	for i := range g.Meters {
		c, e := cells[g.layout.at[i]:], earlier[g.layout.at[i]:]
		switch g.Meters[i].Type {
		case RunningCounter:
			c[0] += e[0]
			e[0] = c[0]
		case DeltaRateCounter:
			if c[0] == 0 {
				continue
			}
			if e[0] > 0 {
				c[1] += growth(e[3], c[2])
			}
			e[0], e[3] = 1, c[3]
		}
	}
}

// Running says whether a key that was not counted in a bucket has a value in it all the same.
func (g *Group) Running(earlier []float64) bool {
	for i := range g.Meters {
		if g.Meters[i].Type == RunningCounter && earlier[g.layout.at[i]] != 0 {
			return true
		}
	}
	return false
}

// AddTotals adds a key's cells to those of the whole group. Samples of gauges and of growing counters add up: the
// group's total is the sum over its keys.
func (g *Group) AddTotals(totals, cells []float64) {
	for i := range g.Meters {
		t, c := totals[g.layout.at[i]:], cells[g.layout.at[i]:]
		switch g.Meters[i].Type {
		case Gauge:
			t[0] += c[0]
			t[1] += c[1]
		case DeltaRateCounter:
			t[0] += c[0]
			t[1] += c[1]
		case Counter, RateCounter, RunningCounter:
			t[0] += c[0]
		case Average:
			t[0] += c[0]
			t[1] += c[1]
		case Maximum:
			if c[0] > 0 && (t[0] == 0 || c[1] > t[1]) {
				t[1] = c[1]
			}
			t[0] += c[0]
		case Minimum:
			if c[0] > 0 && (t[0] == 0 || c[1] < t[1]) {
				t[1] = c[1]
			}
			t[0] += c[0]
		}
	}
}

// Value gives a meter's value over a bucket of so many seconds; of a meter without samples: 0. It is never NaN or
// infinite, whatever a script added.
func (g *Group) Value(cells []float64, meter int, seconds float64) float64 {
	c := cells[g.layout.at[meter]:]
	var v float64
	switch g.Meters[meter].Type {
	case Counter, RunningCounter:
		v = c[0]
	case RateCounter:
		v = c[0] / seconds
	case DeltaRateCounter:
		v = c[1] / seconds
	case Gauge, Maximum, Minimum:
		v = c[1]
	case Average:
		if c[0] > 0 {
			v = c[1] / c[0]
		}
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// Values appends the values of all meters.
func (g *Group) Values(dst, cells []float64, seconds float64) []float64 {
	for i := range g.Meters {
		dst = append(dst, g.Value(cells, i, seconds))
	}
	return dst
}
