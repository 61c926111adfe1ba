package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/pool"
	"eddy/internal/reentry"
)

// Away is the process that has the queue's store now. Its methods may be called from any goroutine.
type Away interface {
	// Push hands a job over, which has its ID; it never waits. done is called once, from any goroutine: with nil when the other
	// process has it as safe as its store promises, or with why it was not accepted; *DuplicateError when its unique key is held.
	// It is not called when the push is refused.
	Push(j *job.Job, delay time.Duration, done func(error)) Refused
	// Ended tells what became of a job that was running at HandOver. It may wait.
	Ended(id job.ID, o Outcome) error
}

// away is a queue whose store is with another process, or on its way there. The queue's lock guards it.
type away struct {
	to    Away // nil: nobody is known yet
	held  []held1
	bytes int64
	ends  []end
}

// held1 is a push that waits for somebody who takes it.
type held1 struct {
	push  Push
	at    time.Time
	group *group
}

// end is the end of an attempt that waits for the same.
type end struct {
	a *attempt
	o Outcome
}

// HandOver gives the store up, for another process to open: no further job begins, what waits is written, and the store is closed.
// Jobs that run go on, and are named. Pushes are accepted within the bounds of what may wait for a disk, and wait for GoOn or
// TakeBack. When it fails, nothing has changed.
func (q *Queue) HandOver(ctx context.Context) (running []job.ID, err error) {
	q.mu.Lock()
	if q.store == nil && !q.closed { // it could not be opened, or was handed over before
		defer q.mu.Unlock()
		if q.away == nil {
			q.away = &away{}
		}
		q.away.to = nil
		return q.runningHere(), nil
	}
	q.mu.Unlock()
	if err := q.exclusive(); err != nil {
		return nil, err
	}
	defer q.storing.unlock()
	q.mu.Lock()
	if !q.grouped || q.away != nil || q.closed || ctx.Err() != nil {
		q.mu.Unlock()
		return nil, errors.New("queue '" + q.opts.Name + "' can't be handed over now")
	}
	q.away = &away{}
	q.unhand()
	q.mu.Unlock()
	for q.round() {
	}
	q.mu.Lock()
	if len(q.groups) > 0 || len(q.kept) > 0 {
		text := q.trouble.text
		back := q.comeBack()
		q.mu.Unlock()
		back()
		return nil, errors.New(text)
	}
	running = q.runningHere()
	store := q.store
	q.n.handed += uint64(q.used.Entries + q.dead.Entries)
	q.store, q.order, q.due, q.expire = nil, newOrder(q.order.all != nil), never, time.Time{}
	q.used, q.dead = handoff.Bounds{}, handoff.Bounds{}
	q.mu.Unlock()
	if err := store.Close(); err != nil { // all was committed
		q.log(logWarning, err.Error())
	}
	return running, nil
}

// runningHere names the jobs that run in this process, or for it, or whose end nobody was told yet.
func (q *Queue) runningHere() (ids []job.ID) {
	for _, a := range q.busy {
		if a != nil && !a.deleted && !a.over {
			ids = append(ids, a.job.ID)
		}
	}
	for _, list := range []map[job.ID]*attempt{q.popped, q.lent} {
		for id, a := range list {
			if !a.deleted && !a.over {
				ids = append(ids, id)
			}
		}
	}
	if q.away != nil {
		for _, e := range q.away.ends {
			ids = append(ids, e.a.job.ID)
		}
	}
	return ids
}

// GoOn names the process that has the store now: pushes go there, and the ends of jobs that run here. The tickets of all other jobs
// expire with ErrMoved. It is called again when yet another process has it.
func (q *Queue) GoOn(to Away) {
	q.mu.Lock()
	w := q.away
	if w == nil {
		q.mu.Unlock()
		return
	}
	w.to = to
	pushes, ends := w.held, w.ends
	w.held, w.ends, w.bytes = nil, nil, 0
	var tickets []*reentry.Ticket
	stays := make(map[job.ID]bool, len(pushes))
	for _, p := range pushes {
		stays[p.push.Job.ID] = true
	}
	for id := range q.handles.open {
		if q.runs(id) == nil && !stays[id] {
			tickets = append(tickets, q.handles.end(id, reentry.Result{Err: ErrMoved}, true)...)
		}
	}
	q.mu.Unlock()
	expire(tickets, ErrMoved)
	for _, p := range pushes {
		q.send(to, p)
	}
	for _, e := range ends {
		q.sendEnd(full(), to, e.a, e.o)
	}
}

// TakeBack opens the store again, as the other process never came. It is Attach.
func (q *Queue) TakeBack(s jobstore.Store) error { return q.Attach(s, nil) }

