package queue

import (
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/pool"
)

// slot is where a worker waits for a job.
type slot struct {
	worker int
	wake   chan *attempt // nil: look again
	called bool          // see Queue.call; the queue's lock guards it
	limit  limit
}

func newSlots(n int) []slot {
	slots := make([]slot, max(n, 0))
	for i := range slots {
		slots[i].worker, slots[i].wake = i, make(chan *attempt, 1)
	}
	return slots
}

// Bounds of what is marked as running before a worker is free for it: what workers do in a time, and no more. So hardly any job is
// marked that takes long; few count as given twice after a crash, and one with a high priority does not wait behind others
// for long.
const (
	maxAhead      = 1024
	maxAheadBytes = 8 << 20
	horizon       = 8 * time.Millisecond
)

// Take gives a worker its next job; it is the queue's side of pool.Source.
func (q *Queue) Take(worker int) (pool.Work, bool) {
	s := &q.slots[worker]
	for {
		q.mu.Lock()
		if s.called {
			s.called, q.calling = false, false
		}
		a := q.next(time.Now(), worker)
		switch {
		case a != nil && !q.grouped:
			q.call() // the others have their turn when there is more
		case a == nil && q.finished():
			q.mu.Unlock()
			s.limit.stop()
			return nil, false
		case a == nil:
			q.idle = append(q.idle, s)
			if q.grouped && q.lacks(time.Now()) { // which it did not with one less
				q.poke()
			}
		}
		q.mu.Unlock()
		if a == nil {
			a = <-s.wake
		}
		if a != nil {
			return a, true
		}
	}
}

// finished says that workers have nothing to wait for any more.
func (q *Queue) finished() bool {
	return !q.taking || q.closing && (q.grouped || q.store == nil || q.paused || q.order.ready == 0)
}

// running says that jobs may be taken now.
func (q *Queue) running() bool {
	return q.taking && !q.paused && q.store != nil && q.away == nil && !(q.closing && q.grouped)
}

// next gives a worker a job, if there is one for it now.
func (q *Queue) next(now time.Time, worker int) *attempt {
	if !q.running() {
		return nil
	}
	var a *attempt
	switch {
	case q.grouped && len(q.hand) == 0:
		switch {
		case q.lacks(now):
			q.poke()
		case q.order.peek() != nil && q.bucket.tokens(now, 1) == 0:
			q.thirst()
		}
		return nil
	case !q.grouped && q.order.peek() == nil:
		return nil
	case q.bucket.tokens(now, 1) == 0:
		q.thirst()
		return nil
	case q.grouped:
		a = q.hand[0]
		q.hand[0] = nil
		if q.hand = q.hand[1:]; len(q.hand) == 0 {
			q.hand = nil
		}
		if len(q.hand) == q.ahead/2 && q.order.peek() != nil {
			q.poke()
		}
	default:
		a = q.takeNow(now)
	}
	q.start(a, now, worker)
	return a
}

// takeNow takes the job whose turn it is from a store in memory.
func (q *Queue) takeNow(now time.Time) *attempt {
	h, _ := q.order.take()
	room := &struct {
		attempt
		job job.Job
	}{}
	a := &room.attempt
	a.q, a.from, a.job = q, h, &room.job
	to := running(h, now)
	q.change(jobstore.Change{From: h, To: to})
	if lender, ok := q.store.(jobstore.Lender); ok {
		a.broken = lender.Lend(h.ID, a.job)
	} else {
		a.job, a.broken = q.store.Get(h.ID)
	}
	if a.broken != nil {
		a.job = &job.Job{Head: to}
	}
	return a
}

// running is the head of a job of which an attempt begins.
func running(h job.Head, now time.Time) job.Head {
	h.State, h.Due = job.Running, now.UnixNano()
	h.Attempts++
	return h
}

// start notes that a worker has a job.
func (q *Queue) start(a *attempt, now time.Time, worker int) {
	q.bucket.take(now)
	a.worker, a.begun = worker, now
	q.busy[worker] = a
	q.working++
	q.begun(a, now)
}

// begun counts an attempt that begins.
func (q *Queue) begun(a *attempt, now time.Time) {
	q.n.started++
	q.handler(a.job).Started++
	q.wait.Observe(time.Duration(now.UnixNano() - a.from.Due))
}

