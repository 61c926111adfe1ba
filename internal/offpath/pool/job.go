package pool

import (
	"context"

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

// drop ends a job that will not run.
func (j *Job) drop(why error) {
	j.release()
	if j.Ticket != nil {
		j.Ticket.Expire(why)
	}
}

func (j *Job) release() {
	if j.Release != nil {
		j.Release()
	}
}
