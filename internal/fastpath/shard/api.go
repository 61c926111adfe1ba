package shard

import (
	"slices"
	"strings"
	"unsafe"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
	"eddy/internal/reentry"
)

// What scripts may ask an engine for (Trisul's page "Object Engine"). All of it is for the engine's goroutine. A flow that
// a flow id names but that is not known (any more) is no error: the script could not have known.

// Limits of what scripts attach to a flow.
const (
	maxTags     = 64 // bytes of all tags together ("less than 64 bytes")
	maxCounters = 32
	maxContents = 32 << 10 // bytes of a resource ("less than 32K")
)

// Timestamp is the capture time of the latest packet, in nanoseconds since 1970.
func (s *Shard) Timestamp() int64 { return s.now }

// InstanceID tells engines apart.
func (s *Shard) InstanceID() string { return s.opts.Instance }

// Inbox is where results of asynchronous work come in.
func (s *Shard) Inbox() *reentry.Inbox { return s.opts.Inbox }

// Packet is the packet in progress; nil when there is none.
func (s *Shard) Packet() *packet.Packet { return s.cur }

// UpdateCounter counts. An unknown group or meter is counted as lost.
func (s *Shard) UpdateCounter(guid, key []byte, meter int, value float64) {
	if g := s.local.Group(unsafe.String(unsafe.SliceData(guid), len(guid))); g != nil { // the string is not kept
		s.local.Add(g, key, meter, value)
	}
}

// UpdateCounterRaw is UpdateCounter: here both are as fast.
func (s *Shard) UpdateCounterRaw(guid, key []byte, meter int, value float64) {
	s.UpdateCounter(guid, key, meter, value)
}

// UpdateKeyInfo says what people call a key.
func (s *Shard) UpdateKeyInfo(guid, key, label, description string) {
	s.opts.Feed.Record(&learned.KeyInfo{Where: s.where(nil), Group: guid, Key: key, Label: label, Description: description})
}

// SetKeyAttribute adds a name and a value to a key.
func (s *Shard) SetKeyAttribute(guid, key, name, value string) {
	s.opts.Feed.Record(&learned.KeyInfo{Where: s.where(nil), Group: guid, Key: key, Attribute: name, Value: value})
}

// AddAlert raises an alert; a.Flow is set when a.HasFlow is.
func (s *Shard) AddAlert(a *learned.Alert) {
	s.complete(&a.Where, a.HasFlow)
	s.stats.Alerts++
	s.opts.Feed.Record(a)
}

// AddResource adds a line to a log; r.Flow is set when r.HasFlow is.
func (s *Shard) AddResource(r *learned.Resource) {
	s.complete(&r.Where, r.HasFlow)
	if len(r.Contents) > maxContents {
		r.Contents = r.Contents[:maxContents]
	}
	s.stats.Resources++
	s.opts.Feed.Record(r)
}

// complete fills in what the engine knows of a place.
func (s *Shard) complete(w *learned.Where, hasFlow bool) {
	w.Engine = s.opts.ID
	if w.Time == 0 { // an input filter's alerts bring their own
		w.Time = s.now
	}
	if !hasFlow {
		return
	}
	if f := s.byKey(w.Flow); f != nil {
		w.Flow, w.Serial = f.Key, f.Serial
	}
}

// find gives the flow with an id, or nil.
func (s *Shard) find(id string) *flow.Flow {
	key, err := flow.ParseID(id)
	if err != nil {
		return nil
	}
	return s.byKey(key)
}

// byKey prefers the flow in progress: ids do not have its VLAN.
func (s *Shard) byKey(key flow.Key) *flow.Flow {
	if f := s.flow; f != nil && same(&f.Key, &key) {
		return f
	}
	return s.table.Find(key)
}

// same compares two keys without regard to direction and VLAN.
func same(a, b *flow.Key) bool {
	if a.Proto != b.Proto || a.Version != b.Version {
		return false
	}
	return a.Src == b.Src && a.Dst == b.Dst && a.SrcPort == b.SrcPort && a.DstPort == b.DstPort ||
		a.Src == b.Dst && a.Dst == b.Src && a.SrcPort == b.DstPort && a.DstPort == b.SrcPort
}

