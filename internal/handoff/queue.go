package handoff

import (
	"context"
	"sync"
	"time"
)

// Options of a Queue.
type Options[T any] struct {
	Bounds Bounds  // of this queue alone
	Budget *Budget // shared with others; may be nil
	Full   Full
	// Dropped is given each item that the policy drops, on the goroutine that offers, after the queue's lock was let go.
	// It may be nil.
	Dropped func(T)
}

// Queue is a bounded queue of items in the order of their offers. An item may have keys: it is taken after all older items
// that have one of them were done. Keys take turns.
//
// An item counts against the bounds from the offer until it is done or dropped. All methods may be called from any
// goroutine, and only Take and Wait ever wait.
type Queue[T any] struct {
	opts Options[T]
	own  *Budget

	mu     sync.Mutex
	order  order[T]
	bytes  int64 // of what waits
	taken  int
	counts Counts // Offered to Done; the rest is filled in by Counts
	closed bool
	idle   chan struct{} // closed when nothing waits and nothing is taken; nil: nobody waits for that

	// ready has a token when something changed for those who wait in Take. Whoever takes the token and leaves more to see
	// puts one back, so that one token wakes as many as are needed.
	ready chan struct{}
}

// New makes an empty queue.
func New[T any](o Options[T]) *Queue[T] {
	return &Queue[T]{opts: o, own: NewBudget(o.Bounds), order: newOrder[T](), ready: make(chan struct{}, 1)}
}

// Offer puts an item into the queue, or says why not. bytes is what it holds in memory.
func (q *Queue[T]) Offer(item T, keys Keys, bytes int64) Refusal {
	e := &entry[T]{item: item, keys: keys, bytes: max(bytes, 0), at: time.Now()}
	q.mu.Lock()
	refusal, dropped := q.offer(e)
	q.mu.Unlock()
	if q.opts.Dropped != nil {
		for _, d := range dropped {
			q.opts.Dropped(d.item)
		}
	}
	return refusal
}

// offer is Offer with the lock held; it gives the entries that the policy dropped.
func (q *Queue[T]) offer(e *entry[T]) (Refusal, []*entry[T]) {
	q.counts.Offered++
	refusal := q.admit(e.bytes)
	var dropped []*entry[T]
	switch {
	case refusal != EntriesFull && refusal != BytesFull: // the policy has no say
	case q.opts.Full == DropNewest:
		q.counts.Accepted++
		q.counts.Dropped++
		return Accepted, []*entry[T]{e}
	case q.opts.Full == DropOldest:
		refusal, dropped = q.displace(e.bytes)
	}
	if !refusal.OK() {
		q.counts.Refused[refusal]++
		return refusal, dropped
	}
	q.counts.Accepted++
	q.bytes += e.bytes
	if q.order.add(e) {
		q.signal()
	}
	return Accepted, dropped
}

// admit reserves room for an entry.
func (q *Queue[T]) admit(bytes int64) Refusal {
	if q.closed {
		return Closed
	}
	if r := q.own.take(bytes); !r.OK() {
		return r
	}
	if r := q.shared(bytes); !r.OK() {
		q.own.give(bytes)
		return r
	}
	return Accepted
}

// shared reserves room in the shared budget.
func (q *Queue[T]) shared(bytes int64) Refusal {
	if q.opts.Budget == nil {
		return Accepted
	}
	switch r := q.opts.Budget.take(bytes); r {
	case EntriesFull:
		return SharedEntriesFull
	case BytesFull:
		return SharedBytesFull
	default:
		return r
	}
}

