package queue

import (
	"fmt"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// Ended tells what became of a job that another process runs (Attach). An unknown one is an error.
func (q *Queue) Ended(id job.ID, o Outcome) error {
	q.mu.Lock()
	a := q.lent[id]
	q.mu.Unlock()
	if a == nil {
		return fmt.Errorf("job %v of queue '%s' runs nowhere else", id, q.opts.Name)
	}
	q.finish(full(), a, o, nil)
	return nil
}

// Lost says that the process is gone that ran some jobs (Attach): they are ready again, or dead when they have no attempt left.
func (q *Queue) Lost(ids []job.ID) {
	now := time.Now()
	for _, id := range ids {
		q.mu.Lock()
		a := q.lent[id]
		if a == nil || a.over {
			q.mu.Unlock()
			continue
		}
		q.n.redelivered++
		most := q.opts.Retry.attempts(&a.job.Body)
		if most > 0 && int(a.job.Attempts) >= most {
			q.mu.Unlock()
			q.finish(full(), a, Outcome{Err: errDied, Final: true}, nil)
			continue
		}
		a.over = true
		delete(q.lent, id)
		if a.deleted {
			q.order.leave(a.from)
		} else {
			to := ready(a.job.Head, now)
			q.change(jobstore.Change{From: a.job.Head, To: to})
			q.order.put(to)
		}
		q.dispatch()
		q.mu.Unlock()
	}
}
