package pool

import (
	"context"
	"sync"
	"time"
)

// Source is where Workers get their work from.
type Source interface {
	// Take waits for a worker's next piece of work; false: there will be none any more. It is called on the worker's goroutine.
	Take(worker int) (Work, bool)
}

// Work is a piece of work that was taken. A worker calls Run, then Done.
type Work interface {
	// Run does it, and should end soon when ctx is over. It says whether its result was lost: that counts as cut short when
	// ctx was ended by Stop.
	Run(ctx context.Context, worker int) (lost bool)
	// Origin names it in reports. Any goroutine may call it until Done was called.
	Origin() Origin
	// Done is called after Run.
	Done()
}

// Workers are goroutines that do what a Source gives. Their methods may be called from any goroutine.
type Workers struct {
	source Source
	grace  time.Duration
	cancel context.CancelCauseFunc // of what runs
	gone   chan struct{}           // closed when all have ended

	mu      sync.Mutex
	running []Work // by worker; nil: it has none
	cut     Tally  // ended by Stop before it was done
}

// StartWorkers starts n workers. They end when the source has nothing any more. grace is what work has after it was cancelled by
// Stop; 0: 1 s.
func StartWorkers(n int, s Source, grace time.Duration) *Workers {
	if grace == 0 {
		grace = time.Second
	}
	w := &Workers{source: s, grace: grace, gone: make(chan struct{}), running: make([]Work, n), cut: Tally{}}
	ctx, cancel := context.WithCancelCause(context.Background())
	w.cancel = cancel
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { w.work(ctx, i) })
	}
	go func() {
		all.Wait()
		close(w.gone)
	}()
	return w
}

func (w *Workers) work(ctx context.Context, worker int) {
	for {
		p, ok := w.source.Take(worker)
		if !ok {
			return
		}
		w.begin(worker, p)
		lost := p.Run(ctx, worker)
		w.end(worker, p, lost && ctx.Err() != nil)
		p.Done()
	}
}

func (w *Workers) begin(worker int, p Work) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[worker] = p
}

func (w *Workers) end(worker int, p Work, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[worker] = nil
	if cut {
		w.cut.Add(p.Origin())
	}
}

// Stop waits until the workers have ended, for which the source has to have been told that it ends. When ctx is over before
// that, it calls clear, after which the source must have nothing more to give, counts what clear gives as dropped, cancels what
// runs with ErrStopped, and gives that its grace. A worker that has not ended by then is left alone and reported. It is called
// once.
func (w *Workers) Stop(ctx context.Context, clear func() Tally) Report {
	defer w.cancel(ErrStopped)
	select {
	case <-w.gone:
		return Report{}
	case <-ctx.Done():
	}
	dropped := clear() // before the workers are freed to take more
	w.cancel(ErrStopped)
	grace := time.NewTimer(w.grace)
	defer grace.Stop()
	select {
	case <-w.gone:
	case <-grace.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	stuck := Tally{}
	for _, p := range w.running {
		if p != nil {
			stuck.Add(p.Origin())
		}
	}
	return Report{Dropped: dropped.Lines(), Cut: w.cut.Lines(), Stuck: stuck.Lines()}
}
