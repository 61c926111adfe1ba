package engine

import (
	"context"
	"errors"
	"sync"

	"eddy/internal/config/diag"
	"eddy/internal/engine/observed"
	"eddy/internal/fastpath/report"
)

// buildLanes makes an observed lane of each section "observe".
func (e *Engine) buildLanes(problems *diag.List) {
	for _, m := range e.cfg.Observes {
		l, found := observed.Build(m, observed.Options{
			Version: e.opts.Version, Stdout: e.opts.Stdout, Stderr: e.opts.Stderr, Shared: e.jobs.Shared, Alone: len(e.proxies.All) == 0,
		})
		problems.Append(found)
		if l != nil {
			e.lanes = append(e.lanes, l)
		}
	}
}

// openLanes opens the lanes' inputs.
func (e *Engine) openLanes() error {
	var errs []error
	for _, l := range e.lanes {
		errs = append(errs, l.Open())
	}
	return errors.Join(errs...)
}

// startLanes lets the lanes run. What goes wrong in one while it runs is reported; it ends nothing else.
func (e *Engine) startLanes() error {
	for _, l := range e.lanes {
		if err := l.Start(); err != nil {
			return err
		}
		e.running.Go(func() {
			if err := l.Wait(); err != nil {
				e.complain(err)
			}
		})
	}
	if len(e.lanes) > 0 && len(e.fronts) == 0 {
		e.finished = make(chan struct{})
		e.running.Go(func() {
			for _, l := range e.lanes {
				l.Wait()
			}
			close(e.finished)
		})
	}
	return nil
}

// stopLanes ends the lanes, all at the same time; false when something was cut off.
func (e *Engine) stopLanes(ctx context.Context) bool {
	var stopping sync.WaitGroup
	clean := make([]bool, len(e.lanes))
	for i, l := range e.lanes {
		stopping.Go(func() { clean[i] = l.Stop(ctx) })
	}
	stopping.Wait()
	for _, ok := range clean {
		if !ok {
			return false
		}
	}
	return true
}

// Reports tells of the observed lanes, also behind their end. Any goroutine may call it.
func (e *Engine) Reports() []*report.Lane {
	var out []*report.Lane
	for _, l := range e.lanes {
		out = append(out, l.Report())
	}
	return out
}

// Finished is closed when the generation has nothing left to do: there were captures to read, and no proxies. Otherwise it
// is nil.
func (e *Engine) Finished() <-chan struct{} { return e.finished }
