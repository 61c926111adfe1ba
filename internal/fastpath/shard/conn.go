package shard

import (
	"slices"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/dissect/dns"
	"eddy/internal/fastpath/dissect/tls"
	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/ledger"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/reassembly"
)

// app is what a flow carries.
type app uint8

const (
	appUnknown app = iota // no payload was seen
	appOther
	appHTTP
	appTLS
	appDNS
)

func (a app) String() string { return [...]string{"", "", "http", "tls", "dns"}[a] }

// IP protocol numbers.
const (
	protoTCP = 6
	protoUDP = 17
)

// conn is what an engine keeps beside a flow. It is used again when the flow has ended. There are as many as flows: what
// few of them need stands elsewhere.
type conn struct {
	s *Shard
	f *flow.Flow

	stream *reassembly.Stream // nil: it is not TCP
	http   *extract.Conn
	tls    *tls.Conn
	dns    *[2]dns.Stream
	extras *extras // nil: none
	holder *holder // nil: the readers have never held anything

	app     app
	payload bool // scripts want Payload
	files   bool // scripts want its files
	dropped bool // reassembly was stopped
	store   int8 // packet storage's policy

	dirty int32        // place in Shard.dirty; -1: not there
	mark  counter.Mark // what counters were told of
}

// extras is what scripts hung on a flow.
type extras struct {
	told     int64 // ns: when the flow was last told of while it lived
	stored   int64 // bytes in packet storage
	tags     []string
	counters []flowCounter
}

// more gives the place of a flow's extras.
func (c *conn) more() *extras {
	if c.extras == nil {
		c.extras = &extras{}
	}
	return c.extras
}

// flowCounter is a counter that follows a flow (engine:add_flow_counter).
type flowCounter struct {
	group *counter.Group
	key   string
	meter int
	dir   int // 0: both, 1: to the server, 2: to the client
}

// flowPacket counts a packet in its flow and reads its payload.
func (s *Shard) flowPacket(p *packet.Packet) {
	f, dir, fresh := s.table.Packet(p, s.ended)
	if f == nil { // its ports are not known: the header was cut
		s.traffic.Packet(p)
		return
	}
	s.flow = f
	var c *conn
	if fresh {
		c = s.begin(f)
	} else {
		c = f.Hooks.(*conn)
	}
	s.traffic.FlowPacket(p, f, dir, &c.mark)
	if s.opts.Detail.FlowUpdate && c.dirty < 0 {
		c.dirty = int32(len(s.dirty))
		s.dirty = append(s.dirty, c)
	}
	if c.extras != nil {
		s.follow(c.extras, dir, p)
	}
	switch p.Proto {
	case protoTCP:
		if !f.NoPayload && s.payload.Segment(c.stream, dir, p, c) {
			f.Retransmits++
		}
		if f.NoPayload && !c.dropped {
			c.drop()
		}
	case protoUDP:
		if p.PayloadLen > 0 {
			c.datagram(dir, p.Payload())
		}
	}
}

// follow counts a packet in the counters that follow its flow.
func (s *Shard) follow(x *extras, dir flow.Dir, p *packet.Packet) {
	for i := range x.counters {
		fc := &x.counters[i]
		if fc.dir == 0 || fc.dir == int(dir)+1 {
			s.local.AddString(fc.group, fc.key, fc.meter, float64(p.Wire))
		}
	}
}

// begin takes on a new flow.
func (s *Shard) begin(f *flow.Flow) *conn {
	c := s.conns.take()
	c.s, c.f, c.store, c.dirty = s, f, storeDefault, -1
	f.Hooks = c
	switch f.Key.Proto {
	case protoTCP:
		s.stats.FlowsTCP++
		c.stream = s.streams.take()
	case protoUDP:
		s.stats.FlowsUDP++
	default:
		s.stats.FlowsOther++
	}
	s.stats.MostFlows = max(s.stats.MostFlows, s.table.Len())
	if s.opts.Detail.FlowStart {
		s.opts.Feed.Flow(ledger.FlowNew, s.record(f))
	}
	if s.wants&(WantFlows|WantPayload|WantRawPayload|WantFiles|WantHTTPPayload|WantHTTPHeads) != 0 {
		c.payload, c.files = s.hooks.FlowStart(f)
	}
	if s.wants&WantAttributes != 0 {
		s.hooks.Attribute(f, "", "")
	}
	if s.wants&WantStore != 0 && s.opts.Store != nil {
		c.store = policyOf(s.hooks.Store(f))
	}
	return c
}

// flowEnded is called by the table when it lets go of a flow.
func (s *Shard) flowEnded(f *flow.Flow, why flow.End) {
	c := f.Hooks.(*conn)
	if f.Key.Proto == protoTCP {
		s.payload.Close(c.stream, c, why)
	}
	s.holders.forget(c)
	if c.tls != nil {
		c.tls.End()
	}
	if c.http != nil {
		s.http.Put(c.http)
	}
	s.traffic.End(f, &c.mark, why)
	if why == flow.Evicted {
		s.stats.Evicted++
	}
	if s.wants&WantAttributes != 0 {
		s.hooks.Attribute(f, "^D", "")
	}
	if s.wants&(WantFlows|WantPayload|WantRawPayload|WantFiles|WantHTTPPayload|WantHTTPHeads) != 0 {
		s.hooks.FlowEnd(f)
	}
	if s.opts.Detail.FlowEnd {
		r := s.record(f)
		r.Why, r.Over = why, true
		s.opts.Feed.Flow(ledger.FlowEnd, r)
	}
	s.forget(c)
	if c.stream != nil {
		s.streams.put(c.stream)
	}
	s.conns.put(c)
}

