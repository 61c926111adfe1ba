package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"eddy/internal/base/histogram"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// Stats are a queue's figures at one moment. When nothing is under way,
//
//	Opened + Pushed = Done + Dropped + Deleted + Expired + Handed + the jobs in Totals
type Stats struct {
	Name     string
	Disk     bool
	Path     string // of a disk store
	Paused   bool
	Draining bool
	Loading  bool // the store's jobs are still being read: not all can be taken yet
	Away     bool // the store is with another process
	Workers  int
	Busy     int // workers that have a job, or still tell its end
	Bounds   handoff.Bounds
	Used     handoff.Bounds // of Bounds: jobs that are not dead, those on their way to the store too

	Totals      jobstore.Totals
	OldestReady time.Time // since when a job that is ready waits; zero: none
	Uncommitted int       // accepted, and not yet in the store
	OldestGap   time.Duration

	Opened, Handed                                               uint64 // jobs found in the store at its opening; given to another process
	Pushed, Duplicates, Started, Done, Failed, Retried, TimedOut uint64 // Failed: attempts
	Died, Dropped, Deleted, Redelivered, OwnerGone, Popped       uint64 // Died: became dead; OwnerGone: nobody took a result that names its taker
	Expired                                                      uint64 // dead jobs that were kept long enough, or more than the bounds
	Refused                                                      [handoff.NumRefusals]uint64
	RateWaits                                                    uint64 // times that jobs had to wait for the rate
	Commits                                                      uint64 // of groups

	Wait, Run, Commit histogram.Snapshot // ready → begun; an attempt; a group's way into the store

	Running    []Running
	Handlers   []HandlerStats // by name
	StoreError string         // why the store refuses; ""
	StoreSince time.Time
}

// Running is a job that a worker has, or that was popped.
type Running struct {
	ID      job.ID
	Handler string
	Key     string
	Attempt int
	Since   time.Time
	Worker  int // -1: it was popped, or another process runs it
}

// HandlerStats are the figures of one handler in one queue.
type HandlerStats struct {
	Name                  string // "function": sealed code; "others": more than are told apart
	Started, Done, Failed uint64
	Total, Max            time.Duration
}

const maxHandlers = 500

// Stats gives the figures.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	store := q.store
	s := q.stats()
	q.mu.Unlock()
	s.Wait, s.Run, s.Commit = q.wait.Snapshot(), q.run.Snapshot(), q.commit.Snapshot()
	slices.SortFunc(s.Handlers, func(a, b HandlerStats) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Running, func(a, b Running) int { return a.Since.Compare(b.Since) })
	if store == nil {
		return s
	}
	if d, ok := store.(jobstore.Durable); ok {
		s.Path = d.Path()
	}
	if s.Disk {
		s.Totals = store.Totals()
	}
	s.OldestReady = oldestReady(store)
	return s
}

// stats is what is under the lock.
func (q *Queue) stats() Stats {
	now := time.Now()
	n := &q.n
	s := Stats{
		Name: q.opts.Name, Disk: q.Disk(), Paused: q.paused, Draining: q.drain, Loading: q.loading, Away: q.away != nil,
		Workers: max(q.opts.Workers, 0), Busy: q.working, Bounds: q.opts.Bounds, Used: q.used,
		Uncommitted: q.pending,
		Opened:      n.opened, Handed: n.handed, Pushed: n.pushed, Duplicates: n.duplicates, Started: n.started, Done: n.done,
		Failed: n.failed, Retried: n.retried, TimedOut: n.timedOut, Died: n.died, Dropped: n.dropped, Deleted: n.deleted,
		Redelivered: n.redelivered, OwnerGone: n.ownerGone, Popped: n.popped, Expired: n.expired, Refused: n.refused,
		RateWaits: n.rateWaits, Commits: n.commits,
	}
	if q.store != nil && !q.grouped {
		s.Totals = q.store.Totals()
	}
	if q.pending > 0 {
		switch {
		case q.flying != nil:
			s.OldestGap = now.Sub(q.flying.since)
		case len(q.groups) > 0:
			s.OldestGap = now.Sub(q.groups[0].since)
		}
	}
	if t := q.trouble; !t.since.IsZero() {
		s.StoreError, s.StoreSince = t.text, t.since
	}
	for _, a := range q.busy {
		if a != nil && !a.over {
			s.Running = append(s.Running, a.running())
		}
	}
	for _, list := range []map[job.ID]*attempt{q.popped, q.lent} {
		for _, a := range list {
			if a.job != nil {
				s.Running = append(s.Running, a.running())
			}
		}
	}
	for _, h := range q.byName {
		s.Handlers = append(s.Handlers, *h)
	}
	return s
}

func (a *attempt) running() Running {
	return Running{ID: a.job.ID, Handler: a.job.Handler, Key: a.job.Key, Attempt: int(a.job.Attempts), Since: a.begun, Worker: a.worker}
}

// oldestReady looks at the first of the jobs that are ready; one that became ready late need not be the oldest by that.
func oldestReady(s jobstore.Store) time.Time {
	const some = 64
	oldest, n := int64(never), 0
	err := s.Heads(job.Ready, job.Head{}, func(h job.Head) bool {
		oldest = min(oldest, h.Due)
		n++
		return n < some
	})
	if err != nil || oldest == never {
		return time.Time{}
	}
	return time.Unix(0, oldest)
}

// handler gives the figures of a job's handler.
func (q *Queue) handler(j *job.Job) *HandlerStats {
	name := j.Handler
	if name == "" {
		name = "function"
	}
	if h := q.byName[name]; h != nil {
		return h
	}
	if len(q.byName) >= maxHandlers {
		name = "others"
		if h := q.byName[name]; h != nil {
			return h
		}
	}
	h := &HandlerStats{Name: name}
	q.byName[name] = h
	return h
}

// figures counts the end of an attempt.
func (q *Queue) figures(j *job.Job, begun, now time.Time, o Outcome, why error, to job.State) {
	h := q.handler(j)
	if !begun.IsZero() {
		took := now.Sub(begun)
		h.Total += took
		h.Max = max(h.Max, took)
	}
	switch to {
	case job.Done:
		q.n.done++
		h.Done++
		return
	case job.Ready: // cut short
		q.n.redelivered++
		return
	case job.Retrying:
		q.n.retried++
	case job.Gone:
		q.n.died++
		q.n.expired++
	case job.Dead:
		q.n.died++
	}
	q.n.failed++
	h.Failed++
	if o.Err != nil && errors.Is(why, context.DeadlineExceeded) {
		q.n.timedOut++
	}
}

// random is the source of jitter.
func random() float64 { return rand.Float64() }
