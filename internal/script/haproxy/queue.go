package haproxy

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// waker wakes one run. It ends with the run.
type waker struct {
	ch    chan struct{} // holds one event that nobody has waited for yet
	ended atomic.Bool
}

// waker gives the one of the call in progress.
func (k *call) waker() *waker {
	if k.wake == nil {
		k.wake = &waker{ch: make(chan struct{}, 1)}
	}
	return k.wake
}

func (w *waker) end() { w.ended.Store(true) }

// event wakes the run, now or at its next wait. It never blocks.
func (w *waker) event() {
	select {
	case w.ch <- struct{}{}:
	default:
	}
}

// wait waits for an event or, when d is not negative, until d is over.
func (w *waker) wait(ctx context.Context, d time.Duration) vm.Resume {
	var over <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-w.ch:
	case <-over:
	case <-ctx.Done():
		return vm.Resume{Err: errStopping}
	}
	return vm.Resume{}
}

// queueBounds are those of a Queue, or a fifo in memory: push answers false and the reason beyond them. Bytes are those of
// strings.
func queueBounds() handoff.Bounds { return handoff.Bounds{Entries: 1 << 20, Bytes: 64 << 20} }

// memoryQueue is the Go side of a Queue. It is only touched with the state's lock held, and a Func is never interrupted, so
// that no item is lost or given twice however scripts are preempted.
type memoryQueue struct {
	u       *unit
	where   string     // the script line that made it
	items   []vm.Value // strings, numbers and booleans as they are, the rest as references
	first   int        // items before it were taken
	bytes   int64
	refused uint64

	waiting []*waker
	prune   int // length at which ended ones are looked for
}

func (q *memoryQueue) size() int { return len(q.items) - q.first }

// Close is called when Lua has collected the queue.
func (q *memoryQueue) Close() error {
	for _, v := range q.items[q.first:] {
		if ref, ok := vm.RefOf(v); ok {
			q.u.state.Release(ref)
		}
	}
	q.items, q.first = nil, 0
	delete(q.u.fifos.all, q)
	return nil
}

// push adds an item and wakes who waits.
func (q *memoryQueue) push(v vm.Value) handoff.Refusal {
	s, _ := v.AsStr()
	n := int64(len(s))
	bounds := queueBounds()
	why := handoff.Accepted
	switch {
	case n > bounds.Bytes:
		why = handoff.TooLarge
	case q.size() >= bounds.Entries:
		why = handoff.EntriesFull
	case q.bytes+n > bounds.Bytes:
		why = handoff.BytesFull
	}
	if !why.OK() {
		q.refused++
		return why
	}
	if q.first > 0 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, v)
	q.bytes += n
	for _, w := range q.waiting {
		w.event()
	}
	clear(q.waiting)
	q.waiting = q.waiting[:0]
	return handoff.Accepted
}

// pop takes the oldest item.
func (q *memoryQueue) pop() (v vm.Value, ok bool) {
	if q.size() == 0 {
		return v, false
	}
	v = q.items[q.first]
	q.items[q.first] = vm.Value{}
	q.first++
	if q.size() == 0 {
		q.items, q.first = q.items[:0], 0
	}
	s, _ := v.AsStr()
	q.bytes -= int64(len(s))
	return v, true
}

// await notes that w wants to hear of the next item.
func (q *memoryQueue) await(w *waker) {
	for _, have := range q.waiting {
		if have == w {
			return
		}
	}
	if len(q.waiting) >= q.prune {
		live := q.waiting[:0]
		for _, have := range q.waiting {
			if !have.ended.Load() {
				live = append(live, have)
			}
		}
		clear(q.waiting[len(live):])
		q.waiting = live
		q.prune = max(16, 2*len(live))
	}
	q.waiting = append(q.waiting, w)
}

func argQueue(c *vm.Call) (*memoryQueue, error) {
	if q, ok := c.Object(1).(*memoryQueue); ok {
		return q, nil
	}
	return nil, fmt.Errorf("this is no Queue; make one with core.queue()")
}

func (u *unit) queueFuncs() lib.Funcs {
	return lib.Funcs{
		"queue_new": func(c *vm.Call) error {
			q := &memoryQueue{u: u, where: c.Where()}
			if u.fifos.all == nil {
				u.fifos.all = map[*memoryQueue]struct{}{}
			}
			u.fifos.all[q] = struct{}{}
			c.PushOwned(q)
			return nil
		},
		"queue_size": func(c *vm.Call) error {
			q, err := argQueue(c)
			if err == nil {
				c.PushInt(int64(q.size()))
			}
			return err
		},
		"queue_push":  u.queuePush,
		"queue_pop":   u.queuePop,
		"queue_alarm": u.queueAlarm,
		"queue_wait":  u.queueWait,
	}
}

// queuePush(queue, item) returns true, or false and why there was no room.
func (u *unit) queuePush(c *vm.Call) error {
	q, err := argQueue(c)
	if err != nil {
		return err
	}
	var v vm.Value
	switch c.Kind(2) {
	case vm.KindNil:
		return fmt.Errorf("queue:push: nil cannot be pushed; push false or a table")
	case vm.KindBool, vm.KindInt, vm.KindNum, vm.KindStr:
		v, err = c.Value(2)
	default:
		var ref vm.Ref
		ref, err = c.Func(2)
		v = vm.RefValue(ref)
	}
	if err != nil {
		return err
	}
	why := q.push(v)
	if ref, isRef := vm.RefOf(v); isRef && !why.OK() {
		u.state.Release(ref)
	}
	c.PushBool(why.OK())
	if !why.OK() {
		c.PushStr(why.String())
	}
	return nil
}

// queuePop(queue) returns the oldest item, or nil.
func (u *unit) queuePop(c *vm.Call) error {
	q, err := argQueue(c)
	if err != nil {
		return err
	}
	v, ok := q.pop()
	if !ok {
		c.PushNil()
		return nil
	}
	if ref, isRef := vm.RefOf(v); isRef {
		c.PushRef(ref)
		u.state.Release(ref) // at the next run, when Lua has the value
		return nil
	}
	return c.PushValue(v)
}

func (u *unit) queueAlarm(c *vm.Call) error {
	q, err := argQueue(c)
	if err == nil {
		q.await(u.owner(c).waker())
	}
	return err
}

// queueWait(queue) returns when there may be an item.
func (u *unit) queueWait(c *vm.Call) error {
	q, err := argQueue(c)
	if err != nil || q.size() > 0 {
		return err
	}
	k := u.owner(c)
	w := k.waker()
	q.await(w)
	return k.wait(c, func(ctx context.Context) vm.Resume { return w.wait(ctx, -1) })
}
