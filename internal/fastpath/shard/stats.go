package shard

import (
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/reassembly"
)

// Stats is what an engine has seen.
type Stats struct {
	Packets, Bytes       uint64
	NotIP, Fragments     uint64
	FlowsTCP, FlowsUDP   uint64
	FlowsOther           uint64
	Evicted              uint64
	MostFlows            int
	Requests, Responses  uint64 // HTTP
	DNS, Handshakes      uint64
	FilesWhole, FilesCut uint64
	FileBytes            uint64
	FilesLost            uint64 // not written for the scripts: the ramfs folder was full
	Resources, Alerts    uint64
	Late                 uint64 // time stamps more than a second before that of an earlier packet
	GivenUp              uint64 // flows whose payload was not read any further, for want of memory
	First, Last          int64  // capture time, ns
	Payload              reassembly.Stats
	Lost                 counter.Lost
}

// Add adds the figures of another engine.
func (t *Stats) Add(o Stats) {
	for _, n := range []struct{ to, from *uint64 }{
		{&t.Packets, &o.Packets}, {&t.Bytes, &o.Bytes}, {&t.NotIP, &o.NotIP}, {&t.Fragments, &o.Fragments},
		{&t.FlowsTCP, &o.FlowsTCP}, {&t.FlowsUDP, &o.FlowsUDP}, {&t.FlowsOther, &o.FlowsOther}, {&t.Evicted, &o.Evicted},
		{&t.Requests, &o.Requests}, {&t.Responses, &o.Responses}, {&t.DNS, &o.DNS}, {&t.Handshakes, &o.Handshakes},
		{&t.FilesWhole, &o.FilesWhole}, {&t.FilesCut, &o.FilesCut}, {&t.FileBytes, &o.FileBytes}, {&t.FilesLost, &o.FilesLost},
		{&t.Resources, &o.Resources}, {&t.Alerts, &o.Alerts}, {&t.Late, &o.Late}, {&t.GivenUp, &o.GivenUp},
		{&t.Payload.Delivered, &o.Payload.Delivered}, {&t.Payload.GapBytes, &o.Payload.GapBytes},
	} {
		*n.to += *n.from
	}
	t.MostFlows += o.MostFlows
	t.Lost.Add(o.Lost)
	if o.Packets > 0 && (t.First == 0 || o.First < t.First) {
		t.First = o.First
	}
	t.Last = max(t.Last, o.Last)
}
