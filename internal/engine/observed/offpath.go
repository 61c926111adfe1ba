package observed

import (
	"context"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/engine/jobs"
	"eddy/internal/fastpath/report"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/async"
)

// offPath is the queues that plugins push to.
type offPath struct {
	shared *async.Shared
	own    *jobs.Jobs // nil: they are the process's
	alone  bool       // nobody else brings work to them
	left   []report.Queue
	over   bool
}

// makeOffPath gives the lane queues of its own, where the process has none for it.
func (l *Lane) makeOffPath(problems *diag.List) {
	if l.opts.Shared != nil {
		l.offPath = offPath{shared: l.opts.Shared, alone: l.opts.Alone}
		return
	}
	if len(l.cfg.Scripts) == 0 {
		return
	}
	own := jobs.New(jobs.Options{
		Queues: l.opts.Queues, StateDir: l.opts.StateDir, UID: -1, GID: -1,
		Log: func(level int, text string) { l.log.log(level+1, "eddy", text) }, // syslog's levels begin one lower
	}, problems)
	l.offPath = offPath{own: own, alone: true, shared: own.Shared}
}

// open opens the stores of the lane's own queues.
func (o *offPath) open() error {
	if o.own == nil {
		return nil
	}
	if err := o.own.Prepare(); err != nil {
		return err
	}
	return o.own.Open(nil)
}

// idle says that there is nothing to do in any queue. What is delayed is to be done later, and what nobody takes but scripts
// is theirs.
func (o *offPath) idle() bool {
	for _, q := range o.shared.Queues.All() {
		if s := q.Stats(); s.Workers > 0 && !s.Paused && waits(&s) > 0 {
			return false
		}
	}
	return true
}

// waits is how many jobs of a queue are to be done now, or as soon as an attempt's pause is over.
func waits(s *queue.Stats) int {
	t := &s.Totals.Jobs
	return int(t[job.Ready]+t[job.Running]+t[job.Retrying]) + s.Busy + s.Uncommitted
}

// lookEveryIdle is how often the end of a replay looks whether its queues are empty.
const lookEveryIdle = 10 * time.Millisecond

// waitIdle waits until the queues are idle, ctx is over or the lane is to stop. box has a token when there is something in an
// inbox that has to be looked after meanwhile; drain does that.
func (l *Lane) waitIdle(ctx context.Context, box <-chan struct{}, drain func()) {
	if !l.offPath.alone {
		return
	}
	tick := time.NewTicker(lookEveryIdle)
	defer tick.Stop()
	for !l.offPath.idle() {
		select {
		case <-tick.C:
		case <-box:
			drain()
		case <-l.stopping:
			return
		case <-ctx.Done():
			return
		}
	}
}

// settle waits at an engine's end for the results of what its hooks have begun. The first engine also waits for jobs whose
// results nobody waits for in person, as it is there that named functions take them.
func (l *Lane) settle(ctx context.Context, i int, e *engine) {
	e.inbox.Finish(ctx)
	if i > 0 || l.plugins == nil {
		return
	}
	drain := func() { e.inbox.Finish(ctx) }
	l.waitIdle(ctx, e.inbox.Ready(), drain)
	drain()
}

// endJobs ends the lane's own queues, behind everything that pushes to them.
func (l *Lane) endJobs() {
	if l.offPath.own == nil || l.offPath.over {
		return
	}
	l.offPath.over = true
	if l.started {
		l.waitIdle(l.limit, nil, nil)
		l.offPath.note()
	}
	ctx, cancel := context.WithTimeout(l.limit, l.stopTimeout())
	defer cancel()
	l.offPath.own.Stop(ctx)
	if l.plugins != nil {
		l.plugins.StopJobs(ctx)
	}
}

// commitLimit bounds how long note waits for what is on its way to the disk.
const commitLimit = time.Second

// note keeps what is left in the queues.
func (o *offPath) note() {
	end := time.Now().Add(commitLimit)
	for _, q := range o.shared.Queues.All() {
		s := q.Stats()
		for ; s.Uncommitted > 0 && s.StoreError == "" && time.Now().Before(end); s = q.Stats() {
			time.Sleep(time.Millisecond)
		}
		t := &s.Totals.Jobs
		r := report.Queue{
			Name: s.Name, Disk: s.Disk, Ready: uint64(t[job.Ready] + t[job.Running]), Delayed: uint64(t[job.Scheduled]),
			Retrying: uint64(t[job.Retrying]), Dead: uint64(t[job.Dead]),
		}
		if r.Ready+r.Delayed+r.Retrying+r.Dead > 0 {
			o.left = append(o.left, r)
		}
	}
}

// Close ends the states in which the plugins' handlers run. Of a lane that was given the process's queues it belongs behind
// their end, as handlers do jobs of others too, also when the lane is over; of another it does nothing.
func (l *Lane) Close() {
	if l.plugins != nil && l.offPath.own == nil {
		l.plugins.StopJobs(context.Background())
	}
}

// pending is how much asynchronous work keeps the lane open.
func (l *Lane) pending() int {
	if l.plugins == nil {
		return 0
	}
	n := l.plugins.Pending()
	if l.offPath.alone {
		jobs := 0
		for _, q := range l.offPath.shared.Queues.All() {
			s := q.Stats()
			jobs += waits(&s)
		}
		n = max(n, jobs)
	}
	return n
}