// thirst notes that jobs wait for a token.
func (q *Queue) thirst() {
	if !q.dry {
		q.dry = true
		q.n.rateWaits++
	}
	q.wakeBy(q.bucket.next())
}

// dispatch gives jobs to workers that wait, and wakes those who wait in PopWait.
func (q *Queue) dispatch() {
	if q.opts.Workers == 0 {
		if q.order.ready > 0 && q.running() {
			q.signal()
		}
		return
	}
	if !q.grouped {
		q.call()
	}
	for q.grouped && len(q.idle) > 0 {
		last := len(q.idle) - 1
		s := q.idle[last]
		a := q.next(time.Now(), s.worker)
		if a == nil {
			break
		}
		q.idle = q.idle[:last]
		s.wake <- a
	}
	if q.finished() {
		q.wakeAll()
	}
}

// call has a worker that waits take a job from a store in memory. One is called at a time, and calls the next one when there is
// more: whoever pushes does not do their work.
func (q *Queue) call() {
	if q.calling || len(q.idle) == 0 || q.order.peek() == nil || !q.running() {
		return
	}
	if q.bucket.every > 0 && q.bucket.tokens(time.Now(), 1) == 0 {
		q.thirst()
		return
	}
	last := len(q.idle) - 1
	s := q.idle[last]
	q.idle = q.idle[:last]
	s.called, q.calling = true, true
	s.wake <- nil
}

// wakeAll has all workers that wait look again.
func (q *Queue) wakeAll() {
	for _, s := range q.idle {
		s.wake <- nil
	}
	q.idle = q.idle[:0]
}

// choose takes jobs out of the order for workers that are free, or soon will be.
func (q *Queue) choose(b *batch, now time.Time) {
	if q.opts.Workers == 0 || !q.running() || q.trouble.refusing || q.steering {
		return
	}
	free := len(q.idle) - len(q.hand)
	q.ahead = q.maxAhead()
	n := q.bucket.tokens(now, len(q.idle)+q.ahead) - len(q.hand)
	if n <= 0 && free > 0 && q.order.peek() != nil {
		q.thirst()
	}
	bytes := int64(0)
	for len(b.leases) < n && bytes < maxAheadBytes {
		h := q.order.peek()
		if h == nil || len(b.leases) >= free && (h.Attempts > 0 || q.opts.Retry.Retries == 0) {
			return // a job that may be why a process died is marked only when it really begins
		}
		from, _ := q.order.take()
		bytes += int64(from.Size)
		b.leases = append(b.leases, &attempt{q: q, from: from})
	}
}

// maxAhead is how many jobs workers are likely to do within the horizon, beside those that they have.
func (q *Queue) maxAhead() int {
	if q.pace == 0 {
		return 0
	}
	return int(min(time.Duration(q.opts.Workers)*horizon/q.pace, maxAhead))
}

// paced notes how long a worker had a job. A single long one, as when the machine was busy elsewhere, does not count for much.
func (q *Queue) paced(took time.Duration) {
	took = max(took, time.Microsecond)
	if q.pace == 0 {
		q.pace = took
	}
	took = min(took, 4*q.pace)
	q.pace = max(q.pace+(took-q.pace)/8, time.Microsecond)
}

// lacks says that workers have, or will soon have, less to do than they could, and that choose would find something.
func (q *Queue) lacks(now time.Time) bool {
	h := q.order.peek()
	if h == nil || q.opts.Workers == 0 || !q.running() || q.trouble.refusing || q.bucket.tokens(now, len(q.hand)+1) <= len(q.hand) {
		return false
	}
	if len(q.idle) > len(q.hand) {
		return true
	}
	return h.Attempts == 0 && q.opts.Retry.Retries != 0 && len(q.hand) <= q.ahead/2 && q.ahead > 0
}

// unhand brings the jobs that no worker has begun back into order, as nobody is going to soon.
func (q *Queue) unhand() {
	for _, a := range q.hand {
		q.change(jobstore.Change{From: a.job.Head, To: a.from})
		q.order.put(a.from)
	}
	q.hand = nil
}
