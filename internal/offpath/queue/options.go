package queue

import (
	"context"
	"errors"
	"math"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/reentry"
)

// Options of a Queue. Zero values are sensible where a default is named.
type Options struct {
	Name  string
	Store jobstore.Store // the queue closes it; nil: Attach will bring it, and until then pushes are refused
	// Disk says of what kind the store is going to be; Attach knows better.
	Disk    bool
	IDs     *job.Clock     // that all queues of a process share; nil: one of its own
	Workers int            // 0: none; jobs are popped by Pop only
	Bounds  handoff.Bounds // of jobs that are not Dead, and once more of those that are
	Full    handoff.Full
	Rate    Rate
	Retry   Retry
	Timeout time.Duration // of an attempt; 0: none
	// UniqueFor is how long after its push a job holds its unique key; 0: until it is done, dead or deleted.
	UniqueFor time.Duration
	KeepDead  time.Duration // 0: dead jobs are not kept
	MaxSize   int64         // bytes of one job's payload; 0: 1 MiB
	Grace     time.Duration // what running jobs have after they were cancelled by Stop; 0: 1 s
	Runner    Runner        // does the jobs; not needed without workers
	Owners    Owners        // take named results; may be nil
	Log       func(level int, text string)
}

// Rate bounds how many attempts begin in a time. The zero Rate is none.
type Rate struct {
	Events int           // so many
	Per    time.Duration // in this time
	Burst  int           // at once, after quiet times; 0: 1
}

// Retry says what happens after an attempt that failed.
type Retry struct {
	Retries  int           // attempts after the first; below 0: no end
	Min, Max time.Duration // pause before the second attempt, which doubles from one to the next up to Max; with jitter
}

// attempts is how many attempts a job has; 0: no end.
func (r Retry) attempts(b *job.Body) int {
	switch {
	case b.MaxAttempts > 0:
		return int(b.MaxAttempts)
	case r.Retries < 0:
		return 0
	}
	return min(r.Retries, math.MaxUint16-1) + 1
}

// Runner does a job. Run is called on the goroutines of workers. It ends soon when ctx is over: it was cancelled, its time
// is over (context.DeadlineExceeded), or the queue stops.
type Runner interface {
	Run(ctx context.Context, j *job.Job) Outcome
}

// Outcome is what became of an attempt.
type Outcome struct {
	Result    []byte // one value, as package value encodes it; nil: it gave nothing
	Err       error  // it failed
	Traceback string // of Err, where there is one
	Final     bool   // no further attempt can help: the job is dead
}

// Owners take results that nobody waits for in person: those of jobs with OnResult or OnError, when the one who pushed them
// has no ticket any more, as after a restart. Take says false when the job's owner is not there, or has nothing of that name.
type Owners interface {
	Take(j *job.Job, o Outcome) bool
}

// Push is a job to be taken in.
type Push struct {
	// Job is its Body, and Priority; the queue's from now on. An ID that is set is kept: another process gave it.
	Job   *job.Job
	Delay time.Duration // before its first attempt
	// Ticket is settled when the job ends: delivered with its result, or with its last error when it is dead; expired when the
	// job is deleted or dropped. Withdrawn when the push is refused, or a duplicate. It may be nil.
	Ticket *reentry.Ticket
	// Room is where the Receipt's Handle is made, for who has memory for it; nil: elsewhere.
	Room *Handle
}

// Receipt is what an accepted push gives.
type Receipt struct {
	ID        job.ID
	Duplicate bool // ID is that of an earlier job with the same unique key; nothing was pushed
	// Handle is nil for duplicates.
	Handle *Handle
	group  *group // that brings it to the disk; nil: it is as safe as it will be
}

// ErrDeleted and its like are why tickets of jobs expire.
var (
	ErrDeleted = errors.New("the job was deleted")
	ErrDropped = errors.New("the job was dropped: its queue was full")
	ErrStopped = errors.New("the process stopped before the job was done")
	ErrMoved   = errors.New("the job went on to the next process")
	ErrUnknown = errors.New("the job has ended, and nobody kept its result")
)

// DuplicateError says that a push turned out to be a duplicate when it was too late to say so in its Receipt.
type DuplicateError struct{ ID job.ID }

func (e *DuplicateError) Error() string {
	return "a duplicate of job " + e.ID.String() + ", which has the same unique key"
}
