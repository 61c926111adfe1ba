package trisul

import (
	"math"
	"time"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/ledger"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/vm"
)

// call runs a hook that has no objects but the engine.
func (m *monitor) call(hook *instance.Hook, args ...vm.Value) bool {
	if m.off {
		return false
	}
	m.in.Moment.Next()
	defer m.in.Moment.Forget()
	return hook.With(args...).Call()
}

// flush makes a function of a hook that gets a time; nil when the script does not have it.
func (m *monitor) flush(name string) func(ts int64) {
	hook := m.in.Hook(name)
	if hook == nil {
		return nil
	}
	return func(ts int64) { m.call(hook, vm.Int(ts)) }
}

// vote is what a filter said: everything but false is yes. What is neither true nor false counts as a mistake.
func (m *monitor) vote(hook *instance.Hook, ok bool) bool {
	v := hook.Result()
	if ok && v.Kind != vm.KindBool {
		hook.Fault("it has to return true or false, not " + v.Kind.String() + "; this counts as true")
	}
	return !ok || v.Kind != vm.KindBool || v.Truth()
}

// kind says how records of one kind become a hook's moment and its arguments.
type kind[R any] struct {
	set  func(m *object.Moment, r R)
	args func(args []vm.Value, r R) []vm.Value
}

func flows() kind[*learned.FlowRecord] {
	return kind[*learned.FlowRecord]{func(m *object.Moment, r *learned.FlowRecord) { m.Record = r }, object.FlowArgs}
}

func alerts() kind[*learned.Alert] {
	return kind[*learned.Alert]{func(m *object.Moment, r *learned.Alert) { m.Alert = r }, object.AlertArgs}
}

func resources() kind[*learned.Resource] {
	return kind[*learned.Resource]{func(m *object.Moment, r *learned.Resource) { m.Resource = r }, object.ResourceArgs}
}

func documents() kind[*learned.Document] {
	return kind[*learned.Document]{func(*object.Moment, *learned.Document) {}, object.DocumentArgs}
}

// run calls a hook with a record.
func (k kind[R]) run(m *monitor, hook *instance.Hook, r R) bool {
	if m.off {
		return false
	}
	moment := m.in.Moment
	handle := moment.Next()
	k.set(moment, r)
	defer moment.Forget()
	return hook.Set(k.args(append(hook.Args()[:0], vm.HandleValue(handle)), r)).Call()
}

// told makes a function of a hook that is told of records; nil when the script does not have it.
func (k kind[R]) told(m *monitor, name string) func(R) {
	hook := m.in.Hook(name)
	if hook == nil {
		return nil
	}
	return func(r R) { k.run(m, hook, r) }
}

// monitor makes the ledger's entry for a script that watches records.
func (k kind[R]) monitor(m *monitor, group, fresh string) ledger.Monitor[R] {
	w := ledger.Monitor[R]{
		Group: group, New: k.told(m, fresh), BeginFlush: m.flush("onbeginflush"), Flush: k.told(m, "onflush"), EndFlush: m.flush("onendflush"),
	}
	if hook := m.in.Hook("flushfilter"); hook != nil {
		w.Filter = func(r R) bool { return m.vote(hook, k.run(m, hook, r)) }
	}
	return w
}

// tracker makes the ledger's entry for a flow_tracker.
func (m *monitor) tracker() ledger.FlowTracker {
	control, _ := m.in.Type.Data.Get("control").AsTable()
	t := ledger.FlowTracker{BeginFlush: m.flush("onbeginflush"), EndFlush: m.flush("onendflush")}
	t.Name, _ = control.Get("name").AsStr()
	t.Description, _ = control.Get("description").AsStr()
	if n, ok := control.Get("bucketsize").AsNum(); ok && n >= 1 && n <= 86400 {
		t.Bucket = time.Duration(n) * time.Second
	}
	if n, ok := control.Get("count").AsInt(); ok && n > 0 {
		t.Count = int(min(n, ledger.MaxTracked))
	}
	hook := m.in.Hook("getmetric")
	if hook == nil {
		return t
	}
	k := flows()
	t.Metric = func(r *learned.FlowRecord) float64 {
		if !k.run(m, hook, r) {
			return 0
		}
		n, _ := hook.Result().AsNum()
		return n
	}
	return t
}

// counters makes the ledger's entry for a cg_monitor.
func (m *monitor) counters(g *counter.Group) ledger.CounterMonitor {
	c := ledger.CounterMonitor{Group: g, BeginFlush: m.flush("onbeginflush"), EndFlush: m.flush("onendflush")}
	if hook := m.in.Hook("onnewkey"); hook != nil {
		c.NewKey = func(ts int64, key string) { m.call(hook, vm.Int(ts), vm.Str(key)) }
	}
	if hook := m.in.Hook("onupdate"); hook != nil {
		c.Update = func(ts int64, key string, values []float64) { m.call(hook, vm.Int(ts), vm.Str(key), array(values)) }
	}
	if hook := m.in.Hook("onflush"); hook != nil {
		c.Flush = func(ts int64, key string, values []float64) { m.call(hook, vm.Int(ts), vm.Str(key), array(values)) }
	}
	if hook := m.in.Hook("onflushfilter"); hook != nil {
		c.Filter = func(ts int64, key string, values []float64) (bool, []float64) {
			keep := m.vote(hook, m.call(hook, vm.Int(ts), vm.Str(key), array(values)))
			return keep, override(hook.Results())
		}
	}
	if hook := m.in.Hook("onbegintopperflush"); hook != nil {
		c.BeginToppers = func(ts int64, meter int) bool {
			return m.vote(hook, m.call(hook, vm.Int(ts), vm.Int(int64(meter))))
		}
	}
	if hook := m.in.Hook("ontopperflushfilter"); hook != nil {
		c.TopperFilter = func(key string, value float64) bool { return m.vote(hook, m.call(hook, vm.Str(key), num(value))) }
	}
	if hook := m.in.Hook("ontopperflush"); hook != nil {
		c.TopperFlush = func(key string, value float64) { m.call(hook, vm.Str(key), num(value)) }
	}
	if hook := m.in.Hook("onendtopperflush"); hook != nil {
		c.EndToppers = func(meter int) { m.call(hook, vm.Int(int64(meter))) }
	}
	return c
}

// num is a number as scripts written for LuaJIT expect it: without ".0" where it is whole.
func num(v float64) vm.Value {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return vm.Int(int64(v))
	}
	return vm.Num(v)
}

// array is the values of a group's meters; meter 0 is item 1.
func array(values []float64) vm.Value {
	t := &vm.Table{Arr: make([]vm.Value, len(values))}
	for i, v := range values {
		t.Arr[i] = num(v)
	}
	return vm.Tab(t)
}

// override is a filter's second result: values for meters, -1 where one stays. nil: there is none.
func override(results []vm.Value) []float64 {
	if len(results) < 2 {
		return nil
	}
	t, ok := results[1].AsTable()
	if !ok {
		return nil
	}
	values := make([]float64, len(t.Arr))
	for i := range t.Arr {
		if values[i], ok = t.Arr[i].AsNum(); !ok {
			values[i] = -1
		}
	}
	return values
}
