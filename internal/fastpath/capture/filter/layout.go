package filter

import "eddy/internal/fastpath/packet"

// layout says where a frame's headers stand. It changes behind vlan, mpls and pppoes in an expression, as these words
// speak of what lies around the rest.
type layout struct {
	link packet.Link
	name naming
	at   uint32 // where the field stands that names the network protocol
	net  uint32 // where the network protocol's header begins
}

// naming is how a frame says which network protocol it has.
type naming uint8

const (
	byEtherType naming = iota
	byVersion          // only by the IP header's version
	byFamily           // an address family, in either byte order
	byPPP
)

// EtherTypes and what stands for them elsewhere.
const (
	etherIPv4  = 0x0800
	etherARP   = 0x0806
	etherRARP  = 0x8035
	etherVLAN  = 0x8100
	etherIPv6  = 0x86dd
	etherMPLS  = 0x8847
	etherPPPoE = 0x8864
	etherQinQ  = 0x88a8
	etherQinQ2 = 0x9100

	pppIPv4 = 0x0021
	pppIPv6 = 0x0057
)

func layoutOf(link packet.Link) (l layout, ok bool) {
	switch link {
	case packet.LinkEthernet:
		return layout{link, byEtherType, 12, 14}, true
	case packet.LinkSLL:
		return layout{link, byEtherType, 14, 16}, true
	case packet.LinkSLL2:
		return layout{link, byEtherType, 0, 20}, true
	case packet.LinkRaw, packet.LinkRaw12, packet.LinkRaw14, packet.LinkIPv4, packet.LinkIPv6:
		return layout{link, byVersion, 0, 0}, true
	case packet.LinkNull, packet.LinkLoop:
		return layout{link, byFamily, 0, 4}, true
	case packet.LinkPPP:
		return layout{link, byPPP, 2, 4}, true
	default:
		return layout{}, false
	}
}

// field tests bytes at a fixed place of the frame.
func field(at, size uint32, k uint32) node {
	return test{base: base{net: at}, size: size, op: opJeq, k: k}
}

// is tests for a network protocol, by its EtherType.
func (l layout) is(etherType uint32) node {
	if l.name == byEtherType {
		return field(l.at, 2, etherType)
	}
	switch {
	case etherType == etherIPv4 && l.name == byVersion:
		return version(l.net, 4)
	case etherType == etherIPv6 && l.name == byVersion:
		return version(l.net, 6)
	case etherType == etherIPv4 && l.name == byFamily:
		return family(l.at, 2)
	case etherType == etherIPv6 && l.name == byFamily: // Linux, NetBSD and OpenBSD, FreeBSD, Darwin
		return some(family(l.at, 10), family(l.at, 24), family(l.at, 28), family(l.at, 30))
	case etherType == etherIPv4 && l.name == byPPP:
		return field(l.at, 2, pppIPv4)
	case etherType == etherIPv6 && l.name == byPPP:
		return field(l.at, 2, pppIPv6)
	default:
		return constant(false)
	}
}

// version tests the IP version of a header.
func version(at, n uint32) node {
	return test{base: base{net: at}, size: 1, mask: 0xf0, op: opJeq, k: n << 4}
}

// family tests an address family, in either byte order.
func family(at, n uint32) node { return some(field(at, 4, n), field(at, 4, n<<24)) }

// tagged moves the layout behind n bytes of a VLAN tag.
func (l *layout) tagged() {
	l.at, l.net = l.net+2, l.net+4
}

// labelled moves the layout behind an entry of a label stack.
func (l *layout) labelled() {
	l.name = byVersion
	l.net += 4
}

// inSession moves the layout behind a PPPoE header.
func (l *layout) inSession() {
	l.name = byPPP
	l.at, l.net = l.net+6, l.net+8
}
