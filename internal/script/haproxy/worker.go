package haproxy

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/script/async"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// workerUnit is what a unit for handlers has beside a state.
type workerUnit struct {
	preparing bool // its scripts are being loaded; used by the goroutine that does it
	inits     []vm.Ref
}

// openWorker makes a state for handlers: all scripts run in it once more, those of lua-load-per-thread too, and what
// core.register_init registers. Other registrations do nothing there.
func (b *Binding) openWorker() (*async.Worker, error) {
	u, err := b.newUnit(0, true)
	if err != nil {
		return nil, err
	}
	for i := range b.lua.Loads {
		l := &b.lua.Loads[i]
		if err := u.load(l); err != nil {
			u.close()
			return nil, fmt.Errorf("error in Lua file '%s': %s", l.File, describe(err))
		}
	}
	for _, fn := range u.worker.inits {
		k := &call{b: b, u: u, ctx: b.ctx, what: "init"}
		err := k.run(b.ctx, fn, vm.KindInit, 0)
		k.release()
		u.state.Release(fn)
		if err != nil {
			u.close()
			return nil, fmt.Errorf("init function: runtime error: %s", describe(err))
		}
	}
	u.worker.inits, u.worker.preparing = nil, false
	u.fifos.forget()
	return &async.Worker{State: u.state, Desk: u.desk, Run: u.handle, Close: u.state.Close}, nil
}

// registerFuncs are those of a worker's state: only init functions are kept.
func (w *workerUnit) registerFuncs() lib.Funcs {
	idle := func(c *vm.Call) error {
		if !w.preparing {
			return fmt.Errorf("nothing can be registered in a handler")
		}
		return nil
	}
	return lib.Funcs{
		"register_action": idle, "register_service": idle, "register_fetches": idle, "register_converters": idle,
		"register_cli": idle, "register_task": idle,
		"register_init": func(c *vm.Call) error {
			if c.Kind(1) != vm.KindFunc {
				return lib.Wrong(c, 1, "core.register_init", 1, "a function")
			}
			if err := idle(c); err != nil {
				return err
			}
			fn, err := c.Func(1)
			w.inits = append(w.inits, fn)
			return err
		},
	}
}

// handle runs a handler.
func (u *unit) handle(ctx context.Context, fn vm.Ref, f *async.Frame, j *job.Job, arg []byte) ([]vm.Value, error) {
	k := &call{b: u.b, u: u, ctx: ctx, what: "handler", task: true, frame: f, job: j.ID}
	k.r.Ready = arg
	var total time.Duration
	if end, bounded := ctx.Deadline(); bounded { // where it can't yield, this is what stops it
		total = max(time.Until(end), 1)
	}
	err := k.run(ctx, fn, vm.KindHandler, total)
	return k.results, err
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
