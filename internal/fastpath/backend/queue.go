package backend

import (
	"context"
	"fmt"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// errGoneQueued is ErrClientGone while the stream waited in a queue.
var errGoneQueued = fmt.Errorf("%w while it was queued", ErrClientGone)

// waiter is a stream in a queue. Its fields are guarded by Pool.mu until ready is closed.
type waiter struct {
	seq   uint64
	srv   *server       // the server that took it; nil after ready: the pool was closed
	ready chan struct{} // closed when the wait is over
}

// waitList is a queue, oldest first.
type waitList struct{ list []*waiter }

func (q *waitList) empty() bool { return len(q.list) == 0 }

func (q *waitList) push(w *waiter) { q.list = append(q.list, w) }

func (q *waitList) pop() *waiter {
	w := q.list[0]
	q.list[0] = nil
	q.list = q.list[1:]
	if len(q.list) == 0 {
		q.list = nil
	}
	return w
}

func (q *waitList) remove(w *waiter) bool {
	for i, x := range q.list {
		if x == w {
			q.list = append(q.list[:i], q.list[i+1:]...)
			return true
		}
	}
	return false
}

// slots is how many streams the server takes at a time; 0: any number.
func (s *server) slots() int { return int(s.MaxCon.Load()) }

// saturated says that a stream would have to wait for the server. Pool.mu is held.
func (s *server) saturated() bool {
	n := s.slots()
	return n > 0 && (s.served >= n || !s.queue.empty())
}

// queueFull says that no more streams may wait for the server (maxqueue). Pool.mu is held.
func (s *server) queueFull() bool {
	return s.Model.MaxQueue > 0 && len(s.queue.list) >= s.Model.MaxQueue
}

// enter takes a slot. Pool.mu is held.
func (s *server) enter() {
	s.served++
	n := s.Conns.Add(1)
	for {
		m := s.ConnsMax.Load()
		if n <= m || s.ConnsMax.CompareAndSwap(m, n) {
			return
		}
	}
}

// leave gives a slot back and lets the stream that waited longest have it.
func (s *server) leave() {
	p := s.pool
	p.mu.Lock()
	s.served--
	s.Conns.Add(-1)
	w := p.admit(s)
	p.mu.Unlock()
	if w != nil {
		close(w.ready)
	}
}

// admit gives s's free slot to the oldest stream that may have it. Pool.mu is held; the caller closes ready.
func (p *Pool) admit(s *server) *waiter {
	if s.queue.empty() && p.queue.empty() {
		return nil
	}
	if n := s.slots(); n > 0 && s.served >= n || !s.Usable() {
		return nil
	}
	var w *waiter
	if s.queue.empty() || !p.queue.empty() && p.queue.list[0].seq < s.queue.list[0].seq {
		w = p.queue.pop()
		p.px.Queue.Add(-1)
	} else {
		w = s.queue.pop()
		s.Queue.Add(-1)
	}
	w.srv = s
	s.enter()
	return w
}

// Rebalance looks at all queues again: call it after servers, weights or limits changed.
func (p *Pool) Rebalance() {
	var ready []*waiter
	p.mu.Lock()
	for _, s := range p.servers {
		for !s.queue.empty() && !s.Usable() { // they go to whoever is up
			w := s.queue.pop()
			s.Queue.Add(-1)
			p.queue.push(w)
			p.px.Queue.Add(1)
		}
	}
	for _, s := range p.servers {
		for {
			w := p.admit(s)
			if w == nil {
				break
			}
			ready = append(ready, w)
		}
	}
	p.mu.Unlock()
	for _, w := range ready {
		close(w.ready)
	}
}

// drainQueues empties all queues. Pool.mu is held.
func (p *Pool) drainQueues() []*waiter {
	all := p.queue.list
	p.queue.list = nil
	p.px.Queue.Store(0)
	for _, s := range p.servers {
		all = append(all, s.queue.list...)
		s.queue.list = nil
		s.Queue.Store(0)
	}
	return all
}

// clientLook is how often a waiting stream looks whether its client is still there (option abortonclose).
const clientLook = 250 * time.Millisecond

// await waits until a server takes the stream.
func (p *Pool) await(ctx context.Context, tx *txn.Txn, w *waiter, client *wire.Conn) (*server, error) {
	over := timer(queueTimeout(p.m))
	defer over.stop()
	look := lookTimer(client, p.m)
	defer look.stop()
	for {
		var err error
		select {
		case <-w.ready:
			if w.srv == nil {
				return nil, ErrClosed
			}
			tx.Times.Queue = time.Now()
			return w.srv, nil
		case <-over.c:
			err = ErrQueueTimeout
		case <-ctx.Done():
			err = ErrClosed
		case <-look.c:
			if !gone(client) {
				look.again(clientLook)
				continue
			}
			err = errGoneQueued
		}
		if p.forget(w) {
			return nil, err
		}
		if w.srv == nil {
			return nil, ErrClosed
		}
		w.srv.leave() // it got its slot at the same moment
		return nil, err
	}
}

// forget takes w out of its queue; false means that it had left it.
func (p *Pool) forget(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue.remove(w) {
		p.px.Queue.Add(-1)
		return true
	}
	for _, s := range p.servers {
		if s.queue.remove(w) {
			s.Queue.Add(-1)
			return true
		}
	}
	return false
}

// queueTimeout is "timeout queue", else "timeout connect" (configuration.txt, timeout queue).
func queueTimeout(m *model.Proxy) time.Duration {
	if m.Timeouts.Queue > 0 {
		return m.Timeouts.Queue
	}
	return m.Timeouts.Connect
}

// gone says whether the client has closed its side.
func gone(client *wire.Conn) bool {
	_, err := client.Peek()
	return err != nil
}

// alarm is a timer that may not exist.
type alarm struct {
	t *time.Timer
	c <-chan time.Time
}

// timer makes an alarm; d = 0 never rings.
func timer(d time.Duration) alarm {
	if d <= 0 {
		return alarm{}
	}
	t := time.NewTimer(d)
	return alarm{t, t.C}
}

// lookTimer rings when it is time to look after the client.
func lookTimer(client *wire.Conn, m *model.Proxy) alarm {
	if client == nil || !m.Options.AbortOnClose {
		return alarm{}
	}
	return timer(clientLook)
}

func (a alarm) again(d time.Duration) { a.t.Reset(d) }

func (a alarm) stop() {
	if a.t != nil {
		a.t.Stop()
	}
}