// comeBack ends being away: what was held is pushed, and ends are written. What it gives is called without the lock.
func (q *Queue) comeBack() func() {
	w := q.away
	q.away = nil
	if w == nil {
		return func() {}
	}
	var tickets []*reentry.Ticket
	for _, p := range w.held {
		id := p.push.Job.ID
		if u := p.push.Job.Unique; u != "" {
			if other, _, ok := q.holder(u, p.push.Job.Pushed, q.asked(u, p.push.Job.Pushed)); ok {
				q.n.duplicates++
				tickets = append(tickets, q.handles.end(id, reentry.Result{Err: &DuplicateError{other}}, true)...)
				p.group.close(&DuplicateError{other})
				continue
			}
		}
		j := p.push.Job
		j.State, j.Due = job.Ready, j.Pushed
		if p.push.Delay > 0 {
			j.State, j.Due = job.Scheduled, p.at.Add(p.push.Delay).UnixNano()
		}
		g := q.push(jobstore.Change{Job: j, To: j.Head, Unique: j.Unique, UniqueUntil: q.uniqueUntil(j)})
		g.first = append(g.first, p.group)
		q.used.Entries++
		q.used.Bytes += int64(j.Size)
	}
	return func() {
		for _, t := range tickets {
			t.Expire(ErrMoved)
		}
		for _, e := range w.ends {
			e.a.over = false
			q.finish(full(), e.a, e.o, nil)
		}
	}
}

// asked asks a store on a disk about a unique key with the lock held: for the few pushes of a moment without a store.
func (q *Queue) asked(unique string, now int64) (a answer) {
	a.id, a.held = q.store.Unique(unique, now)
	return a
}

// offerAway takes a job in for another process.
func (q *Queue) offerAway(p Push, now time.Time) (Receipt, Refused) {
	w := q.away
	j := p.Job
	if len(w.held) >= maxPending || w.bytes > maxPendingBytes {
		return Receipt{}, q.refuse(handoff.Unavailable, q.texts.moving)
	}
	if j.ID == 0 {
		j.ID = q.ids.Next()
	}
	h := held1{push: p, at: now, group: &group{done: make(chan struct{})}}
	r := Receipt{ID: j.ID, group: h.group, Handle: q.handles.add(q, j.ID, p.Ticket)}
	if w.to == nil {
		w.held = append(w.held, h)
		w.bytes += int64(j.Size)
		return r, Refused{}
	}
	q.mu.Unlock()
	why := q.send(w.to, h)
	q.mu.Lock()
	if !why.OK() {
		q.n.refused[why.Reason]++
		return Receipt{}, why
	}
	return r, Refused{}
}

// send hands a push to the other process.
func (q *Queue) send(to Away, p held1) Refused {
	j := p.push.Job
	tell := func(why error) {
		q.mu.Lock()
		tickets := q.handles.end(j.ID, reentry.Result{Err: why}, true)
		q.mu.Unlock()
		expire(tickets, why)
	}
	delay := max(p.push.Delay-time.Since(p.at), 0)
	if p.push.Delay == 0 {
		delay = 0
	}
	why := to.Push(j, delay, func(err error) {
		q.mu.Lock()
		switch {
		case err == nil:
			q.n.pushed++
			q.n.handed++
		case isDuplicate(err):
			q.n.duplicates++
		default:
			q.n.refused[handoff.Unavailable]++
		}
		q.mu.Unlock()
		if err == nil {
			tell(ErrMoved)
		} else {
			tell(err)
		}
		p.group.close(err)
	})
	if !why.OK() {
		err := fmt.Errorf("%s", why.Text)
		q.mu.Lock()
		q.handles.end(j.ID, reentry.Result{Err: err}, true)
		q.mu.Unlock()
		p.group.close(err)
	}
	return why
}

func isDuplicate(err error) bool {
	var d *DuplicateError
	return errors.As(err, &d)
}

// endAway ends an attempt whose job is with another process. Of one that was cut short by Stop that process is not told: it gives the
// job again when this one is gone.
func (q *Queue) endAway(ctx context.Context, w *away, a *attempt, o Outcome, why error) (lost bool) {
	q.mu.Lock()
	if o.Err != nil && !o.Final && errors.Is(why, pool.ErrStopped) {
		q.mu.Unlock()
		return true
	}
	to := w.to
	if to == nil {
		if q.away != w { // it came back meanwhile
			a.over = false
			q.mu.Unlock()
			return q.finish(ctx, a, o, why)
		}
		w.ends = append(w.ends, end{a, o})
	}
	q.mu.Unlock()
	if to == nil {
		return o.Err != nil
	}
	return q.sendEnd(ctx, to, a, o)
}

// sendEnd tells the other process what became of an attempt, and those who wait here what they can know.
func (q *Queue) sendEnd(ctx context.Context, to Away, a *attempt, o Outcome) (lost bool) {
	id := a.job.ID
	last := o.Err == nil || o.Final
	if most := q.opts.Retry.attempts(&a.job.Body); most > 0 && int(a.job.Attempts) >= most {
		last = true
	}
	r := reentry.Result{Data: o.Result, Err: o.Err}
	if !last {
		r = reentry.Result{Err: ErrMoved}
	}
	q.mu.Lock()
	q.unpop(id)
	delete(q.lent, id)
	tickets := q.handles.end(id, r, !last)
	q.mu.Unlock()
	for _, t := range tickets {
		if last {
			lost = !t.Deliver(ctx, r) || lost
		} else {
			t.Expire(ErrMoved)
		}
	}
	if err := to.Ended(id, o); err != nil {
		q.mu.Lock()
		if w := q.away; w != nil { // for the next one that comes, or for this one
			w.ends = append(w.ends, end{a, o})
		}
		q.mu.Unlock()
		q.log(logWarning, fmt.Sprintf("job %v has ended, and the process that has the queue now can't be told: it may run it again: %v", id, err))
	}
	return lost || o.Err != nil
}
