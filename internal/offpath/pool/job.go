package pool

import (
	"context"

	"eddy/internal/handoff"
	"eddy/internal/reentry"
)

// Origin says where work came from, in words that a report can use.
type Origin struct {
	Kind   string // what it is: "schedule", "copy", ...
	Plugin string // whose it is
	Where  string // the place in its script, "sha1.lua:14"
}

// String is "schedule of sha1 (sha1.lua:14)", as far as it is known.
func (o Origin) String() string {
	s := o.Kind
	if o.Plugin != "" {
		s += " of " + o.Plugin
	}
	if o.Where != "" {
		s += " (" + o.Where + ")"
	}
	return s
}

// Job is work for a Pool.
type Job struct {
	Origin Origin
	// Key and Key2 order jobs: those that have a key in common run one at a time, in the order of their offers. A copy has
	// both its files, so that it comes after what was written to the one and before what will be written to the other. "" is
	// no key.
	Key, Key2 string
	// Bytes is what the job holds in memory until it is over.
	Bytes int64
	// Run does the work on the goroutine of a worker, 0 to Options.Workers-1; a worker runs one job at a time. It should end
	// soon when ctx is over.
	Run func(ctx context.Context, worker int) reentry.Result
	// Ticket is settled when the job is over: by Run's result, or expired when the job is dropped; withdrawn when it is
	// refused. It is nil when nobody wants the result.
	Ticket *reentry.Ticket
	// Release is called exactly once when an accepted job is over, run or dropped, before the ticket is settled: from a
	// worker's goroutine, or from that of whoever dropped it. It may be nil.
	Release func()
}

// task is a job in a pool's queue: the work that its workers take.
type task struct {
	Job
	pool  *Pool
	taken handoff.Taken[*task]
}

// Origin names the job.
func (t *task) Origin() Origin { return t.Job.Origin }

// Run does the job and settles its ticket.
func (t *task) Run(ctx context.Context, worker int) (lost bool) {
	result := t.Job.Run(ctx, worker)
	t.release()
	lost = result.Err != nil
	if t.Ticket != nil && !t.Ticket.Deliver(ctx, result) {
		lost = true
	}
	if p := t.pool; result.Err != nil && ctx.Err() == nil { // not by Stop
		p.mu.Lock()
		p.failed++
		p.mu.Unlock()
		if p.opts.Failed != nil {
			p.opts.Failed(t.Job.Origin, result.Err)
		}
	}
	return lost
}

// Done gives its room in the queue back.
func (t *task) Done() { t.taken.Done() }

// drop ends a job that will not run.
func (t *task) drop(why error) {
	t.release()
	if t.Ticket != nil {
		t.Ticket.Expire(why)
	}
}

func (t *task) release() {
	if t.Release != nil {
		t.Release()
	}
}
