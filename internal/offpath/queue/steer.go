package queue

import (
	"errors"
	"fmt"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// What an operator does to a queue. Of these methods, those that change jobs wait until that is in the store, and while a large
// store is being read.

// Pause stops taking jobs. Those that run go on; pushes are accepted.
func (q *Queue) Pause() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.paused = true
	q.dispatch()
	q.poke()
}

// Resume ends Pause and Drain.
func (q *Queue) Resume() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.paused, q.drain = false, false
	q.dispatch()
	q.poke()
}

// Drain refuses pushes. What is there runs.
func (q *Queue) Drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.drain = true
}

// Retry makes a job ready now: a dead one, which has all its attempts again, or one that waits for its time.
func (q *Queue) Retry(id job.ID) error {
	return q.steer(id, func(j *job.Job) (jobstore.Change, error) {
		c := jobstore.Change{From: j.Head, To: ready(j.Head, time.Now())}
		switch j.State {
		case job.Dead:
			if q.opts.Bounds.Refuse(q.used, int64(j.Size)) != handoff.Accepted {
				return c, fmt.Errorf("queue '%s' is full", q.opts.Name)
			}
			c.To.Attempts = 0
			if j.Unique != "" && q.opts.UniqueFor <= 0 && !q.taken(j.Unique) {
				c.Unique = j.Unique
			}
		case job.Scheduled, job.Retrying:
		default:
			return c, fmt.Errorf("job %v is %v: only jobs that are dead, retrying or scheduled can be tried again", id, j.State)
		}
		return c, nil
	})
}

// taken says that somebody holds a unique key.
func (q *Queue) taken(unique string) bool {
	if _, ok := q.holds[unique]; ok {
		return true
	}
	_, ok := q.store.Unique(unique, time.Now().UnixNano())
	return ok
}

// RetryDead makes dead jobs ready, the oldest first, at most max; 0: all. It gives their number.
func (q *Queue) RetryDead(max int) (int, error) {
	n := 0
	var after job.Head
	for max <= 0 || n < max {
		some, err := q.heads(job.Dead, after)
		if err != nil || len(some) == 0 {
			return n, err
		}
		for _, h := range some {
			after = h
			if max > 0 && n == max {
				break
			}
			switch err := q.Retry(h.ID); {
			case err == nil:
				n++
			case !errors.Is(err, jobstore.ErrNotFound):
				return n, err
			}
		}
	}
	return n, nil
}

// Delete removes a job. One that runs is cancelled.
func (q *Queue) Delete(id job.ID) error {
	return q.steer(id, func(j *job.Job) (jobstore.Change, error) {
		return q.deletion(j), nil
	})
}

func (q *Queue) deletion(j *job.Job) jobstore.Change {
	c := jobstore.Change{From: j.Head, To: gone(j.Head)}
	if j.State != job.Dead {
		c.Unique, c.UniqueUntil = j.Unique, q.uniqueUntil(j)
	}
	return c
}

// Purge deletes all jobs of some states; none: of all but Running. It gives their number.
func (q *Queue) Purge(states ...job.State) (int, error) {
	if len(states) == 0 {
		states = []job.State{job.Ready, job.Scheduled, job.Retrying, job.Dead}
	}
	n := 0
	for _, state := range states {
		var after job.Head
		for {
			some, err := q.heads(state, after)
			if err != nil {
				return n, err
			}
			if len(some) == 0 {
				break
			}
			after = some[len(some)-1]
			done, err := q.purge(some)
			if n += done; err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// heads gives some heads of a state.
func (q *Queue) heads(state job.State, after job.Head) (some []job.Head, err error) {
	const most = 500
	q.mu.Lock()
	s := q.store
	q.mu.Unlock()
	if s == nil {
		return nil, errors.New(q.texts.unopened)
	}
	err = s.Heads(state, after, func(h job.Head) bool {
		some = append(some, h)
		return len(some) < most
	})
	return some, err
}

// purge deletes those of some jobs that are still as their heads say, with one commit.
func (q *Queue) purge(some []job.Head) (int, error) {
	if err := q.exclusive(); err != nil {
		return 0, err
	}
	defer q.storing.unlock()
	var changes []jobstore.Change
	var pulls []pull
	for _, h := range some {
		j, err := q.store.Get(h.ID)
		if err != nil {
			j = &job.Job{Head: h} // it can't be read; it can go
			if errors.Is(err, jobstore.ErrNotFound) {
				continue
			}
		}
		if j.State != h.State {
			continue
		}
		q.mu.Lock()
		if p, ok := q.pull(j.Head); ok {
			pulls = append(pulls, p)
			changes = append(changes, q.deletion(j))
		}
		q.mu.Unlock()
	}
	if len(changes) == 0 {
		return 0, nil
	}
	return len(changes), q.settle(changes, pulls)
}

// Edit replaces a job's data, which is one value as package value encodes it. A running job can't be edited.
func (q *Queue) Edit(id job.ID, data []byte) error {
	if int64(len(data)) > q.opts.MaxSize {
		return errors.New(q.texts.large)
	}
	return q.steer(id, func(j *job.Job) (jobstore.Change, error) {
		if j.State == job.Running {
			return jobstore.Change{}, fmt.Errorf("job %v is running: it can't be edited now", id)
		}
		from := j.Head
		j.Data = data
		j.Size = j.Weigh()
		return jobstore.Change{Job: j, From: from, To: j.Head}, nil
	})
}
