// Package pool runs work off the fast path. Workers do what a Source gives them; a Pool is workers with a bounded queue in
// memory, which keeps the order of jobs that have a key in common and sends results back by ticket.
package pool

import (
	"context"
	"errors"
	"sync"
	"time"

	"eddy/internal/handoff"
)

// Why a ticket expired.
var (
	ErrDropped = errors.New("dropped: the queue was full and newer work came")
	ErrStopped = errors.New("dropped: time was over when the workers were stopped")
)

// Options of a Pool.
type Options struct {
	Workers int             // 0: 1
	Bounds  handoff.Bounds  // of this pool's jobs that wait or run
	Budget  *handoff.Budget // shared with other pools; may be nil
	Full    handoff.Full
	Grace   time.Duration // what running jobs have after they were cancelled by Stop; 0: 1 s
	// Failed is told of each job that ended with an error, on the worker's goroutine. It may be nil.
	Failed func(Origin, error)
}

// Pool is a number of workers with their queue. Its methods may be called from any goroutine.
type Pool struct {
	opts    Options
	queue   *handoff.Queue[*task]
	workers *Workers

	mu      sync.Mutex
	failed  uint64
	dropped Tally // accepted and never run
}

// New makes a pool and starts its workers. They run until Stop.
func New(o Options) *Pool {
	o.Workers = max(o.Workers, 1)
	p := &Pool{opts: o, dropped: Tally{}}
	p.queue = handoff.New(handoff.Options[*task]{Bounds: o.Bounds, Budget: o.Budget, Full: o.Full, Dropped: p.overflow})
	p.workers = StartWorkers(o.Workers, p, o.Grace)
	return p
}

// Offer hands a job over, or says why not. It never waits. The ticket of a refused job is withdrawn; nothing else of it is
// touched.
func (p *Pool) Offer(j Job) handoff.Refusal {
	r := p.queue.Offer(&task{Job: j, pool: p}, handoff.Keys{j.Key, j.Key2}, j.Bytes)
	if !r.OK() && j.Ticket != nil {
		j.Ticket.Withdraw()
	}
	return r
}

// Pending is how many jobs wait or run.
func (p *Pool) Pending() int { return p.queue.Pending() }

// Workers is how many workers there are.
func (p *Pool) Workers() int { return p.opts.Workers }

// Drain waits until no job waits or runs, or ctx is over.
func (p *Pool) Drain(ctx context.Context) error { return p.queue.Wait(ctx) }

// Take gives a worker its next job; it is the pool's side of Source.
func (p *Pool) Take(int) (Work, bool) {
	taken, ok := p.queue.Take(context.Background()) // it ends when the queue is closed and empty
	if !ok {
		return nil, false
	}
	taken.Item.taken = taken
	return taken.Item, true
}

// Stop refuses new jobs and waits until those accepted are done. When ctx is over before that, it drops what waits, cancels
// what runs, and gives that Options.Grace to end. A worker that has not ended by then is left alone and reported.
//
// Owners have to drain their inboxes meanwhile: a worker may wait for room there. Stop is called once.
func (p *Pool) Stop(ctx context.Context) Report {
	p.queue.Close()
	return p.workers.Stop(ctx, func() Tally {
		dropped := Tally{}
		for _, t := range p.queue.Clear() {
			dropped.Add(t.Job.Origin)
			defer t.drop(ErrStopped)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.dropped.merge(dropped)
		return dropped
	})
}

// overflow ends a job that the queue's policy dropped.
func (p *Pool) overflow(t *task) {
	p.mu.Lock()
	p.dropped.Add(t.Job.Origin)
	p.mu.Unlock()
	t.drop(ErrDropped)
}
