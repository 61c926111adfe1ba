package trisul

import (
	"eddy/internal/fastpath/flow"
	"eddy/internal/script/trisul/instance"
)

// storage is a packet_storage.
type storage struct {
	in              *instance.Instance
	filter, payload *instance.Hook
}

// noOpinion leaves a flow to the default policy.
const noOpinion = -1

// liberal orders packet_storage's policies by how much they store; what is no policy counts as no opinion.
//
//	0 nothing, 2 headers, 5 10 KB, 4 100 KB, 3 1 MB, 6 10 MB, 1 everything
func liberal(policy int) int {
	if policy < 0 || policy > 6 {
		return noOpinion
	}
	return [...]int{0, 6, 1, 4, 3, 2, 5}[policy]
}

// merge gives the more liberal of two policies (packet_storage, "Co-operation").
func merge(a, b int) int {
	if liberal(b) > liberal(a) {
		return b
	}
	return a
}

// verdict is what a filter returned.
func verdict(hook *instance.Hook) int {
	n, ok := hook.Result().AsInt()
	if !ok || n < 0 || n > 6 {
		return noOpinion
	}
	return int(n)
}

// Store implements shard.Hooks: filter.
func (h *PacketHooks) Store(f *flow.Flow) int {
	s := h.state(f)
	policy := noOpinion
	for _, st := range h.storage {
		if st.filter == nil {
			continue
		}
		id := about(st.in, f, s)
		if st.filter.With(began(f), id).Call() {
			policy = merge(policy, verdict(st.filter))
		}
		st.in.Moment.Forget()
	}
	return policy
}

// StorePayload implements shard.Hooks: filter_payload, which sees the first chunk of each direction.
func (h *PacketHooks) StorePayload(f *flow.Flow, dir flow.Dir, pos int64, data []byte) int {
	s := h.state(f)
	if s.judged[dir] {
		return s.verdict
	}
	s.judged[dir] = true
	for _, st := range h.storage {
		if st.payload != nil {
			show(st.payload, f, s, int64(dir), pos, data)
			s.verdict = merge(s.verdict, verdict(st.payload))
		}
	}
	return s.verdict
}
