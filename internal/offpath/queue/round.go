package queue

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/reentry"
)

// round writes what waits to the disk, together with the marks of the jobs that workers have next, and the jobs that are due.
// storing is held, the lock is not. It says whether it wrote anything.
func (q *Queue) round() bool {
	q.gather()
	now := time.Now()
	b, due := q.begin(now)
	if b == nil {
		return false
	}
	if due {
		b.due, b.nextDue = readDue(b.store, now)
	}
	q.mu.Lock()
	q.fill(b, now)
	q.mu.Unlock()
	q.fetch(b)
	q.mu.Lock()
	q.mark(b, now)
	q.mu.Unlock()
	var err error
	if len(b.group.changes) > 0 {
		for i := range b.group.changes {
			q.name(b.store, &b.group.changes[i])
		}
		begun := time.Now()
		err = b.store.Commit(b.group.changes)
		q.commit.Observe(time.Since(begun))
	}
	q.mu.Lock()
	wrote := len(b.group.changes) > 0
	var tickets []*reentry.Ticket
	if err != nil {
		tickets = q.undo(b, err, now)
	} else {
		q.apply(b)
	}
	q.flying = nil
	q.recycle(b.group)
	q.mu.Unlock()
	b.group.close(err)
	expire(tickets, err)
	return wrote && err == nil
}

// batch is what a round writes.
type batch struct {
	store   jobstore.Store
	group   *group
	kept    int        // so many changes at the front were kept from an earlier round
	due     []job.Head // as the store has them
	dueAt   map[job.ID]job.Head
	nextDue int64
	leases  []*attempt
}

// begin takes the first group out.
func (q *Queue) begin(now time.Time) (b *batch, due bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.store == nil || q.trouble.refusing && now.Before(q.trouble.retry) {
		return nil, false
	}
	q.urgent, q.lazyAt = len(q.groups) > 1, time.Time{}
	b = &batch{store: q.store, nextDue: q.due, group: &group{}}
	switch {
	case len(q.kept) > 0:
		b.kept = cut(q.kept, q.maxGroup)
		b.group.changes = slices.Clone(q.kept[:b.kept])
	case len(q.groups) > 0:
		b.group = q.groups[0]
		q.flying = b.group
		q.groups = slices.Delete(q.groups, 0, 1)
	}
	return b, !q.loading && q.due <= now.UnixNano()
}

// fill brings the group's pushes and the due jobs into order and chooses what workers have next. A push may be chosen that is
// not on the disk yet: both are written together.
func (q *Queue) fill(b *batch, now time.Time) {
	q.due = b.nextDue
	if q.opts.Workers > 0 {
		for _, at := range b.group.adds {
			if h := b.group.changes[at].To; h.State == job.Ready {
				q.place(h)
			}
		}
	}
	if len(b.due) > 0 {
		b.dueAt = make(map[job.ID]job.Head, len(b.due))
	}
	for _, from := range b.due {
		b.dueAt[from.ID] = from
		q.order.put(ready(from, now))
	}
	q.choose(b, now)
}

// ready is the head of a job that may be taken from now on.
func ready(h job.Head, now time.Time) job.Head {
	h.State, h.Due = job.Ready, now.UnixNano()
	return h
}

// fetch gets the bodies of the chosen jobs. Nothing but this goroutine touches them.
func (q *Queue) fetch(b *batch) {
	for _, a := range b.leases {
		if a.job != nil {
			continue
		}
		if at, ok := b.group.find(a.from.ID); ok {
			a.job = b.group.changes[at].Job
			continue
		}
		if a.job, a.broken = b.store.Get(a.from.ID); a.broken != nil {
			a.job = &job.Job{Head: a.from}
		}
	}
}

