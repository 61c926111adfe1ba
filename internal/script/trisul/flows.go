package trisul

import (
	"eddy/internal/fastpath/flow"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/vm"
)

// flowState is what scripts have said about a flow.
type flowState struct {
	id      string         // "06A:..."
	payload uint64         // reassembly handlers that want its payload, a bit for each
	files   uint64         // filex monitors that want its files
	refused map[int]uint64 // filex monitors that refused an exchange by its request's head, by its number
	judged  [2]bool        // by direction: filter_payload has seen the first chunk
	verdict int            // packet storage's policy by what was seen
}

// state gives what is known of a flow; FlowEnd forgets it.
func (h *PacketHooks) state(f *flow.Flow) *flowState {
	s := h.flows[f]
	if s == nil {
		s = &flowState{id: flow.ID(f.Key), verdict: noOpinion}
		h.flows[f] = s
	}
	return s
}

const protoTCP = 6

// reassembler is a reassembly_handler.
type reassembler struct {
	in                                 *instance.Instance
	filter, fresh, payload, terminated *instance.Hook
	attributes                         []*instance.Hook
}

func newReassembler(in *instance.Instance) *reassembler {
	r := &reassembler{
		in: in, filter: in.Hook("filter"), fresh: in.Hook("onnewflow"), payload: in.Hook("onpayload"), terminated: in.Hook("onterminateflow"),
	}
	for _, name := range []string{"onattribute", "onflowattribute"} {
		if hook := in.Hook(name); hook != nil {
			r.attributes = append(r.attributes, hook)
		}
	}
	return r
}

// about prepares a script for a hook about a flow, and gives the flow's id.
func about(in *instance.Instance, f *flow.Flow, s *flowState) vm.Value {
	in.Moment.Next()
	in.Moment.Flow, in.Moment.FlowID = f, s.id
	return vm.Str(s.id)
}

// asks calls a filter for a flow: whether the script wants it. One that fails does not keep the flow from it.
func asks(hook *instance.Hook, f *flow.Flow, s *flowState) bool {
	if hook == nil {
		return true
	}
	id := about(hook.Instance(), f, s)
	defer hook.Instance().Moment.Forget()
	return !hook.With(began(f), id).Call() || hook.Result().Truth()
}

// FlowStart implements shard.Hooks. Scripts vote: payload is put together if one of them wants it, and goes to those that
// do (reassembly, "Voting considerations").
func (h *PacketHooks) FlowStart(f *flow.Flow) (payload, files bool) {
	if f.Key.Proto != protoTCP || len(h.reassembly)+len(h.files) == 0 {
		return false, false
	}
	s := h.state(f)
	for i, r := range h.reassembly {
		if asks(r.filter, f, s) {
			s.payload |= 1 << i
		}
	}
	for i, m := range h.files {
		if asks(m.flow, f, s) {
			s.files |= 1 << i
		}
	}
	if s.payload != 0 {
		h.tell(f, s, s.payload, func(r *reassembler) *instance.Hook { return r.fresh }, began(f))
	}
	return s.payload != 0, s.files != 0
}

// tell calls a hook of those reassembly handlers whose bit is set.
func (h *PacketHooks) tell(f *flow.Flow, s *flowState, who uint64, pick func(*reassembler) *instance.Hook, ts vm.Value) {
	for i, r := range h.reassembly {
		hook := pick(r)
		if who>>i&1 == 0 || hook == nil {
			continue
		}
		id := about(r.in, f, s)
		hook.With(ts, id).Call()
		r.in.Moment.Forget()
	}
}

// FlowEnd implements shard.Hooks.
func (h *PacketHooks) FlowEnd(f *flow.Flow) {
	s := h.flows[f]
	if s == nil {
		return
	}
	h.tell(f, s, s.payload, func(r *reassembler) *instance.Hook { return r.terminated }, h.now())
	for i, m := range h.files {
		if s.files>>i&1 == 0 || m.terminated == nil {
			continue
		}
		id := about(m.in, f, s)
		m.terminated.With(h.now(), id).Call()
		m.in.Moment.Forget()
	}
	delete(h.flows, f)
}

// Payload implements shard.Hooks. Scripts count directions the other way round here: 0 is to the client (reassembly,
// "onpayload").
func (h *PacketHooks) Payload(f *flow.Flow, dir flow.Dir, pos int64, data []byte) {
	s := h.state(f)
	for i, r := range h.reassembly {
		if s.payload>>i&1 == 1 && r.payload != nil {
			show(r.payload, f, s, int64(dir.Other()), pos, data)
		}
	}
}

// show calls a hook with bytes of a flow.
func show(hook *instance.Hook, f *flow.Flow, s *flowState, dir, pos int64, data []byte) {
	m := hook.Instance().Moment
	handle := m.Show(data)
	m.Flow, m.FlowID = f, s.id
	hook.With(vm.HandleValue(handle), began(f), vm.Str(s.id), vm.Int(dir), vm.Int(pos)).Call()
	m.Forget()
}

// maxNested bounds attributes that scripts add because they were told of one.
const maxNested = 8

// Attribute implements shard.Hooks. It may be called while it runs: for what a script adds to the flow.
func (h *PacketHooks) Attribute(f *flow.Flow, name, value string) {
	if f.Key.Proto != protoTCP && (name == "" || name == "^D") {
		return // that a flow begins and ends is told of those that are reassembled
	}
	h.nested++
	defer func() { h.nested-- }()
	if h.nested > maxNested {
		return
	}
	var s *flowState
	for _, r := range h.reassembly {
		for _, hook := range r.attributes {
			if s == nil {
				s = h.state(f)
			}
			id := about(r.in, f, s)
			hook.With(began(f), id, vm.Str(name), vm.Str(value)).Call()
			r.in.Moment.Forget()
		}
	}
}