// displace drops the oldest entries that wait until an entry of that many bytes fits, and reserves room for it. Nothing is
// dropped when that would not help, or when the shared budget refuses the entry.
func (q *Queue[T]) displace(bytes int64) (Refusal, []*entry[T]) {
	used := q.own.Used()
	stays := Bounds{Entries: used.Entries - q.order.waiting(), Bytes: used.Bytes - q.bytes}
	if r := q.opts.Bounds.Refuse(stays, bytes); !r.OK() {
		return r, nil
	}
	if r := q.shared(bytes); !r.OK() {
		return r, nil
	}
	var dropped []*entry[T]
	for !q.own.take(bytes).OK() {
		dropped = append(dropped, q.dropOldest())
	}
	return Accepted, dropped
}

// dropOldest takes the entry that waits longest out of the queue.
func (q *Queue[T]) dropOldest() *entry[T] {
	e := q.order.removeOldest()
	q.bytes -= e.bytes
	q.counts.Dropped++
	q.free(e.bytes)
	return e
}

// free gives the room of an entry back.
func (q *Queue[T]) free(bytes int64) {
	q.own.give(bytes)
	if q.opts.Budget != nil {
		q.opts.Budget.give(bytes)
	}
}

// Taken is an item that was taken. It counts, and the next items of its keys wait, until Done.
type Taken[T any] struct {
	Item T
	q    *Queue[T]
	e    *entry[T]
}

// Take waits for an item that may be taken. It gives false when ctx is over, or when the queue is closed and nothing is left
// to take now or later.
func (q *Queue[T]) Take(ctx context.Context) (Taken[T], bool) {
	for {
		if ctx.Err() != nil {
			q.signal() // the token that woke this one may be meant for another
			return Taken[T]{}, false
		}
		t, ok, end := q.tryTake()
		if ok || end {
			return t, ok
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
		}
	}
}

// tryTake takes the next item; end says that there will be none.
func (q *Queue[T]) tryTake() (t Taken[T], ok, end bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.order.take()
	if e == nil {
		end = q.closed && q.order.waiting() == 0
		if end {
			q.signal() // the others that wait have to see it too
		}
		return t, false, end
	}
	q.bytes -= e.bytes
	q.taken++
	if q.order.ready() || q.closed {
		q.signal()
	}
	return Taken[T]{Item: e.item, q: q, e: e}, true, false
}

// Done says that the item needs no room any more, and lets the next items of its keys be taken. A second call does nothing.
func (t Taken[T]) Done() {
	q := t.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.e.done {
		return
	}
	t.e.done = true
	q.taken--
	q.counts.Done++
	q.free(t.e.bytes)
	q.order.leave(t.e)
	if q.order.ready() {
		q.signal()
	}
	q.checkIdle()
}

// Close refuses offers from now on. What waits can still be taken.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// Clear drops everything that waits and gives it to the caller, oldest first. Options.Dropped is not called.
func (q *Queue[T]) Clear() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := make([]T, 0, q.order.waiting())
	for q.order.waiting() > 0 {
		items = append(items, q.dropOldest().item)
	}
	q.signal() // after Close, those who wait in Take have to see that nothing is left
	q.checkIdle()
	return items
}

// Wait waits until nothing waits and nothing is taken, at one moment at least.
func (q *Queue[T]) Wait(ctx context.Context) error {
	q.mu.Lock()
	if q.pending() == 0 {
		q.mu.Unlock()
		return nil
	}
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	idle := q.idle
	q.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pending is how many items wait or are taken.
func (q *Queue[T]) Pending() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pending()
}

func (q *Queue[T]) pending() int { return q.order.waiting() + q.taken }

// Counts gives the counts as they are at one moment.
func (q *Queue[T]) Counts() Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.counts
	c.Waiting, c.Taken, c.Bytes = q.order.waiting(), q.taken, q.own.Used().Bytes
	if e := q.order.oldest(); e != nil {
		c.Oldest = e.at
	}
	return c
}

// signal wakes one of those who wait in Take, or the next one to come.
func (q *Queue[T]) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// checkIdle lets Wait go on.
func (q *Queue[T]) checkIdle() {
	if q.idle != nil && q.pending() == 0 {
		close(q.idle)
		q.idle = nil
	}
}
