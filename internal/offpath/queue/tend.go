package queue

import (
	"runtime"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
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
	grouped := q.grouped
	q.tick(now)
	q.mu.Unlock()
	if grouped {
		more = q.round()
	}
	return q.sweep(now) || more
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
	if len(q.hand) > 0 && (!q.running() || now.Sub(q.hand[0].leased) > stale && len(q.idle) == 0) {
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

// sweep lets go of dead jobs that were kept long enough, or of the oldest when there are more than the queue's bounds. It says
// whether there may be more. storing is held.
func (q *Queue) sweep(now time.Time) (more bool) {
	q.mu.Lock()
	store, dead := q.store, q.dead
	due := !q.expire.IsZero() && !now.Before(q.expire) && store != nil && !q.trouble.refusing
	q.mu.Unlock()
	if !due {
		return false
	}
	const most = 1000
	bounds := handoff.Bounds{}
	if over(dead, q.opts.Bounds) { // a tenth goes at a time
		bounds = handoff.Bounds{Entries: q.opts.Bounds.Entries * 9 / 10, Bytes: q.opts.Bounds.Bytes * 9 / 10}
	}
	var changes []jobstore.Change
	oldest := int64(never)
	err := store.Heads(job.Dead, job.Head{}, func(h job.Head) bool {
		if h.Due+int64(q.opts.KeepDead) > now.UnixNano() && !over(dead, bounds) {
			oldest = min(oldest, h.Due)
			return true
		}
		changes = append(changes, jobstore.Change{From: h, To: gone(h)})
		dead.Entries--
		dead.Bytes -= int64(h.Size)
		return len(changes) < most
	})
	if err == nil && len(changes) > 0 {
		err = q.writeNow(store, changes)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	pause := min(max(q.opts.KeepDead/100, time.Second), 10*time.Minute)
	switch {
	case err != nil:
		q.expire = now.Add(maxTrouble)
		return false
	case len(changes) == most:
		more = true
	case oldest == never:
		q.expire = time.Time{}
	default:
		q.expire = now.Add(max(time.Unix(0, oldest).Add(q.opts.KeepDead).Sub(now), pause))
	}
	q.n.expired += uint64(len(changes))
	q.dead.Entries -= len(changes)
	for i := range changes {
		q.dead.Bytes -= int64(changes[i].From.Size)
	}
	switch {
	case more:
		q.expire = now
	case q.dead.Entries > 0 && q.expire.IsZero(): // they are on their way to the store
		q.expire = now.Add(pause)
	}
	return more
}

// over says that more is used than the bounds allow.
func over(used, bounds handoff.Bounds) bool {
	return bounds.Entries > 0 && used.Entries > bounds.Entries || bounds.Bytes > 0 && used.Bytes > bounds.Bytes
}

// bury counts a job that is dead from now on.
func (q *Queue) bury(h job.Head) {
	if h.State != job.Dead {
		return
	}
	q.dead.Entries++
	q.dead.Bytes += int64(h.Size)
	at := time.Unix(0, h.Due).Add(q.opts.KeepDead)
	if over(q.dead, q.opts.Bounds) {
		at = time.Unix(0, h.Due)
	}
	if q.expire.IsZero() || at.Before(q.expire) {
		q.expire = at
		q.wakeBy(at)
	}
}

// unbury is the opposite.
func (q *Queue) unbury(h job.Head) {
	q.dead.Entries--
	q.dead.Bytes -= int64(h.Size)
}

// writeNow writes changes to the store. storing is held, the lock is not.
func (q *Queue) writeNow(s jobstore.Store, changes []jobstore.Change) error {
	if !q.grouped { // changes only with storing held
		q.mu.Lock()
		defer q.mu.Unlock()
		return s.Commit(changes)
	}
	err := s.Commit(changes)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.trouble.begin(q, err, time.Now())
		return err
	}
	q.n.commits++
	return nil
}
