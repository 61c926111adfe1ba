package instance

import (
	"context"
	"errors"
	"time"

	"eddy/internal/reentry"
	jobs "eddy/internal/script/async"
	"eddy/internal/script/trisul/async"
	"eddy/internal/script/vm"
)

// workLane is what a worker's state is to package async. Its scripts may wait, and results of what they push come back to
// them on goroutines of their own.
type workLane struct {
	ctx     context.Context
	state   *vm.State
	jobs    *async.Jobs
	faults  *Faults
	loading bool // the file's main chunk runs
}

var _ jobs.Lane = (*workLane)(nil)

// Site implements jobs.Lane.
func (l *workLane) Site(c *vm.Call) jobs.Site {
	frame, _ := c.Owner().(*jobs.Frame)
	return jobs.Site{Frame: frame, Loading: l.loading}
}

// Issue implements jobs.Lane.
func (l *workLane) Issue(_ *vm.Call, due time.Time, take func(reentry.Result)) (*reentry.Ticket, error) {
	if take == nil {
		return nil, nil
	}
	r := l.jobs.Results()
	if r == nil {
		return nil, errors.New("the lane has ended: the result could not be given to anybody")
	}
	return r.Issue(due, take)
}

// Post implements jobs.Lane. Named takers are in hooks' states.
func (l *workLane) Post(int64, func()) bool { return false }

// Take implements jobs.Lane.
func (l *workLane) Take(fn vm.Ref, args []vm.Value) {
	r := vm.Run{Fn: fn, Kind: vm.KindResult, Owner: new(jobs.Frame), Args: args}
	if err := l.state.Run(l.ctx, &r); err != nil && l.ctx.Err() == nil {
		l.faults.Add("onresult or onerror, in a worker", failure(err))
	}
}

// Wait implements jobs.Lane.
func (l *workLane) Wait(c *vm.Call, f func(context.Context) vm.Resume) error { return c.Wait(f) }
