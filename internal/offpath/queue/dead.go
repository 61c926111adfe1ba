package queue

import (
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

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
