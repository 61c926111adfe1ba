package haproxy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"eddy/internal/script/vm"
)

// Bounds of tasks.
const (
	maxTasks     = 100000           // alive at a time
	firstBackoff = time.Second      // before the first restart of a task that failed
	maxBackoff   = time.Minute      // before any
	calmPeriod   = 10 * time.Minute // a task that ran this long starts over with firstBackoff
)

// task is a background function (lua-api, core.register_task).
type task struct {
	u     *unit
	fn    vm.Ref
	where string // "script:line" of its registration
}

// taskSet is the tasks of a binding. Those that were registered before StartTasks wait for it.
type taskSet struct {
	mu      sync.Mutex
	pending []*task
	started bool
	ended   bool
	alive   int
	ctx     context.Context
	group   sync.WaitGroup
	errors  map[string]int // by where: how often it failed
}

// registerTask(func)
func (u *unit) registerTask(c *vm.Call) error {
	fn, err := c.Func(1)
	if err != nil {
		return err
	}
	t := &task{u: u, fn: fn, where: c.Where()}
	if t.where == "" {
		t.where = "an unknown line"
	}
	if err := u.b.tasks.add(u.b, t); err != nil {
		u.state.Release(fn)
		return err
	}
	return nil
}

func (s *taskSet) add(b *Binding, t *task) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return errStopping
	case s.alive+len(s.pending) >= maxTasks:
		return fmt.Errorf("core.register_task: %d tasks are running, that is the limit", maxTasks)
	case !s.started:
		s.pending = append(s.pending, t)
	default:
		s.start(b, t)
	}
	return nil
}

// start runs t on a goroutine of its own; the set's lock is held.
func (s *taskSet) start(b *Binding, t *task) {
	s.alive++
	s.group.Add(1)
	go func() {
		defer s.group.Done()
		b.runTask(s.ctx, t)
		s.mu.Lock()
		s.alive--
		s.mu.Unlock()
	}()
}

// StartTasks starts the registered tasks; further ones start when they are registered. They end with ctx or Close.
func (b *Binding) StartTasks(ctx context.Context) {
	s := &b.tasks
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.ended {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(b.ctx, cancel)
	s.ctx, s.started = ctx, true
	for _, t := range s.pending {
		s.start(b, t)
	}
	s.pending = nil
}

// wait refuses new tasks and returns when the running ones have ended, which the binding's context makes them do.
func (s *taskSet) wait() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.group.Wait()
}

// TaskErrors tells how often the tasks registered at each script line have failed so far.
func (b *Binding) TaskErrors() map[string]int {
	b.tasks.mu.Lock()
	defer b.tasks.mu.Unlock()
	out := make(map[string]int, len(b.tasks.errors))
	for where, n := range b.tasks.errors {
		out[where] = n
	}
	return out
}

// failed counts a failure and gives the number of those so far.
func (s *taskSet) failed(where string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.errors == nil {
		s.errors = map[string]int{}
	}
	s.errors[where]++
	return s.errors[where]
}

// runTask runs t until it returns, and again after a pause when it fails. (HAProxy lets a task that fails die.)
func (b *Binding) runTask(ctx context.Context, t *task) {
	defer t.u.state.Release(t.fn)
	pause := firstBackoff
	for ctx.Err() == nil {
		k := &call{b: b, u: t.u, ctx: ctx, what: "task", task: true}
		began := time.Now()
		err := k.run(ctx, t.fn, vm.KindTask, t.u.limits.task)
		if err == nil || ctx.Err() != nil || errors.Is(err, vm.ErrClosed) {
			return
		}
		if time.Since(began) > calmPeriod {
			pause = firstBackoff
		}
		k.log(levelErr, fmt.Sprintf("Lua task registered at %s: runtime error: %s (failure %d, it starts again in %v)",
			t.where, describe(err), b.tasks.failed(t.where), pause))
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, maxBackoff)
	}
}
