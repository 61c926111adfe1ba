package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/pool"
	"eddy/internal/reentry"
)

// attempt is a job in the hands of a worker, or of a script that popped it: a pool.Work.
type attempt struct {
	q       *Queue
	job     *job.Job       // its Head is Running, as the store has it
	from    job.Head       // as it was taken from the order
	broken  error          // why its body can't be read
	store   jobstore.Store // where its body is still to be read from
	leased  time.Time
	begun   time.Time
	cancel  context.CancelCauseFunc
	bounded bounded

	// The queue's lock guards these.
	worker  int
	deleted bool // by an operator: nothing is written when it ends
	over    bool
}

// Origin names the job in reports.
func (a *attempt) Origin() pool.Origin { return origin(a.job) }

func origin(j *job.Job) pool.Origin {
	what := j.Handler
	if what == "" {
		what = j.Owner
	}
	return pool.Origin{Kind: "job in queue '" + j.Queue + "'", Plugin: what, Where: j.Origin.Where}
}

// Run has the queue's Runner do the job, and writes down what became of it.
func (a *attempt) Run(ctx context.Context, worker int) (lost bool) {
	q := a.q
	root := ctx
	if a.broken != nil {
		return q.finish(root, a, Outcome{Err: a.broken, Final: true}, nil)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q.mu.Lock()
	a.cancel = cancel
	deleted := a.deleted
	q.mu.Unlock()
	if deleted {
		cancel(ErrDeleted)
	}
	limit := q.opts.Timeout
	if a.job.Timeout > 0 {
		limit = a.job.Timeout
	}
	if limit > 0 {
		a.bounded = bounded{ctx, q.slots[worker].limit.begin(limit, cancel)}
		defer q.slots[worker].limit.end()
		ctx = &a.bounded
	}
	o := q.opts.Runner.Run(ctx, a.job)
	why := context.Cause(ctx)
	if o.Err != nil && errors.Is(why, context.DeadlineExceeded) {
		o.Err = &timeoutError{limit, o.Err}
	}
	return q.finish(root, a, o, why)
}

// timeoutError is the error of an attempt that was ended by its timeout.
type timeoutError struct {
	limit time.Duration
	err   error // of the Runner
}

// Error says what the Runner was about, where it said more than that its time was over.
func (e *timeoutError) Error() string {
	text := strings.TrimSuffix(e.err.Error(), context.DeadlineExceeded.Error())
	text = strings.TrimRight(text, ": ")
	if text == "" {
		return fmt.Sprintf("it took longer than its timeout of %v", e.limit)
	}
	return fmt.Sprintf("it took longer than its timeout of %v: %s", e.limit, text)
}

func (e *timeoutError) Unwrap() error { return e.err }

// Done frees the worker. The end of the job was told before.
func (a *attempt) Done() {
	q := a.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy[a.worker] = nil
	q.working--
}

// finish ends an attempt; why is what ended its context, if anything did. It waits for room in the inbox of who waits for the
// result, until ctx is over. lost says that nobody got a result.
func (q *Queue) finish(ctx context.Context, a *attempt, o Outcome, why error) (lost bool) {
	now := time.Now()
	if !a.begun.IsZero() {
		q.run.Observe(now.Sub(a.begun))
	}
	q.mu.Lock()
	if a.over {
		q.mu.Unlock()
		return false
	}
	if away := q.away; away != nil && !a.deleted {
		a.over = true
		q.mu.Unlock()
		return q.endAway(ctx, away, a, o, why)
	}
	tickets, to := q.end(a, o, why, now)
	deleted := a.deleted
	q.mu.Unlock()
	if o.Err != nil {
		q.logFailure(a.job, to, o.Err, now)
	}
	if ended := to.State != job.Ready && to.State != job.Retrying && !deleted; ended && !q.tell(ctx, a.job, o, tickets) && len(tickets) > 0 {
		return true
	}
	return o.Err != nil
}

// end writes down what became of an attempt, and gives the job's new head. The lock is held.
func (q *Queue) end(a *attempt, o Outcome, why error, now time.Time) (tickets []*reentry.Ticket, to job.Head) {
	a.over = true
	if a.worker >= 0 {
		q.paced(now.Sub(a.begun))
	} else {
		q.unpop(a.job.ID)
	}
	delete(q.lent, a.job.ID)
	if a.deleted { // written already, and told
		q.order.leave(a.from)
		q.dispatch()
		return nil, gone(a.from)
	}
	j := a.job
	to, failure := q.verdict(j, o, why, now)
	q.figures(j, a.begun, now, o, why, to.State)
	c := jobstore.Change{From: j.Head, To: to, Failure: failure}
	switch to.State {
	case job.Done, job.Dead, job.Gone:
		c.Unique, c.UniqueUntil = j.Unique, q.uniqueUntil(j)
		q.order.leave(a.from)
		q.free(to)
		q.bury(to)
		tickets = q.handles.end(j.ID, reentry.Result{Data: o.Result, Err: o.Err}, false)
	case job.Retrying:
		if to.KeyHash != 0 {
			q.order.put(to)
		}
		if !q.grouped {
			q.dueAt(to.Due)
		}
	default: // cut short by a stop
		q.order.put(to)
	}
	q.change(c)
	q.dispatch()
	return tickets, to
}

// verdict is what is to become of a job after an attempt.
func (q *Queue) verdict(j *job.Job, o Outcome, why error, now time.Time) (to job.Head, failure *job.Failure) {
	to = j.Head
	to.Due = now.UnixNano()
	if o.Err == nil {
		to.State = job.Done
		return to, nil
	}
	if errors.Is(why, pool.ErrStopped) && !o.Final { // it is not the job's fault
		to.State = job.Ready
		to.Attempts--
		return to, nil
	}
	failure = &job.Failure{Attempt: to.Attempts, At: to.Due, Text: o.Err.Error(), Traceback: o.Traceback}
	if most := q.opts.Retry.attempts(&j.Body); !o.Final && (most == 0 || int(to.Attempts) < most) {
		to.State = job.Retrying
		to.Due += int64(job.Backoff(int(to.Attempts), q.opts.Retry.Min, q.opts.Retry.Max, random))
		return to, failure
	}
	to.State = job.Dead
	if q.opts.KeepDead <= 0 {
		to.State = job.Gone
	}
	return to, failure
}

// tell gives the result of a job that has ended to the taker that it names, whoever else waits for it, and settles its
// tickets. It says whether a ticket took it.
func (q *Queue) tell(ctx context.Context, j *job.Job, o Outcome, tickets []*reentry.Ticket) (told bool) {
	named := j.OnResult
	if o.Err != nil {
		named = j.OnError
	}
	taken := named == "" || q.opts.Owners != nil && q.opts.Owners.Take(j, o)
	for _, t := range tickets {
		told = t.Deliver(ctx, reentry.Result{Data: o.Result, Err: o.Err}) || told
	}
	if !taken {
		q.mu.Lock()
		q.n.ownerGone++
		q.mu.Unlock()
	}
	return told
}
