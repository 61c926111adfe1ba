// Package handoff is the only door out of the fast path. Work is offered to a bounded queue, which accepts or refuses it at
// once: an offer never waits. What happens when a queue is full is written down (Full), counted (Counts), and told to whoever
// offers (Refusal).
package handoff

import "iter"

// Bounds limit how much may be in a queue, waiting or taken and not done. 0 is no limit.
type Bounds struct {
	Entries int
	Bytes   int64
}

// Keys order the items of a queue: of the items that have a key in common, one is taken at a time, by age. "" is no key.
type Keys [2]string

// each gives the keys there are, each once.
func (k Keys) each() iter.Seq[string] {
	return func(yield func(string) bool) {
		if k[0] != "" && !yield(k[0]) {
			return
		}
		if k[1] != "" && k[1] != k[0] {
			yield(k[1])
		}
	}
}

// Full says what a queue does with an item for which it has no room.
type Full uint8

// The policies. They make room within the queue's own bounds; what a shared Budget refuses is refused.
const (
	Reject     Full = iota // the new item is refused; it stays the caller's
	DropOldest             // items that wait go, oldest first, until there is room; taken ones never go
	DropNewest             // the new item is accepted and dropped: a caller that can't do anything about it need not know
)

// Refusal says why an item was not accepted.
type Refusal uint8

// The refusals.
const (
	Accepted          Refusal = iota // it was not refused
	EntriesFull                      // the queue has as many items as it may
	BytesFull                        // the queue has as many bytes as it may, or would have
	SharedEntriesFull                // the budget that the queue shares has no entry left
	SharedBytesFull                  // the budget that the queue shares has not that many bytes left
	TooLarge                         // the item alone is over a bound in bytes: it will never be accepted
	Closed                           // the queue takes nothing any more
	Unavailable                      // the place where items are kept takes nothing now
	NumRefusals
)

// OK says that the item was accepted.
func (r Refusal) OK() bool { return r == Accepted }

// String is a reason to give to people and scripts.
func (r Refusal) String() string {
	switch r {
	case Accepted:
		return "accepted"
	case EntriesFull:
		return "queue full: too many entries"
	case BytesFull:
		return "queue full: too many bytes"
	case SharedEntriesFull:
		return "shared budget used up: too many entries"
	case SharedBytesFull:
		return "shared budget used up: too many bytes"
	case TooLarge:
		return "too large for the queue"
	case Closed:
		return "queue closed"
	case Unavailable:
		return "queue unavailable"
	}
	return "unknown"
}
