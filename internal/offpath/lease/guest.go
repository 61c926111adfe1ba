package lease

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
)

// maxUnanswered bounds how many things that a guest told are worked on at a time.
const maxUnanswered = 1024

// guest is a process that had the queues before, seen from their owner.
type guest struct {
	holder *Holder
	link   *link
	slots  chan struct{}
	work   sync.WaitGroup

	mu     sync.Mutex
	leased map[string]map[job.ID]bool // jobs that it has still to end, by queue
}

func newGuest(h *Holder, l *link, leased map[string][]job.ID) *guest {
	g := &guest{holder: h, link: l, slots: make(chan struct{}, maxUnanswered), leased: map[string]map[job.ID]bool{}}
	for name, ids := range leased {
		g.leased[name] = map[job.ID]bool{}
		for _, id := range ids {
			g.leased[name][id] = true
		}
	}
	return g
}

func (g *guest) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, ids := range g.leased {
		n += len(ids)
	}
	return n
}

func (g *guest) has(name string) []job.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	var ids []job.ID
	for id := range g.leased[name] {
		ids = append(ids, id)
	}
	return ids
}

// take says that a job is not the guest's any more; false: it was not.
func (g *guest) take(name string, id job.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	had := g.leased[name][id]
	delete(g.leased[name], id)
	return had
}

// run does what the guest tells, until it ends. Then what it has is lost.
func (g *guest) run() {
	ctx, cancel := context.WithCancel(context.Background())
	for {
		var m message
		if err := g.link.receive(&m); err != nil {
			break
		}
		if !g.hear(ctx, &m) {
			g.holder.log("an older process said something that is not understood")
			break
		}
	}
	g.link.close()
	cancel()
	g.work.Wait()
	g.lost()
}

// hear begins what a message asks for; false: it asks for nothing.
func (g *guest) hear(ctx context.Context, m *message) bool {
	switch {
	case m.Kind == kindPush && m.Job != nil:
		g.slots <- struct{}{}
		committed := g.push(m)
		g.work.Go(func() {
			defer func() { <-g.slots }()
			g.answer(m.Seq, committed(ctx))
		})
	case m.Kind == kindEnded && m.Outcome != nil:
		g.slots <- struct{}{}
		g.work.Go(func() {
			defer func() { <-g.slots }()
			g.answer(m.Seq, g.ended(m))
		})
	case m.Kind == kindLost:
		for _, id := range m.IDs {
			g.take(m.Queue, id)
		}
		g.forget(m.Queue, m.IDs)
	default:
		return false
	}
	return true
}

func (g *guest) answer(seq uint64, err error) {
	if g.link.send(&message{Kind: kindAnswer, Seq: seq, Failure: packFailure(err)}) != nil {
		g.link.close()
	}
}

// push offers a job to its queue, in the order in which jobs come, and gives what waits until it is safe.
func (g *guest) push(m *message) func(context.Context) error {
	h := g.holder
	h.turn.RLock()
	defer h.turn.RUnlock()
	failed := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	q, _, err := h.member(m.Queue)
	if err != nil {
		return failed(err)
	}
	r, why := q.Offer(queue.Push{Job: m.Job, Delay: m.Delay})
	switch {
	case !why.OK():
		return failed(&RefusedError{why})
	case r.Duplicate:
		return func(ctx context.Context) error {
			if err := q.Committed(ctx, r); err != nil {
				return err
			}
			return &queue.DuplicateError{ID: r.ID}
		}
	}
	return func(ctx context.Context) error { return q.Committed(ctx, r) }
}

// ended passes the end of a job to its queue, or to the process that has the queue by now.
func (g *guest) ended(m *message) error {
	h := g.holder
	h.turn.RLock()
	q, owner, err := h.member(m.Queue)
	if err == nil && !g.take(m.Queue, m.ID) {
		err = fmt.Errorf("job %v of queue '%s' is not one of yours", m.ID, m.Queue)
	}
	if err == nil && owner == nil {
		err = q.Ended(m.ID, m.Outcome.unpack())
	}
	h.turn.RUnlock()
	if err == nil && owner != nil {
		err = owner.ended(m.Queue, m.ID, m.Outcome.unpack())
	}
	return err
}

// lost gives up what the guest has not ended.
func (g *guest) lost() {
	g.mu.Lock()
	left := g.leased
	g.leased = nil
	g.mu.Unlock()
	for name, ids := range left {
		var all []job.ID
		for id := range ids {
			all = append(all, id)
		}
		g.forget(name, all)
	}
}

// forget has jobs given again whose process is gone.
func (g *guest) forget(name string, ids []job.ID) {
	if len(ids) == 0 {
		return
	}
	h := g.holder
	if h.ctx.Err() != nil {
		return // this process ends: a guest that lives takes its jobs back, those of a dead one are found by who comes next
	}
	slices.Sort(ids)
	h.turn.RLock()
	defer h.turn.RUnlock()
	q, owner, err := h.member(name)
	switch {
	case err != nil:
		h.log(fmt.Sprintf("%d jobs of queue '%s' ended with an older process: they run again when the queue is back", len(ids), name))
	case owner != nil:
		owner.lost(name, ids)
	default:
		h.log(fmt.Sprintf("%d jobs of queue '%s' ended with an older process: they run again", len(ids), name))
		q.Lost(ids)
	}
}
