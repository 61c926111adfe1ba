// Package reentry is the only door back to the fast path. An owner (an engine, a ledger, a stream) has an Inbox; for each
// result that it expects it makes a Ticket, which travels with the work. Whoever does the work settles the ticket; the owner
// takes the result on its own goroutine, when it chooses. Every ticket ends in exactly one Fate, and all fates are counted.
package reentry

// Result is what became of work.
type Result struct {
	Data []byte // nil: it gave nothing
	Err  error  // why it failed, or was not done
}

// Fate is how a ticket ended.
type Fate uint8

// The fates.
const (
	Open      Fate = iota // it has not ended
	Delivered             // its owner took the result
	Expired               // the work was given up: dropped, cancelled, or too late
	OwnerGone             // its owner closed the inbox before it took anything
)

// String names the fate.
func (f Fate) String() string {
	switch f {
	case Open:
		return "open"
	case Delivered:
		return "delivered"
	case Expired:
		return "expired"
	case OwnerGone:
		return "owner gone"
	}
	return "unknown"
}

// Counts is what became of an inbox's tickets. At any moment Issued = Open + Delivered + Expired + OwnerGone.
type Counts struct {
	Issued    uint64
	Open      uint64 // the owner still waits for them
	Delivered uint64
	Expired   uint64
	OwnerGone uint64
	Late      uint64 // attempts to settle a ticket that was settled, or whose owner was gone
}

// Add adds the counts of another inbox.
func (c *Counts) Add(o Counts) {
	c.Issued += o.Issued
	c.Open += o.Open
	c.Delivered += o.Delivered
	c.Expired += o.Expired
	c.OwnerGone += o.OwnerGone
	c.Late += o.Late
}

// Options of an Inbox.
type Options struct {
	Tickets int   // that may be open at a time; 0: 100,000
	Posts   int   // posted functions that may wait; 0: 10,000
	Bytes   int64 // of results and posts that may wait for the owner; 0: 64 MiB
	// Wake is called, from any goroutine, when something came into an empty inbox, beside the signal on Ready: for an owner
	// that sleeps where no channel reaches. It may be nil.
	Wake func()
}
