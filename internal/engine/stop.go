package engine

import (
	"context"
	"time"
)

// logFlush bounds how long log targets may take for their last lines.
const logFlush = 2 * time.Second

// SoftStop begins the stop: no new connection is taken, idle ones are closed, running requests and connections in tcp
// mode go on. Any goroutine may call it, several times.
func (e *Engine) SoftStop() {
	if e.stopping.Swap(true) {
		return
	}
	for _, f := range e.fronts {
		for _, l := range f.listeners {
			l.Stop()
		}
		f.px.Stopped.Store(true)
	}
	for _, f := range e.fronts {
		f.stream.Stop()
	}
}

// Stop ends the generation: it waits for what runs until ctx ends, then ends that too. It reports whether everything
// came to its own end.
//
// The order is the ring's, from the outside in: what brings work, the work, what the work uses, and the logs last.
func (e *Engine) Stop(ctx context.Context) bool {
	e.SoftStop()
	clean := e.stopLanes(ctx)
	for _, f := range e.fronts {
		for _, l := range f.listeners { // one may hold a connection back that is still to be served
			clean = l.Drain(ctx) && clean
		}
		clean = f.stream.Drain(ctx) && clean
	}
	for _, f := range e.fronts { // after the deadline
		f.stream.Kill()
	}
	if e.jobs != nil {
		e.jobs.Calm(ctx)
	}
	if e.cancel != nil {
		e.cancel()
	}
	if e.scripts != nil {
		e.scripts.StopTasks() // what they have popped goes back to queues that are still open
	}
	e.stopJobs(ctx) // behind the streams: their scripts may wait for jobs
	if e.scripts != nil {
		e.scripts.Settle(ctx) // results of the last jobs
	}
	if !clean && e.scripts != nil {
		e.scripts.Interrupt() // scripts of requests end, so that their streams can
	}
	for _, f := range e.fronts {
		f.stream.Drain(context.Background())
	}
	for _, f := range e.fronts {
		for _, l := range f.listeners {
			l.Close()
		}
	}
	e.running.Wait()
	e.discard()
	return clean
}

// Unfinished says, after Stop, what was left undone: a line each.
func (e *Engine) Unfinished() []string { return e.undone }

// stopJobs ends the workers and closes the stores. The second time it does nothing.
func (e *Engine) stopJobs(ctx context.Context) {
	if e.jobs == nil || e.jobless {
		return
	}
	e.jobless = true
	if left := e.jobs.Stop(ctx); !left.Empty() {
		e.undone = append(e.undone, "jobs: "+left.String())
	}
	for _, l := range e.lanes {
		l.Close()
	}
}

// discard closes what Build made.
func (e *Engine) discard() {
	e.stopLanes(context.Background()) // of a generation that was never started
	e.stopJobs(context.Background())
	if e.scripts != nil {
		e.scripts.Close()
	}
	for _, l := range e.libraries {
		l.Close()
	}
	for _, p := range e.servers {
		p.Close()
	}
	e.parking.Close()
	ctx, cancel := context.WithTimeout(context.Background(), logFlush)
	defer cancel()
	if err := e.logs.close(ctx); err != nil {
		e.complain(err)
	}
}