// AddFlowCounter has a counter follow a flow: from now on each of its packets adds its length. direction is 0 for both,
// 1 to the server, 2 to the client.
func (s *Shard) AddFlowCounter(id, guid, key string, meter, direction int) {
	f, g := s.find(id), s.local.Group(guid)
	if f == nil || g == nil {
		return
	}
	x := f.Hooks.(*conn).more()
	fc := flowCounter{group: g, key: strings.Clone(key), meter: meter, dir: direction}
	if len(x.counters) < maxCounters && !slices.Contains(x.counters, fc) {
		x.counters = append(x.counters, fc)
	}
}

// ResetFlowCounter takes the counters of a group off a flow.
func (s *Shard) ResetFlowCounter(id, guid string) {
	f, g := s.find(id), s.local.Group(guid)
	if f == nil || g == nil {
		return
	}
	x := f.Hooks.(*conn).more()
	x.counters = slices.DeleteFunc(x.counters, func(fc flowCounter) bool { return fc.group == g })
}

// TagFlow adds a tag; what would go beyond 64 bytes in all is dropped.
func (s *Shard) TagFlow(id, tag string) {
	f := s.find(id)
	if f == nil || tag == "" {
		return
	}
	x := f.Hooks.(*conn).more()
	if slices.Contains(x.tags, tag) {
		return
	}
	n := len(tag)
	for _, t := range x.tags {
		n += len(t) + 1
	}
	if n < maxTags {
		x.tags = append(x.tags, strings.Clone(tag))
	}
}

// AddFlowAttribute tells the other scripts of something about a flow. It must not be called while a hook runs.
func (s *Shard) AddFlowAttribute(id, name, value string) {
	f := s.find(id)
	if f != nil && s.wants&WantAttributes != 0 {
		s.hooks.Attribute(f, name, value)
	}
}

// AddEdge adds an edge between two things.
func (s *Shard) AddEdge(e *learned.Link) {
	e.Where = s.where(s.flow)
	s.opts.Feed.Record(e)
}

// PostFrontend gives a message to the packet hooks of all engines.
func (s *Shard) PostFrontend(id, text string) { s.opts.Post(strings.Clone(id), strings.Clone(text)) }

// PostBackend gives a message to the metric hooks.
func (s *Shard) PostBackend(id, text string) {
	s.opts.Feed.Message(strings.Clone(id), strings.Clone(text))
}

// UpdateFlow adds to a metric of a flow that another device has told of, see reports.
func (s *Shard) UpdateFlow(id string, meter int, value float64) {
	s.reports.update(s, id, meter, value)
}

// SetFlowDuration says how long a flow has lasted that another device has told of.
func (s *Shard) SetFlowDuration(id string, seconds float64) {
	if seconds >= 0 && seconds < 1e9 {
		s.reports.last(id, int64(seconds*1e9))
	}
}

// NewFlowRecord tells scripts of a flow that another device has seen; counts are from A to Z and from Z to A.
func (s *Shard) NewFlowRecord(id string, bytesAZ, bytesZA, packetsAZ, packetsZA uint64) {
	r := learned.FlowReport{Time: s.now, Flow: id, AZ: bytesAZ, ZA: bytesZA, PacketAZ: packetsAZ, PacketZA: packetsZA}
	if s.wants&WantReports != 0 && len(s.reported) < maxReports {
		s.reported = append(s.reported, r)
	}
}

// DisableReassembly stops reading a flow's payload.
func (s *Shard) DisableReassembly(id string) {
	if f := s.find(id); f != nil && f.Key.Proto == protoTCP {
		f.NoPayload = true
	}
}

// StorePacket says how the packet in progress is to be stored: 0 not, 1 whole, 2 its headers.
func (s *Shard) StorePacket(policy int) {
	if policy >= 0 && policy <= 2 {
		s.policy = liberal(s.policy, policy)
	}
}
