package haproxy

import (
	"context"
	"fmt"
	"os"
	"time"

	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

func (u *unit) coreFuncs() lib.Funcs {
	return lib.Funcs{
		"core_log":      u.coreLog,
		"core_done":     u.coreDone,
		"core_get_info": u.coreGetInfo,
		"core_set_nice": coreSetNice,
		"core_ready": func(c *vm.Call) error {
			c.PushBool(u.b.opts.Env.Proxies != nil)
			return nil
		},
		"in_task": func(c *vm.Call) error {
			k, ok := c.Owner().(*call)
			c.PushBool(ok && k.task)
			return nil
		},
		"act_wake_time": func(c *vm.Call) error {
			ms, err := lib.Int(c, 1, "act.wake_time", 1)
			if err != nil {
				return err
			}
			u.owner(c).pause = min(max(ms, 1), int64(time.Hour/time.Millisecond))
			return nil
		},
	}
}

// argLevel reads a syslog level.
func argLevel(c *vm.Call, i int, who string) (int, error) {
	n, err := lib.Int(c, i, who, 1)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > 7 {
		return 0, fmt.Errorf("%s: the level must be between 0 and 7, not %d", who, n)
	}
	return int(n), nil
}

// coreLog(level, msg)
func (u *unit) coreLog(c *vm.Call) error {
	level, err := argLevel(c, 1, "core.log")
	if err != nil {
		return err
	}
	msg, err := lib.Str(c, 2, "core.log", 2)
	if err != nil {
		return err
	}
	u.owner(c).log(level, msg)
	return nil
}

// coreDone(data) ends the run; data is what a fetch or converter gives.
func (u *unit) coreDone(c *vm.Call) error {
	v, err := c.Value(1)
	if err != nil {
		return err
	}
	if ref, ok := vm.RefOf(v); ok { // a function is no sample
		u.state.Release(ref)
		v = vm.Nil()
	}
	u.owner(c).result = v
	return c.Exit()
}

// coreSetNice checks its argument; streams are goroutines and have no nice value.
func coreSetNice(c *vm.Call) error {
	_, err := lib.Int(c, 1, "core.set_nice", 1)
	return err
}

// coreGetInfo gives the fields of "show info".
func (u *unit) coreGetInfo(c *vm.Call) error {
	t := &vm.Table{}
	fields := u.b.basicInfo
	if u.b.opts.Info != nil {
		fields = u.b.opts.Info
	}
	for _, f := range fields() {
		if f.IsInt {
			t.Set(f.Name, vm.Int(f.Int))
		} else {
			t.Set(f.Name, vm.Str(f.Text))
		}
	}
	return c.PushValue(vm.Tab(t))
}

// basicInfo is what the binding itself knows of the process.
func (b *Binding) basicInfo() []InfoField {
	up := time.Since(b.start)
	num := func(name string, n int64) InfoField { return InfoField{Name: name, Int: n, IsInt: true} }
	fields := []InfoField{
		{Name: "Name", Text: "eddy"},
		{Name: "Version", Text: b.opts.Env.Process.Version},
		num("Nbthread", int64(max(b.opts.Threads, 1))),
		num("Nbproc", 1),
		num("Process_num", 1),
		num("Pid", int64(os.Getpid())),
		{Name: "Uptime", Text: fmt.Sprintf("%dd %dh%02dm%02ds", int(up.Hours())/24, int(up.Hours())%24, int(up.Minutes())%60, int(up.Seconds())%60)},
		num("Uptime_sec", int64(up.Seconds())),
		num("Start_time_sec", b.start.Unix()),
		{Name: "node", Text: b.opts.Env.Process.Hostname},
	}
	if conns := b.opts.Env.Process.Conns; conns != nil {
		fields = append(fields, num("CurrConns", conns()))
	}
	var total, reqs int64
	if set := b.opts.Env.Proxies; set != nil {
		for _, p := range set.All {
			total += p.Front.ConnsTot.Load()
			reqs += p.Front.Reqs.Load()
		}
	}
	stopping := int64(0)
	if f := b.opts.Env.Process.Stopping; f != nil && f() {
		stopping = 1
	}
	return append(fields, num("CumConns", total), num("CumReq", reqs), num("Stopping", stopping))
}

func (u *unit) timeFuncs() lib.Funcs {
	return lib.Funcs{
		"core_now": func(c *vm.Call) error {
			now := time.Now()
			c.PushInt(now.Unix())
			c.PushInt(int64(now.Nanosecond() / 1000))
			return nil
		},
		"core_yield":  func(c *vm.Call) error { return c.Yield() },
		"core_sleep":  func(c *vm.Call) error { return u.coreSleep(c, "core.sleep", time.Second) },
		"core_msleep": func(c *vm.Call) error { return u.coreSleep(c, "core.msleep", time.Millisecond) },
		"core_wait":   u.coreWait,
	}
}

func (u *unit) coreSleep(c *vm.Call, who string, unit time.Duration) error {
	d, err := lib.Pause(c, 1, who, unit)
	if err != nil {
		return err
	}
	return u.wait(c, func(ctx context.Context) vm.Resume {
		if !sleep(ctx, d) {
			return vm.Resume{Err: errStopping}
		}
		return vm.Resume{}
	})
}

var errStopping = fmt.Errorf("eddy is stopping")

// sleep waits for d, or less when ctx ends; then it reports false.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// coreWait([milliseconds]) waits for an event that the script asked for (Queue.alarm), or for the time to be over.
func (u *unit) coreWait(c *vm.Call) error {
	var d time.Duration = -1
	if !c.IsNil(1) {
		var err error
		if d, err = lib.Pause(c, 1, "core.wait", time.Millisecond); err != nil {
			return err
		}
	}
	k := u.owner(c)
	w := k.waker()
	return k.wait(c, func(ctx context.Context) vm.Resume { return w.wait(ctx, d) })
}
