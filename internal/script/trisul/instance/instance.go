package instance

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/ramfs"
	"eddy/internal/reentry"
	jobs "eddy/internal/script/async"
	"eddy/internal/script/trisul/async"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/trisul/plugin"
	"eddy/internal/script/vm"
)

// Instance is a state for one script type of a plugin, on one engine or on the metric side. It belongs to the goroutine
// that runs the hooks.
type Instance struct {
	Plugin *plugin.Plugin
	Type   *plugin.Type // nil: the plugin has none, only onload and its kin
	Moment *object.Moment

	base   *base
	ctx    context.Context
	faults *Faults
	burst  time.Duration
	hooks  map[string]*Hook
	engine vm.Ref
	layers [packet.MaxLayers]vm.Ref
	result *Hook // calls an onresult of T.async

	jobs  *async.Jobs // nil: there are no queues
	desk  *jobs.Desk
	taken *Hook // calls an onresult or onerror of a job
	// named is where results come in that nobody waits for in person; nil: not here, or not now.
	named atomic.Pointer[reentry.Inbox]
	takes bool // it is to have named

	bind, resolve vm.Ref
}

// ofType begins the names of hooks that every type may have, where a type has its own beside the plugin's.
const ofType = "type."

// Hook is one function of a script, with its call.
type Hook struct {
	in   *Instance
	name string
	run  vm.Run
}

// Setup describes an instance.
type Setup struct {
	Plugin *plugin.Plugin
	Type   *plugin.Type
	Moment *object.Moment // with a Lane, and in packet hooks the Engine, before Start
	// Metrics says that the hooks are metric hooks.
	Metrics bool
	Work    *async.Work
	Jobs    *async.Jobs // nil: there are no queues
	// Named says that results of jobs come here whose taker is named and that nobody waits for in person.
	Named  bool
	Faults *Faults
	Groups *vm.Table // metric hooks: T.countergroups and its like, by field name
}

