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
}

func newSlots(n int) []slot {
	slots := make([]slot, max(n, 0))
	for i := range slots {
		slots[i] = slot{worker: i, wake: make(chan *attempt, 1)}
	}
	return slots
}

// Bounds of what is marked as running before a worker is free for it. Only jobs that are quickly done are: as many as were done
// since the last time, or twice that. So few jobs are counted as given twice after a crash, and one with a high priority does
// not wait behind others for long.
const (
	maxAhead      = 1024
	maxAheadBytes = 8 << 20
	aheadWithin   = 50 * time.Millisecond
)

// Take gives a worker its next job; it is the queue's side of pool.Source.
func (q *Queue) Take(worker int) (pool.Work, bool) {
	s := &q.slots[worker]
	for {
		q.mu.Lock()
		a := q.next(time.Now(), worker)
		if a == nil {
			if q.finished() {
				q.mu.Unlock()
				return nil, false
			}
			q.idle = append(q.idle, s)
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
		if q.order.peek() != nil {
			q.poke()
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
		if len(q.hand) <= q.ahead/2 && q.order.peek() != nil {
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
	a := &attempt{q: q, from: h}
	to := running(h, now)
	q.change(jobstore.Change{From: h, To: to})
	if a.job, a.broken = q.store.Get(h.ID); a.broken != nil {
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
	for len(q.idle) > 0 {
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

// wakeAll has all workers that wait look again.
func (q *Queue) wakeAll() {
	for _, s := range q.idle {
		s.wake <- nil
	}
	q.idle = q.idle[:0]
}

// choose takes jobs out of the order for workers that are free, or soon will be.
func (q *Queue) choose(b *batch, now time.Time) {
	if q.opts.Workers == 0 || !q.running() || q.trouble.refusing {
		return
	}
	if now.Sub(q.chosen) > aheadWithin {
		q.ended = 0
	}
	q.chosen = now
	free := len(q.idle) - len(q.hand)
	q.ahead = min(2*q.ended, maxAhead)
	q.ended = 0
	n := q.bucket.tokens(now, free+q.ahead)
	if n == 0 && free > 0 && q.order.peek() != nil {
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

// unhand brings the jobs that no worker has begun back into order, as nobody is going to soon.
func (q *Queue) unhand() {
	for _, a := range q.hand {
		q.change(jobstore.Change{From: a.job.Head, To: a.from})
		q.order.put(a.from)
	}
	q.hand = nil
}
