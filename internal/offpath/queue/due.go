package queue

import (
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// maxDue is how many jobs of each of the two states become ready at a time.
const maxDue = 256

// readDue reads the jobs whose time has come, and when that of the next one comes.
func readDue(s jobstore.Store, now time.Time) (due []job.Head, next int64) {
	next = never
	for _, state := range []job.State{job.Scheduled, job.Retrying} {
		n := 0
		err := s.Heads(state, job.Head{}, func(h job.Head) bool {
			if h.Due > now.UnixNano() || n == maxDue {
				next = min(next, h.Due)
				return false
			}
			n++
			due = append(due, h)
			return true
		})
		if err != nil {
			next = min(next, now.Add(time.Second).UnixNano())
		}
	}
	return due, next
}

// dueAt notes when a job is due.
func (q *Queue) dueAt(at int64) {
	if at < q.due {
		q.due = at
		q.wakeBy(time.Unix(0, at))
	}
}

// wakeBy has tend come at a time at the latest.
func (q *Queue) wakeBy(at time.Time) {
	if q.wakeAt.IsZero() || at.Before(q.wakeAt) {
		q.poke()
	}
}
