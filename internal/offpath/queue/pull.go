package queue

import (
	"errors"
	"fmt"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/reentry"
)

// errChanged says that a job changed its state while an operator's change of it was made.
var errChanged = errors.New("the job changes all the time: try again")

// steer makes a change of one job.
func (q *Queue) steer(id job.ID, f func(*job.Job) (jobstore.Change, error)) error {
	const patience = 100
	if err := q.exclusive(); err != nil {
		return err
	}
	defer q.storing.unlock()
	for range patience {
		again, err := q.steerOnce(id, f)
		if !again {
			return err
		}
		if err := q.writeAll(); err != nil {
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
	err := q.writeAll()
	if err != nil {
		q.storing.unlock()
	}
	return err
}

// writeAll writes what waits for the disk. No further jobs are marked for workers meanwhile. storing is held.
func (q *Queue) writeAll() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.steering = true
	defer func() { q.steering = false }()
	for q.store != nil && q.grouped && (len(q.groups) > 0 || len(q.kept) > 0) {
		if q.trouble.refusing {
			return errors.New(q.trouble.text)
		}
		q.mu.Unlock()
		q.round()
		q.mu.Lock()
	}
	if q.store == nil {
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
