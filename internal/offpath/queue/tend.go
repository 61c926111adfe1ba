package queue

import (
	"runtime"
	"time"

	"eddy/internal/offpath/jobstore"
)

// stale is how long a job is kept for a worker that does not come.
const stale = time.Second

// tend is the queue's own goroutine: it writes groups, and does what has its time.
func (q *Queue) tend() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		for q.work() {
			select {
			case <-q.quit:
				return
			default:
			}
		}
		timer.Reset(time.Until(q.sleep()))
		select {
		case <-q.quit:
			return
		case <-q.kick:
		case <-timer.C:
		}
	}
}

// work does what there is to do now, and says whether there may be more.
func (q *Queue) work() (more bool) {
	q.storing.lock()
	defer q.storing.unlock()
	now := time.Now()
	q.mu.Lock()
	q.tick(now)
	write := q.grouped && q.mustWrite(now)
	q.mu.Unlock()
	if write {
		more = q.round()
	}
	return q.sweep(now) || more
}

// mustWrite says that there is something to write that can't wait.
func (q *Queue) mustWrite(now time.Time) bool {
	switch {
	case q.store == nil || q.trouble.refusing && now.Before(q.trouble.retry):
		return false
	case q.urgent, len(q.kept) > 0, !q.lazyAt.IsZero() && !now.Before(q.lazyAt):
		return true
	case !q.loading && q.due <= now.UnixNano():
		return true
	}
	return q.lacks(now)
}

// tick does what has its time and needs no disk. The lock is held.
func (q *Queue) tick(now time.Time) {
	if q.store == nil {
		return
	}
	if q.trouble.refusing && !now.Before(q.trouble.retry) && len(q.kept) == 0 {
		q.trouble.refusing = false // the next push will show
	}
	if q.dry && q.bucket.tokens(now, 1) > 0 {
		q.dry = false
	}
	if len(q.hand) > 0 && (!q.running() || now.Sub(q.hand[0].leased) > stale) {
		q.unhand()
	}
	if !q.grouped && !q.loading {
		q.promote(now)
	}
	q.dispatch()
}

// promote makes jobs of a store in memory ready whose time has come.
func (q *Queue) promote(now time.Time) {
	for q.due <= now.UnixNano() {
		due, next := readDue(q.store, now)
		q.due = next
		for _, from := range due {
			to := ready(from, now)
			q.change(jobstore.Change{From: from, To: to})
			q.order.put(to)
		}
		if len(due) == 0 {
			return
		}
	}
}

// sleep says when tend has to come by itself.
func (q *Queue) sleep() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := time.Now().Add(time.Hour)
	earlier := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if q.store != nil {
		if q.due != never && !q.loading && !q.trouble.refusing {
			earlier(time.Unix(0, q.due))
		}
		if q.dry {
			earlier(q.bucket.next())
		}
		if !q.expire.IsZero() && !q.trouble.refusing {
			earlier(q.expire)
		}
		if q.trouble.refusing {
			earlier(q.trouble.retry)
		}
		if !q.lazyAt.IsZero() && !q.trouble.refusing {
			earlier(q.lazyAt)
		}
		if len(q.hand) > 0 {
			earlier(q.hand[0].leased.Add(stale + time.Millisecond))
		}
	}
	q.wakeAt = at
	return at
}

// gather gives those who were just told that their pushes are safe a moment to push again, so that they share a group. Without it
// groups would be large and small by turns.
func (q *Queue) gather() {
	const patience = 64
	for range patience {
		q.mu.Lock()
		enough := q.pending >= q.expected
		q.mu.Unlock()
		if enough {
			return
		}
		runtime.Gosched()
	}
}
