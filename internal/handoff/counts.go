package handoff

import "time"

// Counts is what has happened to a queue, and what is in it. At any moment
//
//	Offered  = Accepted + the sum of Refused
//	Accepted = Done + Dropped + Waiting + Taken
type Counts struct {
	Offered  uint64
	Accepted uint64
	Refused  [NumRefusals]uint64 // by reason
	Dropped  uint64              // accepted, and lost to a policy or to Clear
	Done     uint64

	Waiting int
	Taken   int       // taken and not done
	Bytes   int64     // of those that wait and those taken
	Oldest  time.Time // when the oldest item that waits was offered; zero: none waits
}

// RefusedInAll is the sum over all reasons.
func (c *Counts) RefusedInAll() uint64 {
	var n uint64
	for _, r := range c.Refused {
		n += r
	}
	return n
}
