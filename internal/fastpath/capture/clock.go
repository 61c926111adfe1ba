package capture

import (
	"math"
	"math/bits"
)

// clock turns an interface's timestamps into nanoseconds since 1970: ticks * mul / div + offset seconds.
type clock struct {
	mul, div uint64
	offset   int64 // seconds
}

// microseconds is the clock of an interface that says nothing about it.
var microseconds = clock{mul: 1000, div: 1}

// resolve sets the clock by a pcapng if_tsresol option: a negative power of 10, or with the top bit of 2. Resolutions
// that no 64-bit timestamp can make use of count as the finest that it can.
func (c *clock) resolve(b byte) {
	n := int(b & 0x7f)
	if b&0x80 != 0 {
		c.mul, c.div = 1e9, 1<<min(n, 63)
		return
	}
	c.mul, c.div = 1, 1
	for range 9 - n {
		c.mul *= 10
	}
	for range min(n, 28) - 9 {
		c.div *= 10
	}
}

// nanoseconds converts a timestamp; what no int64 can hold becomes the nearest that it can.
func (c *clock) nanoseconds(ticks uint64) int64 {
	high, low := bits.Mul64(ticks, c.mul)
	if high >= c.div {
		return math.MaxInt64
	}
	ns, _ := bits.Div64(high, low, c.div)
	if ns > math.MaxInt64 {
		return math.MaxInt64
	}
	t := int64(ns)
	shift := c.offset
	switch {
	case shift > (math.MaxInt64-t)/1e9:
		return math.MaxInt64
	case shift < math.MinInt64/int64(1e9):
		return math.MinInt64
	}
	return t + shift*1e9
}
