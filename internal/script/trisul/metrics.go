package trisul

import (
	"fmt"

	"eddy/internal/fastpath/ledger"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/trisul/plugin"
	"eddy/internal/script/vm"
)

// MetricHooks are the metric hooks of all plugins. They belong to the ledger's goroutine.
type MetricHooks struct {
	// Ledger is what the ledger calls, from Start to Stop.
	Ledger ledger.Hooks

	p   *Plugins
	all []*monitor
}

// monitor is an instance of a script type with metric hooks, attached to one group.
type monitor struct {
	in *instance.Instance
	// off says that the script does not want to run. Its functions stay in the ledger's list and do nothing.
	off bool
}

// Metrics opens the states of the metric hooks.
func (p *Plugins) Metrics() (*MetricHooks, error) {
	h := &MetricHooks{p: p}
	groups := p.tables()
	for _, l := range p.list {
		for i := range l.Types {
			t := &l.Types[i]
			if t.Kind.Side != plugin.Metrics {
				continue
			}
			a := attachment{p: p, l: l, t: t, groups: groups}
			attached, err := a.open()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.File, err)
			}
			for _, one := range attached {
				h.add(one.in, one.group)
			}
		}
	}
	return h, nil
}

// Start gives the scripts their engine and calls onload. It belongs before the ledger's start, or to its goroutine.
func (h *MetricHooks) Start(lane object.Lane) {
	for _, m := range h.all {
		m.in.Moment.Lane = lane
		if !m.in.Start() {
			m.off = true
			h.p.opts.Log(lib.LogNotice, m.in.Plugin.Short(), "onload did not go well, or returned false: the script is off")
		}
	}
}

// Stop calls onunload.
func (h *MetricHooks) Stop() {
	for _, m := range h.all {
		if !m.off {
			m.in.Stop()
		}
	}
}

// Tick is for a slow timer: it runs the finalizers of what scripts have left behind.
func (h *MetricHooks) Tick() {
	for _, m := range h.all {
		m.in.Tidy()
	}
}

// add puts the functions that the script has into the ledger's lists. group is nil for types that are attached to none.
func (h *MetricHooks) add(in *instance.Instance, g *group) {
	m := &monitor{in: in}
	h.all = append(h.all, m)
	if hook := in.Hook("onmetronome"); hook != nil {
		h.Ledger.Metronome = append(h.Ledger.Metronome, func(ts int64, count, interval int) {
			m.call(hook, vm.Int(ts), vm.Int(int64(count)), vm.Int(int64(interval)))
		})
	}
	if in.Listens() {
		h.Ledger.OnMessage = append(h.Ledger.OnMessage, func(id, text string) {
			if !m.off {
				in.Message(id, text)
			}
		})
	}
	guid := ""
	if g != nil {
		guid = g.guid
	}
	switch in.Type.Kind.Name {
	case "engine_monitor":
		h.Ledger.Engine = append(h.Ledger.Engine, ledger.EngineMonitor{BeginFlush: m.flush("onbeginflush"), EndFlush: m.flush("onendflush")})
	case "cg_monitor":
		h.Ledger.Counter = append(h.Ledger.Counter, m.counters(h.p.opts.Registry.ByGUID(guid)))
	case "sg_monitor":
		k := flows()
		h.Ledger.Flow = append(h.Ledger.Flow, ledger.FlowMonitor{
			Monitor: k.monitor(m, "", "onnewflow"), Update: k.told(m, "onupdate"), Terminate: k.told(m, "onterminate"),
		})
	case "alert_monitor":
		h.Ledger.Alert = append(h.Ledger.Alert, alerts().monitor(m, guid, "onnewalert"))
	case "resource_monitor":
		h.Ledger.Resource = append(h.Ledger.Resource, resources().monitor(m, guid, "onnewresource"))
	case "fts_monitor":
		h.Ledger.Document = append(h.Ledger.Document, documents().monitor(m, guid, "onnewfts"))
	case "flow_tracker":
		h.Ledger.Tracker = append(h.Ledger.Tracker, m.tracker())
	}
}