// forget takes a conn out of the list of changed ones.
func (s *Shard) forget(c *conn) {
	if c.dirty < 0 {
		return
	}
	last := len(s.dirty) - 1
	s.dirty[c.dirty] = s.dirty[last]
	s.dirty[c.dirty].dirty = c.dirty
	s.dirty[last] = nil
	s.dirty = s.dirty[:last]
	c.dirty = -1
}

// record is the flow as it is now.
func (s *Shard) record(f *flow.Flow) *learned.FlowRecord {
	r := &learned.FlowRecord{
		Where: s.where(f), State: f.State, Start: f.Start, Last: f.Last, Count: f.Count, RTT: f.RTT, Retransmits: f.Retransmits,
	}
	if c, ok := f.Hooks.(*conn); ok {
		r.App = c.app.String()
		if c.extras != nil {
			r.Tags = slices.Clone(c.extras.tags)
		}
	}
	return r
}

// where says that something was learned from a flow just now; nil: from none.
func (s *Shard) where(f *flow.Flow) learned.Where {
	w := learned.Where{Time: s.now, Engine: s.opts.ID}
	if f != nil {
		w.Flow, w.Serial = f.Key, f.Serial
	}
	return w
}

// Data implements reassembly.Sink.
func (c *conn) Data(dir flow.Dir, pos int64, data []byte) {
	s := c.s
	if c.payload && s.wants&WantPayload != 0 {
		s.hooks.Payload(c.f, dir, pos, data)
	}
	if c.files && s.wants&WantRawPayload != 0 {
		s.hooks.RawPayload(c.f, dir, pos, data)
	}
	if c.store != 0 && s.wants&WantStore != 0 && s.opts.Store != nil {
		c.store = policyOf(liberal(int(c.store), s.hooks.StorePayload(c.f, dir, pos, data)))
	}
	if c.f.NoPayload { // a hook has just said so
		return
	}
	if c.app == appUnknown {
		c.recognise(dir, data)
	}
	switch {
	case c.http != nil:
		c.http.Data(dir, s.now, data)
		if c.http.Tunnel() {
			c.app = appUnknown
			c.endHTTP(flow.Closed)
		}
	case c.tls != nil:
		c.tls.Data(dir, data)
		if c.tls.Done() {
			c.tls = nil
		}
	case c.dns != nil:
		c.dns[dir].Data(data, func(m []byte) { c.message(dir, m) })
	default:
		return
	}
	s.holders.account(c)
}

// recognise decides by the first bytes what a TCP flow carries.
func (c *conn) recognise(dir flow.Dir, data []byte) {
	key := &c.f.Key
	http := extract.Looks(data, dir)
	switch {
	case dns.LooksFramed(data) || !http && (key.DstPort == 53 || key.SrcPort == 53):
		c.app, c.dns = appDNS, new([2]dns.Stream)
	case data[0] == 0x16 && (len(data) < 6 || tls.Looks(data)): // a handshake record
		c.app, c.tls = appTLS, tls.New(&handshake{c})
	case http:
		c.app, c.http = appHTTP, c.s.http.Conn((*exchanges)(c))
	default:
		c.app = appOther
	}
}

// Gap implements reassembly.Sink.
func (c *conn) Gap(dir flow.Dir, pos, n int64) {
	switch {
	case c.http != nil:
		c.http.Gap(dir, n)
	case c.tls != nil:
		c.tls.Gap(dir)
	case c.dns != nil:
		c.dns[dir].Gap()
	}
}

// End implements reassembly.Sink.
func (c *conn) End(dir flow.Dir, why flow.End) {
	if c.http != nil {
		c.http.End(dir, why)
	}
}

// endHTTP gives the HTTP reader back: what follows is something else, or is not read (why tells).
func (c *conn) endHTTP(why flow.End) {
	c.http.End(flow.ToServer, why)
	c.http.End(flow.ToClient, why)
	c.s.http.Put(c.http)
	c.http = nil
}

// drop ends the reading of a flow that a script has no more interest in (engine:disable_reassembly sets NoPayload; the
// readers must not be called from their own handlers, so this waits for the end of the segment).
func (c *conn) drop() {
	c.dropped = true
	c.s.payload.Drop(c.stream)
	c.endReading()
}

// endReading ends what reads the payload. A body that is open is cut off here, however its end is told.
func (c *conn) endReading() {
	c.s.holders.forget(c)
	if c.http != nil {
		c.endHTTP(flow.Evicted)
	}
	if c.tls != nil {
		c.tls.End()
	}
	c.tls, c.dns = nil, nil
	if c.app == appUnknown {
		c.app = appOther
	}
}
