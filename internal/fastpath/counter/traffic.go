package counter

import (
	"net/netip"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// Traffic feeds the built-in groups of one engine: hosts, applications, protocols, VLANs and totals. It belongs to the
// engine's goroutine, and allocates nothing per packet. What a packet costs is bare additions; hosts and applications
// are counted once a tick, from what their flows have come to have since the last.
//
//	for each packet:  Packet(p); Touch(f, mark) if it has a flow
//	as a flow ends:   End(f, mark, why)
//	as a tick ends:   Tick(), before what the Local has counted is handed over
type Traffic struct {
	local   *Local
	home    []netip.Prefix
	groups  trafficGroups
	touched []touched
	link    linkCounts
	network [256]networkCount // by IP protocol
	totals  [numKeys]totalCount
	active  float64 // sessions begun less sessions ended in this tick
	key     [40]byte
}

type trafficGroups struct{ hosts, hosts6, apps, aggregates, network, vlan *Group }

// Mark is what has been counted of a flow. Its zero value belongs to a new flow; it lives as long as the flow, beside
// it.
type Mark struct {
	count [2]flow.Count
	state flow.State
	begun bool
	dir   uint8  // the key of Aggregates that the flow belongs to
	at    uint32 // 1 + place in Traffic.touched; 0: not there
}

type touched struct {
	flow *flow.Flow
	mark *Mark
}

type networkCount struct{ bytes, packets, active, flows float64 }

type totalCount struct{ bytes, packets float64 }

// The keys of Aggregates.
const (
	keyTotal = iota
	keyIncoming
	keyOutgoing
	keyInternal
	keyTransit
	numKeys
)

var aggregateKeys = [numKeys]string{"TOTALBW", "DIR_INCOMING", "DIR_OUTGOING", "DIR_INTERNAL", "DIR_TRANSIT"}

// The meters of Aggregates, Apps and NetworkLayerStats.
const (
	aggregateBytes     = 0
	aggregatePackets   = 1
	aggregateSessions  = 2
	aggregateBroadcast = 3
	aggregateMulticast = 4
	aggregateUnicast   = 5

	appBytes       = 0
	appIntoHome    = 2
	appOutOfHome   = 3
	appConnections = 4

	networkBytes   = 0
	networkPackets = 1
	networkActive  = 2
	networkFlows   = 3
)

// NewTraffic gives a feeder that counts into l. home are the home networks; nil: DefaultHome.
func NewTraffic(r *Registry, l *Local, home []netip.Prefix) *Traffic {
	if home == nil {
		home = DefaultHome()
	}
	t := &Traffic{
		local: l,
		home:  home,
		groups: trafficGroups{
			hosts:      r.ByGUID(Hosts),
			hosts6:     r.ByGUID(HostsIPv6),
			apps:       r.ByGUID(Apps),
			aggregates: r.ByGUID(Aggregates),
			network:    r.ByGUID(NetworkLayerStats),
			vlan:       r.ByGUID(VLANStats),
		},
	}
	t.link.init(r)
	return t
}

// DefaultHome gives the networks of RFC 1918 and the unique local ones of RFC 4193.
func DefaultHome() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("fc00::/7"),
	}
}

// Packet counts a packet by itself.
func (t *Traffic) Packet(p *packet.Packet) {
	total := &t.totals[keyTotal]
	total.bytes += float64(p.Wire)
	total.packets++
	t.link.packet(t.local, p)
}

// Touch takes note that a flow has got a packet.
func (t *Traffic) Touch(f *flow.Flow, m *Mark) {
	if m.at == 0 {
		t.touched = append(t.touched, touched{f, m})
		m.at = uint32(len(t.touched))
	}
}

// End counts what is left of a flow. The flow and its mark are not looked at again.
func (t *Traffic) End(f *flow.Flow, m *Mark, why flow.End) {
	if m.at != 0 {
		last := len(t.touched) - 1
		t.touched[m.at-1] = t.touched[last]
		t.touched[m.at-1].mark.at = m.at
		t.touched[last] = touched{}
		t.touched = t.touched[:last]
		m.at = 0
	}
	t.flow(f, m)
	if why != flow.Finish { // the capture ended, not the session
		t.active--
		t.network[f.Key.Proto].active--
	}
}

// Tick moves everything into the Local.
func (t *Traffic) Tick() {
	for i, touched := range t.touched {
		touched.mark.at = 0
		t.flow(touched.flow, touched.mark)
		t.touched[i].flow, t.touched[i].mark = nil, nil
	}
	t.touched = t.touched[:0]
	t.link.tick(t.local)
	t.tickNetwork()
	t.tickTotals()
}

