// Package jobstore says what a queue wants of the place where its jobs are kept. Packages memory and disk keep them; package
// storetest is the suite that both pass.
package jobstore

import (
	"errors"
	"fmt"

	"eddy/internal/offpath/job"
)

// Store keeps the jobs of one queue. One goroutine at a time calls Commit; the other methods may be called meanwhile, from
// any goroutine. They see all of a commit or nothing, and what they give is the caller's to keep.
type Store interface {
	// Commit makes all the changes, or none and an error. When it returns, they are as safe as the store promises: memory has
	// them; a disk store has handed them to the operating system, or synced them.
	Commit(changes []Change) error
	// Get gives a whole job; ErrNotFound when there is none.
	Get(id job.ID) (*job.Job, error)
	// Heads calls f for the jobs of a state until it gives false: Scheduled and Retrying ones by Due and then ID, others by
	// ID, beginning behind the job after (its Due and ID count; it need not be there); the zero Head is the beginning. f may
	// call the store.
	Heads(s job.State, after job.Head, f func(job.Head) bool) error
	// Totals says how many jobs are in each state, and how many bytes they have. It costs little.
	Totals() Totals
	// Unique gives the job that holds a unique key at a time (nanoseconds since 1970); false when none does.
	Unique(key string, now int64) (job.ID, bool)
	// Last is the largest id that was ever added; 0: none.
	Last() job.ID
	// Close lets go of everything, after what was committed is safe.
	Close() error
}

// Durable is what a Store may have beside its methods, when a commit takes so long that many pushes had better share one.
type Durable interface {
	// Path is the folder of the store, for messages.
	Path() string
	// MaxCommit is how much one Commit may have at most, as the sum of Cost of its changes. More is an error, and nothing is
	// done.
	MaxCommit() int64
}

// Lender is what a Store may have beside its methods, when its jobs are in memory anyway.
type Lender interface {
	// Lend is Get into j, without copies: its slices are the store's, and not to be changed.
	Lend(id job.ID, j *job.Job) error
}

// Cost is what a change takes of Durable.MaxCommit: a little more than the bytes that are written.
func Cost(c *Change) int64 {
	n := int64(768)
	if c.Unique != "" {
		n += 512 + 2*int64(len(c.Unique))
	}
	if c.To.State.Timed() {
		n += 256
	}
	if c.Job != nil {
		n += int64(c.Job.Weigh())
		if len(c.Job.Failures) > 0 {
			n += maxFailures
		}
	}
	if c.Failure != nil {
		n += maxFailures
	}
	return n
}

const maxFailures = job.MaxFailures * (job.MaxErrorText + job.MaxTraceback + 64) // bytes of a job's failures

// Totals are numbers of jobs by state, and the bytes (Head.Size) of all of them.
type Totals struct {
	Jobs  [job.Gone + 1]int64
	Bytes [job.Gone + 1]int64
}

// Apply counts a change.
func (t *Totals) Apply(c *Change) {
	if s := c.From.State; s.Kept() {
		t.Jobs[s]--
		t.Bytes[s] -= int64(c.From.Size)
	}
	if s := c.To.State; s.Kept() {
		t.Jobs[s]++
		t.Bytes[s] += int64(c.To.Size)
	}
}

// Change is one step of one job.
type Change struct {
	// Job is added when From.State is 0: its Body and Failures, with To as its Head. Otherwise it may be nil; when it is not,
	// Data of its Body replaces what is kept (an operator's edit). Neither its Body nor its byte slices are changed afterwards: a store may
	// keep them.
	Job *job.Job
	// From is the head that the store has, To the one that replaces it. With To.State Done or Gone the job is removed. A job
	// that is added has only To. The queue must know From exactly: a store need not look. One job may be in several changes of
	// a commit; they are made in order.
	From, To job.Head
	// Failure is kept with the job; nil: nothing new.
	Failure *job.Failure
	// Unique is the job's unique key, where it has one: it is held from the job's adding until UniqueUntil (nanoseconds since
	// 1970), or, when that is 0, until a Change to Done, Dead or Gone that names it too. A Change to another state that names it
	// lets the job hold it again, as when a dead one is tried again. A store does not ask who holds it now: Unique tells.
	Unique      string
	UniqueUntil int64
}

// ID is the job's.
func (c *Change) ID() job.ID { return c.To.ID }

// Releases says that the change gives up the unique key that it names.
func (c *Change) Releases() bool {
	return c.From.State != 0 && (c.To.State == job.Done || c.To.State == job.Dead || c.To.State == job.Gone)
}

// Check finds what is wrong in a change by itself, as no queue should ask for it. Head and state of a job may stay as they are.
func (c *Change) Check() error {
	switch {
	case c.To.ID == 0:
		return errors.New("a change without the id of a job")
	case c.From.State == 0 && c.Job == nil:
		return fmt.Errorf("job %v is added without its body", c.To.ID)
	case c.From.State != 0 && c.From.ID != c.To.ID:
		return fmt.Errorf("job %v is replaced by %v", c.From.ID, c.To.ID)
	case c.From.State == c.To.State && c.From.State.Kept():
		return nil
	case !c.From.State.Next(c.To.State):
		return fmt.Errorf("job %v can't be %q after %q", c.To.ID, c.To.State, c.From.State)
	}
	return nil
}

// Errors of stores.
var (
	ErrNotFound = errors.New("no such job")
	ErrClosed   = errors.New("the store is closed")
)

// FullError says that there is no room on the disk. What was accepted before is safe; the store takes changes again when
// there is room.
type FullError struct{ Text string }

func (e *FullError) Error() string { return e.Text }
