package haproxy

import (
	"context"
	"strconv"
	"time"

	"eddy/internal/reentry"
	"eddy/internal/script/async"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// Owner is whose the jobs of HAProxy's scripts are.
const Owner = "haproxy"

// jobs are what the scripts of a binding have of the off path. The methods of a nil one do nothing.
type jobs struct {
	b       *Binding
	owner   *async.Owner
	workers *async.Workers
	results *async.Results
}

func newJobs(b *Binding) *jobs {
	j := &jobs{b: b}
	j.workers = async.NewWorkers(async.WorkersOptions{
		Shared: b.opts.Async, Owner: Owner, Max: max(b.opts.Threads, 1),
		Open: func(context.Context) (*async.Worker, error) { return b.openWorker() },
	})
	j.owner = async.NewOwner(b.opts.Async, Owner, j.workers)
	j.results = async.NewResults(b.opts.Async, async.ResultsOptions{})
	return j
}

// warm makes the first worker's state when there are handlers, so that what is wrong with it is seen at the start.
func (j *jobs) warm(ctx context.Context) error {
	if j == nil || !j.owner.HasHandlers() {
		return nil
	}
	return j.workers.Warm(ctx)
}

func (j *jobs) interrupt() {
	if j != nil {
		j.workers.Interrupt()
	}
}

// close ends what runs for jobs. The binding was interrupted.
func (j *jobs) close() {
	if j == nil {
		return
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	j.results.Stop(over)
	j.workers.Close()
}

// Settle waits until the results of jobs that have ended are in the hands of the scripts that pushed them, and onresult has
// run, or until ctx ends. Later results have no taker. It belongs between the end of the queues and Close.
func (b *Binding) Settle(ctx context.Context) {
	if b.jobs != nil {
		b.jobs.results.Stop(ctx)
	}
}

// Workers are the states that run handlers, as many as were made. Any goroutine may call it.
func (b *Binding) Workers() []*vm.State {
	if b.jobs == nil {
		return nil
	}
	return b.jobs.workers.States()
}

// openJobs puts async and T.async into the new state.
func (u *unit) openJobs() (err error) {
	u.state.Register("async_abs", asyncAbs)
	u.desk, err = async.Install(u.state, async.Options{Owner: u.b.jobs.owner, Lane: lane{u}, Worker: u.worker != nil})
	if err != nil {
		return err
	}
	src, err := preludes.ReadFile("prelude/tasync.lua")
	if err != nil {
		return err
	}
	if err := u.state.LoadPrelude("haproxy/tasync", string(src)); err != nil {
		return err
	}
	return u.state.KeepKnown()
}

// asyncAbs(path) gives the absolute path, as a key of jobs.
func asyncAbs(c *vm.Call) error {
	path, err := lib.Str(c, 1, "T.async", 1)
	if err == nil {
		c.PushStr(absolute(path))
	}
	return err
}

// lane is the async.Lane of a unit.
type lane struct{ u *unit }

// Site implements async.Lane.
func (l lane) Site(c *vm.Call) async.Site {
	k, ok := c.Owner().(*call)
	if !ok {
		return async.Site{Loading: l.u.loading()}
	}
	s := async.Site{Request: k.origin(), Frame: k.frames(), Loading: l.u.worker != nil && l.u.worker.preparing}
	if k.r.Kind == vm.KindInit {
		s.NoWait = "an init function can't wait for jobs: none runs before all init functions have ended"
	}
	return s
}

// origin says where jobs of the call come from.
func (k *call) origin() string {
	root := k.root()
	if root.request == "" {
		switch tx := root.tx; {
		case tx != nil && len(tx.UniqueID) > 0:
			root.request = "request " + string(tx.UniqueID)
		case tx != nil && tx.Conn != nil:
			root.request = "request " + strconv.FormatUint(tx.ID, 10)
		case root.job != 0:
			root.request = "job " + root.job.String()
		case root.name != "":
			root.request = root.what + " " + root.name
		default:
			root.request = root.what
		}
	}
	return root.request
}

// Issue implements async.Lane.
func (l lane) Issue(_ *vm.Call, due time.Time, take func(reentry.Result)) (*reentry.Ticket, error) {
	return l.u.b.jobs.results.Issue(due, take)
}

// Post implements async.Lane.
func (l lane) Post(bytes int64, f func()) bool { return l.u.b.jobs.results.Post(bytes, f) }

// Take implements async.Lane: a coroutine for each result.
func (l lane) Take(fn vm.Ref, args []vm.Value) {
	b := l.u.b
	k := &call{b: b, u: l.u, ctx: b.ctx, what: "onresult", task: true}
	if err := k.run(b.ctx, fn, vm.KindResult, l.u.limits.task, args...); err != nil && b.ctx.Err() == nil {
		k.report(err)
	}
	k.release()
}

// Wait implements async.Lane.
func (l lane) Wait(c *vm.Call, f func(ctx context.Context) vm.Resume) error { return l.u.wait(c, f) }
