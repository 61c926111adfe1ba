// Package pool runs work off the fast path: workers take jobs from a bounded queue, keep the order of jobs that have a key in
// common, and send results back by ticket.
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
	opts   Options
	queue  *handoff.Queue[*Job]
	cancel context.CancelCauseFunc // of the running jobs
	gone   chan struct{}           // closed when all workers have ended

	mu      sync.Mutex
	running []*Origin // by worker; nil: it has no job
	failed  uint64
	dropped tally // accepted and never run
	cut     tally // ended by Stop before they were done
}

// New makes a pool and starts its workers. They run until Stop.
func New(o Options) *Pool {
	o.Workers = max(o.Workers, 1)
	if o.Grace == 0 {
		o.Grace = time.Second
	}
	p := &Pool{opts: o, gone: make(chan struct{}), running: make([]*Origin, o.Workers), dropped: tally{}, cut: tally{}}
	p.queue = handoff.New(handoff.Options[*Job]{Bounds: o.Bounds, Budget: o.Budget, Full: o.Full, Dropped: p.overflow})
	ctx, cancel := context.WithCancelCause(context.Background())
	p.cancel = cancel
	var workers sync.WaitGroup
	for w := range o.Workers {
		workers.Go(func() { p.work(ctx, w) })
	}
	go func() {
		workers.Wait()
		close(p.gone)
	}()
	return p
}

// Offer hands a job over, or says why not. It never waits. The ticket of a refused job is withdrawn; nothing else of it is
// touched.
func (p *Pool) Offer(j Job) handoff.Refusal {
	r := p.queue.Offer(&j, handoff.Keys{j.Key, j.Key2}, j.Bytes)
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

// work is a worker.
func (p *Pool) work(ctx context.Context, worker int) {
	for {
		taken, ok := p.queue.Take(context.Background()) // it ends when the queue is closed and empty
		if !ok {
			return
		}
		p.run(ctx, worker, taken.Item)
		taken.Done()
	}
}

// run does a job and settles its ticket.
func (p *Pool) run(ctx context.Context, worker int, j *Job) {
	p.begin(worker, &j.Origin)
	result := j.Run(ctx, worker)
	j.release()
	lost := result.Err != nil
	if j.Ticket != nil && !j.Ticket.Deliver(ctx, result) {
		lost = true
	}
	cut := lost && ctx.Err() != nil // by Stop
	p.end(worker, j.Origin, result.Err, cut)
	if result.Err != nil && !cut && p.opts.Failed != nil {
		p.opts.Failed(j.Origin, result.Err)
	}
}

func (p *Pool) begin(worker int, o *Origin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[worker] = o
}

func (p *Pool) end(worker int, o Origin, err error, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[worker] = nil
	switch {
	case cut:
		p.cut.add(o)
	case err != nil:
		p.failed++
	}
}

// overflow ends a job that the queue's policy dropped.
func (p *Pool) overflow(j *Job) {
	p.mu.Lock()
	p.dropped.add(j.Origin)
	p.mu.Unlock()
	j.drop(ErrDropped)
}
