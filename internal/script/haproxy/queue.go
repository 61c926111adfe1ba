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

// queue is the Go side of a Queue: who waits for its next item. The items are in Lua. It is only touched with the
// state's lock held.
type queue struct {
	waiting []*waker
	prune   int // length at which ended ones are looked for
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

// wakeAll tells everybody who waits, once.
func (q *queue) wakeAll() {
	for _, w := range q.waiting {
		w.event()
	}
	clear(q.waiting)
	q.waiting = q.waiting[:0]
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
			c.PushOwned(&queue{})
			return nil
		},
		"queue_wake": func(c *vm.Call) error {
			q, err := argQueue(c)
			if err == nil {
				q.wakeAll()
			}
			return err
		},
		"queue_alarm": func(c *vm.Call) error {
			q, err := argQueue(c)
			if err == nil {
				q.await(u.owner(c).waker())
			}
			return err
		},
		"queue_wait": func(c *vm.Call) error {
			q, err := argQueue(c)
			if err != nil {
				return err
			}
			k := u.owner(c)
			w := k.waker()
			q.await(w)
			return k.wait(c, func(ctx context.Context) vm.Resume { return w.wait(ctx, -1) })
		},
	}
}