// mark writes down, in the group, that jobs are given to workers. What must not be ahead of its worker, as is seen only now, goes
// back.
func (q *Queue) mark(b *batch, now time.Time) {
	g := b.group
	leases := b.leases[:0]
	exact := len(q.idle) - len(q.hand)
	for _, a := range b.leases {
		if errors.Is(a.broken, jobstore.ErrNotFound) {
			q.log(logError, fmt.Sprintf("job %v is in no store any more", a.from.ID))
			q.order.leave(a.from)
			q.free(a.from)
			continue
		}
		if a.broken == nil && len(leases) >= exact && q.opts.Retry.attempts(&a.job.Body) == 1 {
			q.order.put(a.from)
			continue
		}
		to := running(a.from, now)
		a.job.Head = to
		leases = append(leases, a)
		if at, ok := g.find(to.ID); ok {
			g.changes[at].To = to
			continue
		}
		from := a.from
		if due, ok := b.dueAt[to.ID]; ok {
			from = due
			delete(b.dueAt, to.ID)
		}
		g.changes = append(g.changes, jobstore.Change{From: from, To: to})
	}
	b.leases = leases
	for _, from := range b.due {
		if _, waits := b.dueAt[from.ID]; waits {
			g.changes = append(g.changes, jobstore.Change{From: from, To: ready(from, now)})
		}
	}
}

// apply does what follows from a group that is written.
func (q *Queue) apply(b *batch) {
	q.n.commits++
	g := b.group
	if len(g.changes) > 0 {
		q.trouble.over(q)
	}
	q.kept = q.kept[b.kept:]
	for _, at := range g.adds {
		c := &g.changes[at]
		q.n.pushed++
		q.stable = max(q.stable, c.To.ID)
		if c.Unique != "" && q.holds[c.Unique].id == c.To.ID {
			delete(q.holds, c.Unique)
		}
		switch {
		case c.To.State == job.Scheduled:
			q.dueAt(c.To.Due)
		case q.opts.Workers == 0:
			q.enter(c.To)
		}
	}
	q.expected = len(g.adds)
	q.pending -= len(g.adds)
	q.weight -= g.bytes
	for i := range g.changes {
		c := &g.changes[i]
		if c.To.State == job.Retrying {
			q.dueAt(c.To.Due)
		}
		if len(q.freed) > 0 && c.Releases() {
			delete(q.freed, c.To.ID)
		}
	}
	for _, a := range b.leases {
		a.leased = time.Now()
		q.hand = append(q.hand, a)
	}
	q.dispatch()
}

// undo takes back what a group that could not be written has begun. Its pushes, and those that wait behind it, are refused after
// all; all else is kept.
func (q *Queue) undo(b *batch, err error, now time.Time) (tickets []*reentry.Ticket) {
	g := b.group
	leased := make(map[job.ID]*attempt, len(b.leases))
	for _, a := range b.leases {
		leased[a.from.ID] = a
	}
	kept := slices.Clone(q.kept)
	refused := make(map[job.ID]bool, len(g.adds)) // a later change of one that was dropped at once goes with it
	for _, c := range g.changes[b.kept:] {
		a := leased[c.To.ID]
		switch {
		case c.From.State == 0:
			if a != nil {
				q.order.leave(a.from)
			} else if q.opts.Workers > 0 && c.To.State == job.Ready {
				q.unplace(c.To)
			}
			refused[c.To.ID] = true
			tickets = append(tickets, q.unpush(c, err)...)
		case a != nil && c.To.State == job.Running:
			q.order.put(a.from)
			if c.From.State.Timed() {
				kept = append(kept, jobstore.Change{From: c.From, To: a.from})
			}
		default:
			kept = append(kept, c)
		}
	}
	q.pending -= len(g.adds)
	q.weight -= g.bytes
	for _, later := range q.groups {
		for _, c := range later.changes {
			if c.From.State == 0 {
				tickets = append(tickets, q.unpush(c, err)...)
			} else {
				kept = append(kept, c)
			}
		}
		q.pending -= len(later.adds)
		q.weight -= later.bytes
		later.close(err)
	}
	q.groups = nil
	q.kept = slices.DeleteFunc(kept, func(c jobstore.Change) bool { return refused[c.To.ID] })
	q.trouble.begin(q, err, now)
	return tickets
}

// unpush takes back a push.
func (q *Queue) unpush(c jobstore.Change, err error) []*reentry.Ticket {
	q.free(c.To)
	q.n.refused[handoff.Unavailable]++
	if c.Unique != "" && q.holds[c.Unique].id == c.To.ID {
		delete(q.holds, c.Unique)
	}
	return q.handles.end(c.To.ID, reentry.Result{Err: err}, true)
}
