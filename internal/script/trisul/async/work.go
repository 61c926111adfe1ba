// Package async is T.async: work that a plugin's hooks hand to workers, so that the hooks need not wait. Each worker has a
// Lua state of its own; a result comes back by the inbox of the engine that asked, on its goroutine.
package async

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"eddy/internal/fastpath/report"
	"eddy/internal/handoff"
	"eddy/internal/offpath/pool"
	"eddy/internal/script/vm"
)

// Options describe the asynchronous work of one plugin.
type Options struct {
	Plugin  string          // its name in reports
	Workers int             // TrisulPlugin.request_async_workers; 0: 1
	Budget  *handoff.Budget // shared by all plugins of a lane
	// Open makes a worker's state, on the worker's goroutine, when it has its first script to run.
	Open func(worker int) (*Worker, error)
	// Failed is told of each piece of work that ended with an error, on the worker's goroutine.
	Failed func(pool.Origin, error)
}

// Worker is the Lua state of a worker.
type Worker struct {
	State *vm.State
	Close func() // ends the state and what belongs to it
}

// MaxWorkers bounds the workers of one plugin.
const MaxWorkers = 256

// Work is the asynchronous work of one plugin, of all its states and engines together. Its methods may be called from any
// goroutine.
type Work struct {
	opts Options

	mu      sync.Mutex
	pool    *pool.Pool // nil: nothing was scheduled yet
	stopped bool
	workers []*Worker // each is its worker's own while the pool runs

	issued, taken atomic.Uint64 // tickets: given out, and come back
	results       atomic.Uint64 // given to onresult

	turned map[string]uint64 // refused before the pool was asked, by reason; under mu
}

// turnAway counts work that the pool was not even asked about.
func (w *Work) turnAway(why string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.turned == nil {
		w.turned = map[string]uint64{}
	}
	w.turned[why]++
	return why
}

// New makes the work of a plugin. Workers start when something is scheduled.
func New(o Options) *Work {
	o.Workers = min(max(o.Workers, 1), MaxWorkers)
	return &Work{opts: o, workers: make([]*Worker, o.Workers)}
}

// open gives the pool, and starts it when it is needed for the first time; nil after Stop.
func (w *Work) open() *pool.Pool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pool == nil && !w.stopped {
		w.pool = pool.New(pool.Options{Workers: w.opts.Workers, Budget: w.opts.Budget, Failed: w.opts.Failed})
	}
	return w.pool
}

// opened gives the pool if it was started.
func (w *Work) opened() *pool.Pool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pool
}

// Pending is how many pieces of work wait or run.
func (w *Work) Pending() int {
	if p := w.opened(); p != nil {
		return p.Pending()
	}
	return 0
}

// worker gives the state of the worker that asks.
func (w *Work) worker(i int) (*vm.State, error) {
	if w.workers[i] == nil {
		opened, err := w.opts.Open(i)
		if err != nil {
			return nil, err
		}
		w.workers[i] = opened
	}
	return w.workers[i].State, nil
}

// Stop finishes what was scheduled, and ends the workers. When ctx is over before that, what is left is dropped and
// reported. The inboxes of those who scheduled have to be drained meanwhile.
func (w *Work) Stop(ctx context.Context) pool.Report {
	w.mu.Lock()
	p := w.pool
	w.stopped = true
	w.mu.Unlock()
	if p == nil {
		return pool.Report{}
	}
	left := p.Stop(ctx)
	if len(left.Stuck) > 0 {
		return left // a state that is in use can't be ended; the process is about to
	}
	for _, worker := range w.workers {
		if worker != nil {
			worker.Close()
		}
	}
	return left
}

// Report says what was done; false when nothing was ever scheduled.
func (w *Work) Report() (r report.Async, any bool) {
	p := w.opened()
	if p == nil {
		return r, false
	}
	s := p.Stats()
	issued, taken := w.issued.Load(), w.taken.Load()
	r = report.Async{
		Plugin: w.opts.Plugin, Workers: w.opts.Workers, Scheduled: s.Accepted, Done: s.Done, Failed: s.Failed,
		Results: w.results.Load(), Lost: issued - min(issued, taken),
	}
	for why, n := range s.Refused {
		if n > 0 {
			r.Refused = append(r.Refused, report.Count{Name: handoff.Refusal(why).String(), N: n})
		}
	}
	w.mu.Lock()
	for _, why := range slices.Sorted(maps.Keys(w.turned)) {
		r.Refused = append(r.Refused, report.Count{Name: why, N: w.turned[why]})
	}
	w.mu.Unlock()
	for _, line := range s.DroppedBy {
		r.Dropped = append(r.Dropped, report.Count{Name: line.Origin.String(), N: uint64(line.Number)})
	}
	return r, true
}
