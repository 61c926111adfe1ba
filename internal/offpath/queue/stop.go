package queue

import (
	"context"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/pool"
)

// StopTaking has the workers of a queue on a disk begin no further job, for good: they will be run by the next process. Jobs in
// memory have no next process, and go on.
func (q *Queue) StopTaking() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.grouped || q.store == nil {
		q.taking = false
		q.wakeAll()
		q.poke()
	}
}

// Stop refuses pushes from now on, and lets the jobs that run come to their end; those in memory that are ready, too. When ctx is
// over before that, it cancels what runs, and gives it Options.Grace. What has not run then stays on the disk, or is dropped and
// reported. Scripts that have popped jobs get a few seconds of ctx to end with them. At last it closes the store. Tickets that are still open expire. It is called once.
func (q *Queue) Stop(ctx context.Context) pool.Report {
	q.mu.Lock()
	q.closed, q.closing = true, true
	if q.grouped || q.store == nil {
		q.taking = false
	}
	q.dispatch()
	q.wakeAll()
	workers, started := q.workers, q.started
	q.mu.Unlock()
	q.poke()

	var report pool.Report
	if workers != nil {
		report = workers.Stop(ctx, q.abandon)
	}
	q.settlePopped(ctx)
	close(q.quit)
	if started {
		q.tasks.Wait()
	}
	q.storing.lock()
	defer q.storing.unlock()
	left := q.flush()
	q.mu.Lock()
	tickets := q.handles.all(ErrStopped)
	store := q.store
	q.store = nil
	if w := q.away; w != nil {
		for _, p := range w.held {
			p.group.close(ErrStopped)
		}
		w.held = nil
	}
	for _, g := range q.groups { // the store would not take them
		g.close(ErrStopped)
	}
	q.groups = nil
	q.mu.Unlock()
	expire(tickets, ErrStopped)
	report.Dropped = append(report.Dropped, left.Lines()...)
	if store != nil {
		if err := store.Close(); err != nil {
			q.log(logError, err.Error())
		}
	}
	return report
}

// abandon has the workers take nothing more.
func (q *Queue) abandon() pool.Tally {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taking = false
	q.wakeAll()
	return nil
}

// flush writes what waits for the disk, and says which jobs in memory will never run. storing is held.
func (q *Queue) flush() pool.Tally {
	q.mu.Lock()
	grouped, store := q.grouped, q.store
	q.unhand()
	q.mu.Unlock()
	if store == nil {
		return nil
	}
	if grouped {
		for q.round() {
		}
		return nil
	}
	left := pool.Tally{}
	for _, state := range []job.State{job.Ready, job.Scheduled, job.Retrying} {
		err := store.Heads(state, job.Head{}, func(h job.Head) bool {
			if j, err := store.Get(h.ID); err == nil {
				left.Add(origin(j))
			}
			return true
		})
		if err != nil {
			q.log(logError, err.Error())
		}
	}
	return left
}
