package trisul

import (
	"fmt"
	"slices"

	"eddy/internal/config/diag"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/shard"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/trisul/plugin"
	"eddy/internal/script/vm"
)

// PacketHooks are the packet hooks of all plugins on one engine (shard.Hooks). They belong to the engine's goroutine.
type PacketHooks struct {
	p      *Plugins
	engine object.Engine
	first  bool // of all engines
	all    []*instance.Instance

	counters   []*packetCounter
	handlers   []*layerHandler
	reassembly []*reassembler
	files      []*fileMonitor
	storage    []*storage
	reports    []*instance.Hook

	flows  map[*flow.Flow]*flowState
	nested int // calls of Attribute in progress
}

var _ shard.Hooks = (*PacketHooks)(nil)

// maxVoters bounds the scripts of one type on an engine: each has a bit in a flow's votes.
const maxVoters = 64

// Packets opens the states of the packet hooks for an engine. It may be called from any goroutine, once for each engine.
func (p *Plugins) Packets(engine object.Engine) (*PacketHooks, error) {
	h := &PacketHooks{p: p, engine: engine, flows: map[*flow.Flow]*flowState{}}
	p.mu.Lock()
	h.first = !p.first
	p.first = true
	p.mu.Unlock()
	for _, l := range p.list {
		if h.first && !slices.ContainsFunc(l.Types, func(t plugin.Type) bool { return t.Kind.Side != plugin.Nowhere }) {
			if err := h.open(l, nil); err != nil {
				return nil, err
			}
		}
		for i := range l.Types {
			if t := &l.Types[i]; t.Kind.Side == plugin.Packets {
				if err := h.open(l, t); err != nil {
					return nil, err
				}
			}
		}
	}
	if len(h.reassembly) > maxVoters || len(h.files) > maxVoters {
		return nil, fmt.Errorf("at most %d plugins can have a reassembly_handler, or a filex_monitor", maxVoters)
	}
	return h, nil
}

// open makes the state of a script type, and puts it where it is called.
func (h *PacketHooks) open(l *loaded, t *plugin.Type) error {
	in, err := h.p.instance(l, t, &object.Moment{Lane: h.engine, Engine: h.engine}, nil, h.first)
	if err != nil {
		return fmt.Errorf("%s: %w", l.File, err)
	}
	h.all = append(h.all, in)
	if t == nil {
		return nil
	}
	switch t.Kind.Name {
	case "simplecounter":
		h.addCounter(l, in)
	case "protocol_handler":
		h.addHandler(in)
	case "reassembly_handler":
		h.reassembly = append(h.reassembly, newReassembler(in))
	case "filex_monitor":
		h.files = append(h.files, newFileMonitor(in))
	case "packet_storage":
		h.storage = append(h.storage, &storage{in: in, filter: in.Hook("filter"), payload: in.Hook("filter_payload")})
	case "message_monitor":
		if hook := in.Hook("onnewflowrecord"); hook != nil {
			h.reports = append(h.reports, hook)
		}
	}
	return nil
}

// Wants implements shard.Hooks.
func (h *PacketHooks) Wants() shard.Wants {
	var w shard.Wants
	add := func(want shard.Wants, there bool) {
		if there {
			w |= want
		}
	}
	add(shard.WantPackets, len(h.counters) > 0)
	add(shard.WantLayers, len(h.handlers) > 0)
	add(shard.WantStore|shard.WantFlows, len(h.storage) > 0)
	add(shard.WantReports, len(h.reports) > 0)
	for _, r := range h.reassembly {
		w |= shard.WantFlows
		add(shard.WantPayload, r.payload != nil)
		add(shard.WantAttributes, len(r.attributes) > 0)
	}
	for _, f := range h.files {
		w |= shard.WantFlows
		add(shard.WantHTTPHeads, f.filter != nil)
		add(shard.WantHTTPPayload, f.body != nil)
		add(shard.WantRawPayload, f.raw != nil)
		add(shard.WantFiles, f.file != nil)
	}
	return w
}

// Start implements shard.Hooks: onload of all states. Those whose script does not want to run are not called any more.
func (h *PacketHooks) Start() error {
	off := map[*instance.Instance]bool{}
	for _, in := range h.all {
		if !in.Start() {
			off[in] = true
			h.p.opts.Log(lib.LogNotice, in.Plugin.Short(), "onload did not go well, or returned false: the script is off")
		}
	}
	h.all = slices.DeleteFunc(h.all, func(in *instance.Instance) bool { return off[in] })
	h.counters = slices.DeleteFunc(h.counters, func(c *packetCounter) bool { return off[c.in] })
	h.handlers = slices.DeleteFunc(h.handlers, func(c *layerHandler) bool { return off[c.in] })
	h.reassembly = slices.DeleteFunc(h.reassembly, func(r *reassembler) bool { return off[r.in] })
	h.files = slices.DeleteFunc(h.files, func(f *fileMonitor) bool { return off[f.in] })
	h.storage = slices.DeleteFunc(h.storage, func(s *storage) bool { return off[s.in] })
	h.reports = slices.DeleteFunc(h.reports, func(r *instance.Hook) bool { return off[r.Instance()] })
	return nil
}

// Stop implements shard.Hooks: onunload of all states.
func (h *PacketHooks) Stop() {
	for _, in := range h.all {
		in.Stop()
	}
}

// Tick implements shard.Hooks.
func (h *PacketHooks) Tick() {
	for _, in := range h.all {
		in.Tidy()
	}
}

// Message implements shard.Hooks.
func (h *PacketHooks) Message(id, text string) {
	for _, in := range h.all {
		in.Message(id, text)
	}
}

// FlowReport implements shard.Hooks: message_monitor.
func (h *PacketHooks) FlowReport(r learned.FlowReport) {
	for _, hook := range h.reports {
		hook.Instance().Moment.Next()
		hook.With(vm.Str(r.Flow), vm.Int(int64(r.AZ)), vm.Int(int64(r.ZA)), vm.Int(int64(r.PacketAZ)), vm.Int(int64(r.PacketZA))).Call()
	}
}

// now is the engine's time as scripts see it, in seconds.
func (h *PacketHooks) now() vm.Value { return vm.Int(h.engine.Timestamp() / 1e9) }

// began is when a flow's first packet came, likewise.
func began(f *flow.Flow) vm.Value { return vm.Int(f.Start / 1e9) }

// place is where a script type stands in its file.
func place(in *instance.Instance) diag.Pos { return diag.Pos{File: in.Plugin.File, Line: in.Type.Line} }
