package async

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"eddy/internal/fastpath/ramfs"
	"eddy/internal/fastpath/report"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
	jobs "eddy/internal/script/async"
	"eddy/internal/script/vm"
)

// Jobs is what one plugin has to do with the process's queues: its names, the states that do its jobs, and the count of what
// its hooks have pushed. Its methods may be called from any goroutine.
type Jobs struct {
	opts    JobsOptions
	owner   *jobs.Owner
	workers *jobs.Workers

	mu      sync.Mutex
	results *jobs.Results // for what workers push; nil: nothing yet
	closed  bool

	// Fates of what hooks have pushed. At any moment pushed = open + done + dead + removed + left + untold.
	pushed, done, dead, removed, left, untold atomic.Uint64
	open                                      atomic.Int64
	withdrawn, given                          atomic.Uint64
}

// JobsOptions describe the jobs of one plugin.
type JobsOptions struct {
	Plugin  string // its name, and behind "plugin " that of its jobs' owner
	Workers int    // states that do jobs; 0: as many as there are processors
	Shared  *jobs.Shared
	// Open makes a worker's state. It ends with ctx.
	Open func(ctx context.Context, j *Jobs) (*jobs.Worker, error)
}

// NewJobs makes a plugin known to the queues, with the names that its file registers. States of workers are opened when there
// is something to do.
func NewJobs(o JobsOptions, names jobs.Names) (*Jobs, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	j := &Jobs{opts: o}
	owner := "plugin " + o.Plugin
	j.workers = jobs.NewWorkers(jobs.WorkersOptions{
		Shared: o.Shared, Owner: owner, Max: min(o.Workers, MaxWorkers),
		Open: func(ctx context.Context) (*jobs.Worker, error) { return o.Open(ctx, j) },
	})
	j.owner = jobs.NewOwner(o.Shared, owner, j.workers)
	if err := j.owner.Declare(names); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

// Owner is whose names and functions the plugin's jobs have.
func (j *Jobs) Owner() *jobs.Owner { return j.owner }

// Results is where results of what workers push come in; nil when it is too late for any.
func (j *Jobs) Results() *jobs.Results {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.results == nil && !j.closed {
		j.results = jobs.NewResults(j.opts.Shared, jobs.ResultsOptions{})
	}
	return j.results
}

// Stop waits until the results of what workers have pushed are there, or ctx is over. It belongs behind the queues' end.
func (j *Jobs) Stop(ctx context.Context) {
	j.mu.Lock()
	j.closed = true
	r := j.results
	j.mu.Unlock()
	if r != nil {
		r.Stop(ctx)
	}
}

// Close ends the workers' states. It belongs behind the queues' end: until then there may be something for them to do.
func (j *Jobs) Close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	j.Stop(ctx)
	j.workers.Close()
}

// errUntold refuses a push whose result could not come back.
var errUntold = errors.New("too many results are on their way to this engine")

// errEnding does the same in an onunload.
var errEnding = errors.New("the script is being unloaded: the result could not be given to onresult")

// Issue makes a ticket for a job that a hook pushes, from which its fate is counted. take is given the result on the inbox's
// goroutine; nil when nobody wants it: then there may be no ticket either. The job may need the file, which is held until its
// end; nil: it does not. ending says that the hook is an onunload, behind which nobody looks into the inbox.
func (j *Jobs) Issue(in *reentry.Inbox, due time.Time, file *ramfs.File, ending bool, take func(reentry.Result)) (*reentry.Ticket, error) {
	if ending && take != nil {
		return nil, errEnding
	}
	var t *reentry.Ticket
	if !ending {
		end := func(r reentry.Result) {
			j.ended(r.Err)
			if take != nil {
				take(r)
			}
			if file != nil {
				file.Release()
			}
		}
		var ok bool
		if due.IsZero() {
			t, ok = in.Issue(end)
		} else {
			t, ok = in.IssueLater(due, end)
		}
		if !ok && (take != nil || file != nil) {
			return nil, errUntold
		}
	}
	j.pushed.Add(1)
	if t == nil {
		j.untold.Add(1)
		return nil, nil
	}
	j.open.Add(1)
	if file != nil {
		file.Hold()
	}
	t.OnWithdraw(func() {
		j.pushed.Add(^uint64(0))
		j.open.Add(-1)
		j.withdrawn.Add(1)
		if file != nil {
			file.Release()
		}
	})
	return t, nil
}

// ended counts the fate of a job.
func (j *Jobs) ended(err error) {
	j.open.Add(-1)
	var twice *queue.DuplicateError
	switch {
	case err == nil:
		j.done.Add(1)
	case errors.As(err, &twice):
		j.pushed.Add(^uint64(0))
		j.withdrawn.Add(1)
	case errors.Is(err, queue.ErrDeleted), errors.Is(err, queue.ErrDropped):
		j.removed.Add(1)
	case errors.Is(err, queue.ErrStopped), errors.Is(err, queue.ErrMoved), errors.Is(err, queue.ErrUnknown):
		j.left.Add(1)
	default:
		j.dead.Add(1)
	}
}

// Given counts a result that an onresult or onerror was given.
func (j *Jobs) Given() { j.given.Add(1) }

// Open is how many jobs of hooks have not ended, as far as anybody follows them.
func (j *Jobs) Open() int { return int(j.open.Load()) }

// States are the Lua states of the workers.
func (j *Jobs) States() []*vm.State { return j.workers.States() }

// Report says what was pushed; false when nothing ever was. It is for when the hooks have ended.
func (j *Jobs) Report() (r report.Jobs, any bool) {
	r = report.Jobs{
		Plugin: j.opts.Plugin, Pushed: j.pushed.Load(), Done: j.done.Load(), Dead: j.dead.Load(), Removed: j.removed.Load(),
		Left: j.left.Load() + uint64(max(j.open.Load(), 0)), Untold: j.untold.Load(), Results: j.given.Load(), NotPushed: j.withdrawn.Load(),
	}
	return r, r.Pushed+r.NotPushed+r.Results > 0
}
