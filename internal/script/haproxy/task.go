package haproxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

	// for Tasks
	backoff  atomic.Bool  // it has failed, and waits for its restart
	parked   atomic.Int32 // see call.parked
	restarts atomic.Int32
	lastErr  atomic.Pointer[string]
}

// TaskInfo is what an operator sees of a task.
type TaskInfo struct {
	Where     string // "script:line" of its registration
	State     string // "registered", "running", "waiting", "backing off"
	Restarts  int
	LastError string // "": it has not failed
}

// maxShown bounds the tasks that Tasks lists.
const maxShown = 1000

// Tasks lists the tasks that are alive, those with the most restarts first. Any goroutine may call it.
func (b *Binding) Tasks() []TaskInfo {
	s := &b.tasks
	s.mu.Lock()
	all := make([]TaskInfo, 0, len(s.running)+len(s.pending))
	for t := range s.running {
		all = append(all, t.info())
	}
	for _, t := range s.pending {
		all = append(all, TaskInfo{Where: t.where, State: "registered"})
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b TaskInfo) int {
		return cmp.Or(cmp.Compare(b.Restarts, a.Restarts), strings.Compare(a.Where, b.Where))
	})
	return all[:min(len(all), maxShown)]
}

func (t *task) info() TaskInfo {
	i := TaskInfo{Where: t.where, State: "running", Restarts: int(t.restarts.Load())}
	switch {
	case t.backoff.Load():
		i.State = "backing off"
	case t.parked.Load() != 0:
		i.State = "waiting"
	}
	if e := t.lastErr.Load(); e != nil {
		i.LastError = *e
	}
	return i
}

// taskSet is the tasks of a binding. Those that were registered before StartTasks wait for it.
type taskSet struct {
	mu      sync.Mutex
	pending []*task
	started bool
	ended   bool
	running map[*task]struct{}
	ctx     context.Context
	cancel  context.CancelFunc
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
	case len(s.running)+len(s.pending) >= maxTasks:
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
	if s.running == nil {
		s.running = map[*task]struct{}{}
	}
	s.running[t] = struct{}{}
	s.group.Go(func() {
		b.runTask(s.ctx, t)
		s.mu.Lock()
		delete(s.running, t)
		s.mu.Unlock()
	})
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
	s.ctx, s.cancel, s.started = ctx, cancel, true
	for _, t := range s.pending {
		s.start(b, t)
	}
	s.pending = nil
}

// StopTasks ends the tasks, and returns when they have ended: what they have popped from fifos is done, or given back. It
// belongs before the end of the queues.
func (b *Binding) StopTasks() {
	s := &b.tasks
	s.mu.Lock()
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Unlock()
	s.wait()
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
		k := &call{b: b, u: t.u, ctx: ctx, what: "task", name: t.where, task: true, parked: &t.parked}
		began := time.Now()
		err := k.run(ctx, t.fn, vm.KindTask, t.u.limits.task)
		k.release()
		if err == nil || ctx.Err() != nil || errors.Is(err, vm.ErrClosed) {
			return
		}
		if time.Since(began) > calmPeriod {
			pause = firstBackoff
		}
		text := describe(err)
		t.lastErr.Store(&text)
		k.log(levelErr, fmt.Sprintf("Lua task registered at %s: runtime error: %s (failure %d, it starts again in %v)",
			t.where, text, b.tasks.failed(t.where), pause))
		t.backoff.Store(true)
		if !sleep(ctx, pause) {
			return
		}
		t.restarts.Add(1)
		t.backoff.Store(false)
		pause = min(2*pause, maxBackoff)
	}
}