// Open makes the state and runs the plugin's file in it, but no hook. The instance ends with ctx, or with Close.
func Open(ctx context.Context, o *Options, s Setup) (*Instance, error) {
	as := frontend
	if s.Metrics {
		as = backend
	}
	b, err := newBase(ctx, o, &s.Plugin.Source, as)
	if err != nil {
		return nil, err
	}
	in := &Instance{
		Plugin: s.Plugin, Type: s.Type, Moment: s.Moment, base: b, ctx: ctx, faults: s.Faults, hooks: map[string]*Hook{}, jobs: s.Jobs, takes: s.Named,
	}
	switch {
	case o.Burst == 0:
		in.burst = DefaultBurst
	case o.Burst > 0:
		in.burst = o.Burst
	}
	s.Moment.Fault = func(text string) { in.faults.Add("engine", text) }
	if err := in.open(&s); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

func (in *Instance) open(s *Setup) error {
	b := in.base
	if err := object.Install(b.State, true, s.Metrics); err != nil {
		return err
	}
	if err := in.installJobs(s.Metrics); err != nil {
		return err
	}
	if err := async.Install(b.State, s.Work, in); err != nil {
		return err
	}
	var find, groups vm.Ref
	for name, keep := range map[string]func(c *vm.Call) error{
		"keep_find":    func(c *vm.Call) (err error) { find, err = c.Func(1); return err },
		"keep_groups":  func(c *vm.Call) (err error) { groups, err = c.Func(1); return err },
		"keep_bind":    func(c *vm.Call) (err error) { in.bind, err = c.Func(1); return err },
		"keep_resolve": func(c *vm.Call) (err error) { in.resolve, err = c.Func(1); return err },
		// keep_object(0, engine), keep_object(n, layer n-1)
		"keep_object": func(c *vm.Call) error {
			ref, err := c.Func(2)
			if n, _ := c.Int(1); n == 0 {
				in.engine = ref
			} else if n <= int64(len(in.layers)) {
				in.layers[n-1] = ref
			}
			return err
		},
		"keep_hook": func(c *vm.Call) error {
			ref, err := c.Func(2)
			if err == nil {
				in.hooks[c.Str(1)] = in.newHook(c.Str(1), ref)
			}
			return err
		},
		"keep_result": func(c *vm.Call) error {
			ref, err := c.Func(1)
			in.result = in.newHook("onresult", ref)
			return err
		},
		"keep_taken": func(c *vm.Call) error {
			ref, err := c.Func(1)
			in.taken = in.newHook("onresult or onerror", ref)
			return err
		},
	} {
		b.Register(name, keep)
	}
	if err := lib.Preludes(b.State, "trisul", preludes, "hooks"); err != nil {
		return err
	}
	if err := b.KeepKnown(); err != nil {
		return err
	}
	if s.Groups != nil {
		if err := b.Run(in.ctx, &vm.Run{Fn: groups, Kind: vm.KindInit, Args: []vm.Value{vm.Tab(s.Groups)}}); err != nil {
			return err
		}
	}
	if err := b.load(in.ctx, &in.Plugin.Source); err != nil {
		return err
	}
	return b.Run(in.ctx, &vm.Run{Fn: find, Kind: vm.KindInit, Args: in.wanted()})
}

// installJobs puts the module async in.
func (in *Instance) installJobs(metrics bool) (err error) {
	if in.jobs == nil {
		return nil
	}
	lane := &hookLane{in: in, noWait: "a packet hook can't wait; use onresult"}
	if metrics {
		lane.noWait = "a metric hook can't wait; use onresult"
	}
	in.desk, err = jobs.Install(in.base.State, jobs.Options{Owner: in.jobs.Owner(), Lane: lane})
	return err
}

// Bind tells a monitor which group it is attached to (T.monitor_group_name and T.monitor_group_guid). It belongs before
// Start.
func (in *Instance) Bind(name, guid string) error {
	r := vm.Run{Fn: in.bind, Kind: vm.KindInit, Args: []vm.Value{vm.Str(name), vm.Str(guid)}}
	return in.base.Run(in.ctx, &r)
}

// Resolve gives the strings that a field of the type's table stands for: one, several in an array, or what functions in
// their places return.
func (in *Instance) Resolve(field string) ([]string, error) {
	r := vm.Run{Fn: in.resolve, Kind: vm.KindInit, Burst: in.burst, Owner: in.Moment, Args: []vm.Value{vm.Str(in.Type.Table), vm.Str(field)}}
	if err := in.base.Run(in.ctx, &r); err != nil {
		return nil, fmt.Errorf("%s: %s", field, failure(err))
	}
	var all []string
	if t, ok := r.Results[0].AsTable(); ok {
		for _, v := range t.Arr {
			if s, ok := v.AsStr(); ok {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// wanted tells the prelude which hooks to look for: the type's table, and {name, shape} for each hook.
func (in *Instance) wanted() []vm.Value {
	if in.Type == nil {
		return []vm.Value{vm.Nil(), vm.Nil()}
	}
	list := &vm.Table{}
	for _, h := range in.Type.Kind.Hooks {
		pair := &vm.Table{Arr: []vm.Value{vm.Str(h.Name), vm.Str(string(h.Shape))}}
		list.Arr = append(list.Arr, vm.Tab(pair))
	}
	return []vm.Value{vm.Str(in.Type.Table), vm.Tab(list)}
}

func (in *Instance) newHook(name string, fn vm.Ref) *Hook {
	h := &Hook{in: in, name: name}
	h.run = vm.Run{Fn: fn, Kind: vm.KindHook, Owner: in.Moment, Emit: in.Moment.Emit, View: in.Moment.View(), Burst: in.burst}
	plain, own := strings.CutPrefix(name, ofType)
	if own {
		h.name = in.Type.Table + "." + plain
	}
	if plain == "onload" || plain == "onunload" {
		h.run.Kind, h.run.Burst = vm.KindInit, loadBurst
	}
	return h
}

// Hook gives a hook of the script; nil when it has none of that name.
func (in *Instance) Hook(name string) *Hook { return in.hooks[name] }

// Engine is the Engine object, and Layer the object for a packet's layer, for hooks of the shape plugin.Direct.
func (in *Instance) Engine() vm.Value { return vm.RefValue(in.engine) }

// Layer is the object for layer i of the packet in progress.
func (in *Instance) Layer(i int) vm.Value { return vm.RefValue(in.layers[i]) }

// Instance is the hook's state.
func (h *Hook) Instance() *Instance { return h.in }

// Args are the hook's arguments; they stay as they are from call to call.
func (h *Hook) Args() []vm.Value { return h.run.Args }

// With sets the hook's arguments.
func (h *Hook) With(args ...vm.Value) *Hook {
	h.run.Args = append(h.run.Args[:0], args...)
	return h
}

// Set replaces the hook's arguments by a slice that Args gave.
func (h *Hook) Set(args []vm.Value) *Hook {
	h.run.Args = args
	return h
}

// Fault counts and logs what is wrong with what the hook returned.
func (h *Hook) Fault(text string) { h.in.faults.Add(h.name, text) }

// Call runs the hook. What it returned is in Results until the next call; ok is false when it failed, which was logged.
func (h *Hook) Call() (ok bool) {
	in := h.in
	err := in.base.Run(in.ctx, &h.run)
	if err != nil {
		h.run.Results = h.run.Results[:0]
		if in.ctx.Err() == nil { // else it was stopped, which is not the script's fault
			in.faults.Add(h.name, failure(err))
		}
	}
	in.Moment.Settle()
	return err == nil
}

// Results are what the last Call has returned.
func (h *Hook) Results() []vm.Value { return h.run.Results }

// Result is the first of them, or nil.
func (h *Hook) Result() vm.Value {
	if len(h.run.Results) == 0 {
		return vm.Nil()
	}
	return h.run.Results[0]
}

// Start calls onload. It gives false when the script does not want to run: onload returned false, or failed.
func (in *Instance) Start() bool {
	in.Moment.Next()
	defer in.Moment.Forget()
	for _, name := range []string{"onload", ofType + "onload"} {
		h := in.hooks[name]
		if h == nil {
			continue
		}
		ok := h.With().Call()
		if v := h.Result(); !ok || v.Kind == vm.KindBool && !v.Truth() {
			return false
		}
	}
	if in.takes {
		in.named.Store(in.Moment.Lane.Inbox())
	}
	return true
}

// Stop calls onunload, and runs the finalizers that wait.
func (in *Instance) Stop() {
	in.named.Store(nil)
	in.Moment.Next()
	in.Moment.Ending = true
	defer in.Moment.Forget()
	for _, name := range []string{ofType + "onunload", "onunload"} {
		if h := in.hooks[name]; h != nil {
			h.With().Call()
		}
	}
	in.Tidy()
}

// Listens says whether the script has an onmessage.
func (in *Instance) Listens() bool {
	return in.hooks["onmessage"] != nil || in.hooks[ofType+"onmessage"] != nil
}

// Message gives the script a message of another one, if it listens.
func (in *Instance) Message(id, message string) {
	if !in.Plugin.Subscribed(id) {
		return
	}
	in.Moment.Next()
	defer in.Moment.Forget()
	for _, name := range []string{"onmessage", ofType + "onmessage"} {
		if h := in.hooks[name]; h != nil {
			h.With(vm.Str(id), vm.Str(message)).Call()
		}
	}
}

// Tidy runs the finalizers of what the script has left behind. It belongs on a slow timer.
func (in *Instance) Tidy() { in.base.library.Drain(in.ctx) }

// Result implements async.Caller.
func (in *Instance) Result(onresult vm.Ref, request string, response []byte, file *ramfs.File) {
	in.Moment.Next()
	in.Moment.File = file
	defer in.Moment.Forget()
	in.result.With(vm.RefValue(onresult), vm.Str(request), vm.Bytes(response)).Call()
}

// State is the Lua state, for those who look at its figures.
func (in *Instance) State() *vm.State { return in.base.State }

// Close ends the state.
func (in *Instance) Close() {
	if in.desk != nil {
		in.desk.Close()
	}
	in.base.close()
}
