package haproxy

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

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

// Bounds of a queue: push answers false beyond them.
const (
	maxQueueItems = 1 << 20
	maxQueueBytes = 64 << 20 // of strings
)

// queue is the Go side of a Queue. It is only touched with the state's lock held, and a Func is never interrupted, so
// that no item is lost or given twice however scripts are preempted.
type queue struct {
	state *vm.State
	items []vm.Value // strings, numbers and booleans as they are, the rest as references
	first int        // items before it were taken
	bytes int

	waiting []*waker
	prune   int // length at which ended ones are looked for
}

func (q *queue) size() int { return len(q.items) - q.first }

// Close is called when Lua has collected the queue.
func (q *queue) Close() error {
	for _, v := range q.items[q.first:] {
		if ref, ok := vm.RefOf(v); ok {
			q.state.Release(ref)
		}
	}
	q.items, q.first = nil, 0
	return nil
}

// push adds an item and wakes who waits; false: the queue is full.
func (q *queue) push(v vm.Value) bool {
	s, _ := v.AsStr()
	if q.size() >= maxQueueItems || q.bytes+len(s) > maxQueueBytes {
		return false
	}
	if q.first > 0 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, v)
	q.bytes += len(s)
	for _, w := range q.waiting {
		w.event()
	}
	clear(q.waiting)
	q.waiting = q.waiting[:0]
	return true
}

// pop takes the oldest item.
func (q *queue) pop() (v vm.Value, ok bool) {
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
	q.bytes -= len(s)
	return v, true
}

// await notes that w wants to hear of the next item.
func (q *queue) await(w *waker) {
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

func argQueue(c *vm.Call) (*queue, error) {
	if q, ok := c.Object(1).(*queue); ok {
		return q, nil
	}
	return nil, fmt.Errorf("this is no Queue; make one with core.queue()")
}

func (u *unit) queueFuncs() lib.Funcs {
	return lib.Funcs{
		"queue_new": func(c *vm.Call) error {
			c.PushOwned(&queue{state: u.state})
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

// queuePush(queue, item) returns whether there was room.
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
	ok := q.push(v)
	if ref, isRef := vm.RefOf(v); isRef && !ok {
		u.state.Release(ref)
	}
	c.PushBool(ok)
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
