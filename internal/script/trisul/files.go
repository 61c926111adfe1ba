package trisul

import (
	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/ramfs"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/vm"
)

// fileMonitor is a filex_monitor.
type fileMonitor struct {
	in                                        *instance.Instance
	flow, filter, raw, body, file, terminated *instance.Hook
}

func newFileMonitor(in *instance.Instance) *fileMonitor {
	return &fileMonitor{
		in: in, flow: in.Hook("filter_flow"), filter: in.Hook("filter"), raw: in.Hook("onpayload_raw"), body: in.Hook("onpayload_http"),
		file: in.Hook("onfile_http"), terminated: in.Hook("onterminateflow"),
	}
}

// RawPayload implements shard.Hooks.
func (h *PacketHooks) RawPayload(f *flow.Flow, dir flow.Dir, pos int64, data []byte) {
	s := h.state(f)
	for i, m := range h.files {
		if s.files>>i&1 == 1 && m.raw != nil {
			show(m.raw, f, s, int64(dir), pos, data)
		}
	}
}

// FileHead implements shard.Hooks: filter, which is asked about a request and then about its answer. A script that refuses
// the request does not want the answer's body either.
func (h *PacketHooks) FileHead(f *flow.Flow, x *extract.Exchange, dir flow.Dir) (wanted bool) {
	s := h.state(f)
	refused := s.refused[x.N]
	for i, m := range h.files {
		bit := uint64(1) << i
		if s.files&bit == 0 || refused&bit != 0 {
			continue
		}
		if m.filter == nil || m.head(f, s, x, dir) {
			wanted = true
		} else {
			refused |= bit
		}
	}
	s.refuse(x.N, refused)
	return wanted
}

// keptExchanges is how many exchanges of a flow are remembered that a script has refused: they may overlap (pipelining).
const keptExchanges = 256

func (s *flowState) refuse(exchange int, who uint64) {
	if who == 0 {
		return
	}
	if s.refused == nil {
		s.refused = map[int]uint64{}
	}
	s.refused[exchange] = who
	if len(s.refused) > keptExchanges {
		for n := range s.refused {
			if n <= exchange-keptExchanges/2 {
				delete(s.refused, n)
			}
		}
	}
}

// head calls filter.
func (m *fileMonitor) head(f *flow.Flow, s *flowState, x *extract.Exchange, dir flow.Dir) bool {
	handle := m.about(f, s, x)
	defer m.in.Moment.Forget()
	hook := m.filter.With(vm.HandleValue(handle), began(f), vm.Str(s.id), vm.Bool(dir == flow.ToClient))
	return !hook.Call() || hook.Result().Truth()
}

// about prepares the script for a hook about an exchange.
func (m *fileMonitor) about(f *flow.Flow, s *flowState, x *extract.Exchange) vm.Handle {
	handle := m.in.Moment.Next()
	m.in.Moment.Flow, m.in.Moment.FlowID, m.in.Moment.Exchange = f, s.id, x
	return handle
}

// HTTPPayload implements shard.Hooks.
func (h *PacketHooks) HTTPPayload(f *flow.Flow, x *extract.Exchange, dir flow.Dir, path string, pos int64, data []byte) {
	s := h.state(f)
	who := s.files &^ s.refused[x.N]
	for i, m := range h.files {
		if who>>i&1 == 0 || m.body == nil {
			continue
		}
		handle := m.in.Moment.Show(data)
		m.in.Moment.Flow, m.in.Moment.FlowID, m.in.Moment.Exchange = f, s.id, x
		m.body.With(vm.HandleValue(handle), began(f), vm.Str(s.id), vm.Str(path), vm.Int(int64(dir)), vm.Int(pos)).Call()
		m.in.Moment.Forget()
	}
}

// File implements shard.Hooks. Asynchronous work that is scheduled meanwhile holds the file.
func (h *PacketHooks) File(f *flow.Flow, x *extract.Exchange, _ flow.Dir, file *ramfs.File, partial bool) {
	s := h.state(f)
	who := s.files &^ s.refused[x.N]
	for i, m := range h.files {
		if who>>i&1 == 0 || m.file == nil {
			continue
		}
		handle := m.about(f, s, x)
		m.in.Moment.File = file
		m.file.With(vm.HandleValue(handle), h.now(), vm.Str(s.id), vm.Str(file.Path), vm.Int(file.Size), vm.Bool(partial)).Call()
		m.in.Moment.Forget()
	}
}
