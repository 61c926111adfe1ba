package queue

import (
	"errors"
	"fmt"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/reentry"
)

// What an operator does to a queue. Of these methods, those that change jobs wait until that is in the store, and while a large
// store is being read.

// errChanged says that a job changed its state while an operator's change of it was made.
var errChanged = errors.New("the job changes all the time: try again")

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

// steer makes a change of one job.
func (q *Queue) steer(id job.ID, f func(*job.Job) (jobstore.Change, error)) error {
	const patience = 100
	for range patience {
		if err := q.exclusive(); err != nil {
			return err
		}
		again, err := q.steerOnce(id, f)
		q.storing.unlock()
		if !again {
			return err
		}
	}
	return errChanged
}

func (q *Queue) steerOnce(id job.ID, f func(*job.Job) (jobstore.Change, error)) (again bool, err error) {
	j, err := q.store.Get(id)
	if err != nil {
		return false, fmt.Errorf("job %v of queue '%s': %w", id, q.opts.Name, err)
	}
	q.mu.Lock()
	for _, a := range q.hand {
		if a.from.ID == id { // nobody has begun it: it is as good as ready
			q.unhand()
			q.mu.Unlock()
			return true, nil
		}
	}
	c, err := f(j)
	if err != nil {
		q.mu.Unlock()
		return false, err
	}
	p, ok := q.pull(c.From)
	q.mu.Unlock()
	if !ok {
		return true, nil
	}
	return false, q.settle([]jobstore.Change{c}, []pull{p})
}

// exclusive locks storing, with all that waited before written and read.
func (q *Queue) exclusive() error {
	q.mu.Lock()
	started, loaded := q.started, q.loaded
	q.mu.Unlock()
	if started {
		select {
		case <-loaded:
		case <-q.quit:
		}
	}
	q.storing.lock()
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.store != nil && q.grouped && (len(q.groups) > 0 || len(q.kept) > 0) {
		if q.trouble.refusing {
			q.storing.unlock()
			return errors.New(q.trouble.text)
		}
		q.mu.Unlock()
		q.round()
		q.mu.Lock()
	}
	if q.store == nil {
		q.storing.unlock()
		return errors.New(q.texts.unopened)
	}
	return nil
}

// pull is a job that was taken out of all but the store, so that nobody else changes it.
type pull struct {
	head job.Head
	a    *attempt // it runs
}

// pull takes a job out; false: it is not as its head says.
func (q *Queue) pull(h job.Head) (pull, bool) {
	switch h.State {
	case job.Ready:
		if !q.order.remove(h) {
			return pull{}, false
		}
		if h.KeyHash != 0 { // its place in its line is kept
			q.order.put(kept(h))
		}
	case job.Running:
		a := q.runs(h.ID)
		if a == nil || a.over {
			return pull{}, false
		}
		a.deleted = true
		return pull{h, a}, true
	}
	return pull{head: h}, true
}

// runs gives the attempt of a job that runs.
func (q *Queue) runs(id job.ID) *attempt {
	for _, a := range q.busy {
		if a != nil && a.job.ID == id {
			return a
		}
	}
	if a := q.popped[id]; a != nil {
		return a
	}
	return q.lent[id]
}

// settle writes the changes of jobs that were pulled, and brings them to their new places; or back when that fails.
func (q *Queue) settle(changes []jobstore.Change, pulls []pull) error {
	err := q.writeNow(q.store, changes)
	q.mu.Lock()
	var tickets []*reentry.Ticket
	for i, p := range pulls {
		if err != nil {
			q.putBack(p)
			continue
		}
		tickets = append(tickets, q.steered(&changes[i], p)...)
	}
	q.dispatch()
	q.poke()
	q.mu.Unlock()
	expire(tickets, ErrDeleted)
	return err
}

// putBack is the opposite of pull.
func (q *Queue) putBack(p pull) {
	switch {
	case p.a != nil:
		p.a.deleted = false
		if p.a.over { // and nobody wrote what became of it
			to := ready(p.head, time.Now())
			q.change(jobstore.Change{From: p.head, To: to})
			q.order.put(to)
			q.n.redelivered++
		}
	case p.head.State == job.Ready:
		q.order.put(p.head)
	}
}

// steered does what follows from a change that is written.
func (q *Queue) steered(c *jobstore.Change, p pull) []*reentry.Ticket {
	if c.From.State == job.Dead {
		q.unbury(c.From)
	} else {
		q.free(c.From)
	}
	if c.To.State == job.Gone {
		q.n.deleted++
		if c.From.State == job.Ready || c.From.State == job.Retrying {
			q.order.remove(kept(c.From))
		}
		if p.a != nil && p.a.cancel != nil {
			p.a.cancel(ErrDeleted)
		}
		return q.handles.end(c.To.ID, reentry.Result{Err: ErrDeleted}, true)
	}
	if c.To.State == job.Dead {
		q.bury(c.To)
		return nil
	}
	q.used.Entries++
	q.used.Bytes += int64(c.To.Size)
	if c.To.State == job.Ready || c.To.State == job.Retrying && c.To.KeyHash != 0 {
		q.order.put(c.To)
	}
	return nil
}

// kept is the head of a job that only keeps its place in its line.
func kept(h job.Head) job.Head {
	h.State = job.Retrying
	return h
}
