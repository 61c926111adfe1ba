package ledger

import "math"

// clock knows how far each engine has come. Its low mark is the time that all engines that still run have reached:
// nothing of before it will come any more.
type clock struct {
	reached []int64 // ns, by engine; never: it has not begun
	ended   []bool
}

const never = math.MinInt64

func newClock(engines int) clock {
	c := clock{reached: make([]int64, engines), ended: make([]bool, engines)}
	for i := range c.reached {
		c.reached[i] = never
	}
	return c
}

// advance takes note of how far an engine says that it has come.
func (c *clock) advance(engine int, now int64, last bool) {
	c.reached[engine] = max(c.reached[engine], now)
	c.ended[engine] = c.ended[engine] || last
}

// low gives the low mark in ns; false: an engine has not begun. Once all have ended it is where the last one stopped.
func (c *clock) low() (int64, bool) {
	low, furthest, running := int64(math.MaxInt64), int64(never), false
	for i, t := range c.reached {
		furthest = max(furthest, t)
		if !c.ended[i] {
			low, running = min(low, t), true
		}
	}
	if !running {
		low = furthest
	}
	return low, low != never
}
