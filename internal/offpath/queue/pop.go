package queue

import (
	"context"
	"errors"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// Lease is a job that was popped. It ends with Done or Return; further calls do nothing. Any goroutine may call them.
type Lease struct {
	Job *job.Job
	a   *attempt
}

var errReturned = errors.New("it was popped and returned too often")

// Done says that the job is done.
func (l Lease) Done() { l.a.q.finish(full(), l.a, Outcome{}, nil) }

// Return gives the job back: it comes again as the first, unless it has no attempt left; then it is dead.
func (l Lease) Return() {
	q, a := l.a.q, l.a
	if most := q.opts.Retry.attempts(&a.job.Body); most > 0 && int(a.job.Attempts) >= most {
		q.finish(full(), a, Outcome{Err: errReturned, Final: true}, nil)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if a.over {
		return
	}
	a.over = true
	q.unpop(a.job.ID)
	if a.deleted {
		q.order.leave(a.from)
		return
	}
	if q.store == nil { // whoever has it gives the job again when this process is gone
		return
	}
	to := ready(a.job.Head, time.Now())
	q.change(jobstore.Change{From: a.job.Head, To: to})
	q.order.put(to)
	q.n.redelivered++
	q.dispatch()
}

// unpop notes that a script has no hold of a job any more.
func (q *Queue) unpop(id job.ID) {
	delete(q.popped, id)
	if len(q.popped) == 0 && q.calm != nil {
		close(q.calm)
		q.calm = nil
	}
}

// popGrace is how long Stop waits at most for scripts to end with what they have popped.
const popGrace = 5 * time.Second

// settlePopped waits until scripts have nothing popped.
func (q *Queue) settlePopped(ctx context.Context) {
	q.mu.Lock()
	if len(q.popped) == 0 {
		q.mu.Unlock()
		return
	}
	calm := make(chan struct{})
	q.calm = calm
	q.mu.Unlock()
	grace := time.NewTimer(popGrace)
	defer grace.Stop()
	select {
	case <-calm:
	case <-grace.C:
	case <-ctx.Done():
	}
}

// full is the context of who can't wait for room in an inbox.
func full() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInboxFull)
	return ctx
}

// Pop gives the job whose turn it is, if there is one; it never waits for that. It is for queues without workers. From a disk it
// may have to read, so it is not for the fast path. That the job was popped is written with the next group: a kill -9 before
// that gives it again, and does not count it.
func (q *Queue) Pop() (Lease, bool) {
	l, _, ok := q.pop()
	return l, ok
}

// PopWait waits until there is a job to pop, and until the store knows that it was.
func (q *Queue) PopWait(ctx context.Context) (Lease, error) {
	for {
		l, g, ok := q.pop()
		if ok {
			if g != nil {
				q.mu.Lock()
				q.hurry()
				q.mu.Unlock()
				<-g.done
			}
			return l, nil
		}
		select {
		case <-q.items:
		case <-ctx.Done():
			q.signal() // the token that was taken may be meant for another
			return Lease{}, context.Cause(ctx)
		case <-q.quit:
			return Lease{}, ErrStopped
		}
	}
}

// signal wakes one of those who wait in PopWait, or the next one to come.
func (q *Queue) signal() {
	select {
	case q.items <- struct{}{}:
	default:
	}
}

func (q *Queue) pop() (Lease, *group, bool) {
	for {
		a, g := q.popHead()
		if a == nil {
			return Lease{}, nil, false
		}
		if a.job == nil {
			head := a.from
			if a.job, a.broken = a.store.Get(a.from.ID); a.broken != nil {
				a.job = &job.Job{}
			}
			a.job.Head = running(head, a.begun)
		}
		if a.broken == nil {
			return Lease{a.job, a}, g, true
		}
		q.finish(full(), a, Outcome{Err: a.broken, Final: true}, nil)
	}
}

// popHead takes the job whose turn it is; of one from a disk the body is still to be read.
func (q *Queue) popHead() (*attempt, *group) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.running() || q.trouble.refusing || q.order.peek() == nil {
		return nil, nil
	}
	if q.bucket.tokens(now, 1) == 0 {
		q.thirst()
		return nil, nil
	}
	q.bucket.take(now)
	var a *attempt
	var g *group
	if q.grouped {
		h, _ := q.order.take()
		a = &attempt{q: q, from: h, store: q.store}
		g = q.change(jobstore.Change{From: h, To: running(h, now)})
	} else {
		a = q.takeNow(now)
	}
	a.worker, a.begun = -1, now
	q.popped[a.from.ID] = a
	q.n.popped++
	q.n.started++
	q.wait.Observe(time.Duration(now.UnixNano() - a.from.Due))
	if q.order.ready > 0 {
		q.signal()
	}
	return a, g
}
