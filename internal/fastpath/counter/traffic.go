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
//	for each packet:  Packet(p), or if it has a flow FlowPacket(p, f, dir, mark)
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

// Mark is what has been counted of a flow, and where. Its zero value belongs to a new flow; it lives as long as the flow,
// beside it.
type Mark struct {
	at      uint32 // 1 + place in Traffic.touched; 0: not there
	state   flow.State
	begun   bool
	dir     uint8 // the key of Aggregates that the flow belongs to
	near    near
	bytes   [2]uint64 // by flow.Dir, as packets
	packets [2]uint32 // the lower half: there are never as many new ones in a tick
	client  Slot
	server  Slot
	app     Slot
}

// news is what a flow has come to have since its mark.
type news struct {
	sent, received               float64 // bytes, by the client
	sentPackets, receivedPackets float64
	state                        flow.State
	first                        bool // it is new
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

// The meters of Aggregates, Apps, NetworkLayerStats, LinkLayerStats and Mac. All meters of the groups that Traffic feeds
// add up, so that a meter's number is also the place of its cell.
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

	linkBytes   = 0
	linkPackets = 1

	macSent     = 0
	macReceived = 1
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

// Packet counts a packet that has no flow.
func (t *Traffic) Packet(p *packet.Packet) { t.packet(p, new(near), flow.ToServer) }

func (t *Traffic) packet(p *packet.Packet, n *near, dir flow.Dir) {
	total := &t.totals[keyTotal]
	total.bytes += float64(p.Wire)
	total.packets++
	t.link.packet(t.local, p, n, dir)
}

// FlowPacket counts a packet of a flow that it has been counted in.
func (t *Traffic) FlowPacket(p *packet.Packet, f *flow.Flow, dir flow.Dir, m *Mark) {
	t.packet(p, &m.near, dir)
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
		t.flow(f, m)
	}
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
	n := m.update(f)
	if n.first {
		m.dir = t.direction(&f.Key)
		t.active++
	}
	bytes, packets := n.sent+n.received, n.sentPackets+n.receivedPackets
	t.count(m.dir, bytes, packets)
	network := &t.network[f.Key.Proto]
	network.bytes += bytes
	network.packets += packets
	if n.first {
		network.flows++
		network.active++
	}
	if f.Key.VLAN != 0 {
		t.local.Add(t.groups.vlan, appendVLAN(t.key[:0], f.Key.VLAN), 0, bytes)
	}
	if f.Key.Version == 0 {
		return
	}
	t.hosts(f, m, &n)
	t.app(f, m, &n)
}

// update brings the mark to where the flow is, and gives the difference.
func (m *Mark) update(f *flow.Flow) news {
	sent, received := &f.Count[flow.ToServer], &f.Count[flow.ToClient]
	n := news{
		sent:            float64(sent.Bytes - m.bytes[flow.ToServer]),
		received:        float64(received.Bytes - m.bytes[flow.ToClient]),
		sentPackets:     float64(uint32(sent.Packets) - m.packets[flow.ToServer]),
		receivedPackets: float64(uint32(received.Packets) - m.packets[flow.ToClient]),
		state:           f.State &^ m.state,
		first:           !m.begun,
	}
	m.bytes = [2]uint64{sent.Bytes, received.Bytes}
	m.packets = [2]uint32{uint32(sent.Packets), uint32(received.Packets)}
	m.state, m.begun = f.State, true
	return n
}

// hosts counts for both ends of a flow.
func (t *Traffic) hosts(f *flow.Flow, m *Mark, n *news) {
	cells := t.host(&m.client, &f.Key.Src, f.Key.Version)
	n.host(cells, n.received, n.sent, f.Key.Proto)
	if n.state&flow.SeenSYN != 0 {
		cells[hostSYNSent]++
	}
	cells = t.host(&m.server, &f.Key.Dst, f.Key.Version)
	n.host(cells, n.sent, n.received, f.Key.Proto)
	if n.state&flow.SeenSYN != 0 {
		cells[hostSYNRecv]++
	}
	if n.state&flow.SeenSYNACK != 0 {
		cells[hostSYNACK]++
	}
}

// host gives the cells of an address.
func (t *Traffic) host(slot *Slot, addr *[16]byte, version uint8) []float64 {
	g := t.groups.hosts
	if version == 6 {
		g = t.groups.hosts6
	}
	cells, ok := t.local.At(g, *slot)
	if !ok {
		*slot = t.local.Slot(g, flow.AppendKeyIP(t.key[:0], *addr, version))
		cells, _ = t.local.At(g, *slot)
	}
	return cells
}

// host counts for an end of a flow what is counted alike for both.
func (n *news) host(cells []float64, received, transmitted float64, proto uint8) {
	_ = cells[hostFlowCount]
	cells[hostTotal] += received + transmitted
	cells[hostReceived] += received
	cells[hostTransmit] += transmitted
	cells[hostPackets] += n.sentPackets + n.receivedPackets
	if n.first {
		cells[hostFlowCount]++
		if proto == protoTCP {
			cells[hostConns]++
		}
	}
}

// app counts for the server's port.
func (t *Traffic) app(f *flow.Flow, m *Mark, n *news) {
	switch f.Key.Proto {
	case protoTCP, protoUDP, protoSCTP:
	default:
		return
	}
	cells, ok := t.local.At(t.groups.apps, m.app)
	if !ok {
		m.app = t.local.Slot(t.groups.apps, appendPort(t.key[:0], f.Key.DstPort))
		cells, _ = t.local.At(t.groups.apps, m.app)
	}
	cells[appBytes] += n.sent + n.received
	if n.first {
		cells[appConnections]++
	}
	switch m.dir {
	case keyIncoming: // the server is at home
		cells[appIntoHome] += n.sent
		cells[appOutOfHome] += n.received
	case keyOutgoing:
		cells[appIntoHome] += n.received
		cells[appOutOfHome] += n.sent
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
			cells[aggregateBytes] += c.bytes
			cells[aggregatePackets] += c.packets
			if i == keyTotal {
				cells[aggregateSessions] += t.active
				t.link.casts(cells)
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
		cells[networkBytes] += c.bytes
		cells[networkPackets] += c.packets
		cells[networkActive] += c.active
		cells[networkFlows] += c.flows
		*c = networkCount{}
	}
}