// flow counts what a flow has come to have since its mark.
func (t *Traffic) flow(f *flow.Flow, m *Mark) {
	sent := sub(f.Count[flow.ToServer], m.count[flow.ToServer])
	received := sub(f.Count[flow.ToClient], m.count[flow.ToClient])
	news := f.State &^ m.state
	isNew := !m.begun
	if isNew {
		m.begun = true
		m.dir = t.direction(&f.Key)
		t.active++
	}
	m.count, m.state = f.Count, f.State

	bytes, packets := float64(sent.Bytes+received.Bytes), float64(sent.Packets+received.Packets)
	t.count(m.dir, bytes, packets)
	network := &t.network[f.Key.Proto]
	network.bytes += bytes
	network.packets += packets
	if isNew {
		network.flows++
		network.active++
	}
	if f.Key.VLAN != 0 {
		t.local.Add(t.groups.vlan, appendVLAN(t.key[:0], f.Key.VLAN), 0, bytes)
	}
	if f.Key.Version == 0 {
		return
	}
	t.host(f, &f.Key.Src, sent, received, isNew, news, true)
	t.host(f, &f.Key.Dst, received, sent, isNew, news, false)
	t.app(f, m, sent, received, isNew)
}

// host counts for one end of a flow.
func (t *Traffic) host(f *flow.Flow, addr *[16]byte, sent, received flow.Count, isNew bool, news flow.State, client bool) {
	g := t.groups.hosts
	if f.Key.Version == 6 {
		g = t.groups.hosts6
	}
	cells := t.local.Cells(g, flow.AppendKeyIP(t.key[:0], *addr, f.Key.Version))
	g.Sample(cells, hostTotal, float64(sent.Bytes+received.Bytes))
	g.Sample(cells, hostReceived, float64(received.Bytes))
	g.Sample(cells, hostTransmit, float64(sent.Bytes))
	g.Sample(cells, hostPackets, float64(sent.Packets+received.Packets))
	if isNew {
		g.Sample(cells, hostFlowCount, 1)
		if f.Key.Proto == protoTCP {
			g.Sample(cells, hostConns, 1)
		}
	}
	switch {
	case client && news&flow.SeenSYN != 0:
		g.Sample(cells, hostSYNSent, 1)
	case !client && news&flow.SeenSYN != 0:
		g.Sample(cells, hostSYNRecv, 1)
	}
	if !client && news&flow.SeenSYNACK != 0 {
		g.Sample(cells, hostSYNACK, 1)
	}
}

// app counts for the server's port.
func (t *Traffic) app(f *flow.Flow, m *Mark, sent, received flow.Count, isNew bool) {
	switch f.Key.Proto {
	case protoTCP, protoUDP, protoSCTP:
	default:
		return
	}
	g := t.groups.apps
	cells := t.local.Cells(g, appendPort(t.key[:0], f.Key.DstPort))
	g.Sample(cells, appBytes, float64(sent.Bytes+received.Bytes))
	if isNew {
		g.Sample(cells, appConnections, 1)
	}
	switch m.dir {
	case keyIncoming: // the server is at home
		g.Sample(cells, appIntoHome, float64(sent.Bytes))
		g.Sample(cells, appOutOfHome, float64(received.Bytes))
	case keyOutgoing:
		g.Sample(cells, appIntoHome, float64(received.Bytes))
		g.Sample(cells, appOutOfHome, float64(sent.Bytes))
	}
}

// IP protocol numbers.
const (
	protoTCP  = 6
	protoUDP  = 17
	protoSCTP = 132
)

// direction tells by the home networks which way a flow was opened.
func (t *Traffic) direction(k *flow.Key) uint8 {
	src, dst := t.isHome(&k.Src, k.Version), t.isHome(&k.Dst, k.Version)
	switch {
	case src && dst:
		return keyInternal
	case src:
		return keyOutgoing
	case dst:
		return keyIncoming
	}
	return keyTransit
}

func (t *Traffic) isHome(addr *[16]byte, version uint8) bool {
	ip := netip.AddrFrom16(*addr)
	if version == 4 {
		ip = netip.AddrFrom4([4]byte(addr[:4]))
	}
	for _, p := range t.home {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

func (t *Traffic) count(key uint8, bytes, packets float64) {
	t.totals[key].bytes += bytes
	t.totals[key].packets += packets
}

func (t *Traffic) tickTotals() {
	g := t.groups.aggregates
	for i := range t.totals {
		if c := &t.totals[i]; c.packets > 0 || i == keyTotal && t.active != 0 {
			cells := t.local.Cells(g, append(t.key[:0], aggregateKeys[i]...))
			g.Sample(cells, aggregateBytes, c.bytes)
			g.Sample(cells, aggregatePackets, c.packets)
			if i == keyTotal {
				g.Sample(cells, aggregateSessions, t.active)
				t.link.casts(g, cells)
			}
			*c = totalCount{}
		}
	}
	t.active = 0
}

func (t *Traffic) tickNetwork() {
	g := t.groups.network
	for proto := range t.network {
		c := &t.network[proto]
		if *c == (networkCount{}) {
			continue
		}
		cells := t.local.Cells(g, append(t.key[:0], digits[proto>>4], digits[proto&15]))
		g.Sample(cells, networkBytes, c.bytes)
		g.Sample(cells, networkPackets, c.packets)
		g.Sample(cells, networkActive, c.active)
		g.Sample(cells, networkFlows, c.flows)
		*c = networkCount{}
	}
}

func sub(a, b flow.Count) flow.Count {
	return flow.Count{Packets: a.Packets - b.Packets, Bytes: a.Bytes - b.Bytes, Payload: a.Payload - b.Payload}
}
