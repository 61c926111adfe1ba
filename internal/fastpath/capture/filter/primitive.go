package filter

import (
	"fmt"
	"slices"
)

// Words that begin a primitive.
var (
	protoWords = []string{"ether", "link", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6",
		"igmp", "igrp", "pim", "vrrp", "carp", "esp", "ah", "gre"}
	kindWords = []string{"host", "net", "port", "portrange", "proto"}
)

// primitive reads qualifiers and what they stand before, or one of the words that stand alone.
func (p *parser) primitive() node {
	t := p.peek()
	if t.kind == word {
		switch t.text {
		case "less":
			p.take()
			return &comparison{op: opJgt, left: frameLen{}, right: literal(p.value("a length", 1<<32-1)), negate: true}
		case "greater":
			p.take()
			return &comparison{op: opJge, left: frameLen{}, right: literal(p.value("a length", 1<<32-1))}
		case "broadcast", "multicast":
			p.take()
			return p.many("ether", t)
		case "vlan":
			p.take()
			return p.vlan()
		case "mpls":
			p.take()
			return p.mpls()
		case "pppoes":
			p.take()
			return p.pppoes()
		case "gateway", "protochain", "inbound", "outbound", "ifname", "type", "subtype", "dir", "wlan", "fddi", "tr":
			p.fail(t, "this word is not supported")
		}
	}
	return p.qualified()
}

// qualified reads a primitive of the form [proto] [src|dst] [host|net|port|portrange|proto] ID.
func (p *parser) qualified() node {
	first := p.peek()
	q, said := p.qualifiers()
	if !said {
		if !p.isIdentifier() && p.last.kind == "" {
			p.fail(first, "expected a protocol, host, net, port or another condition")
		}
		return p.identifier(p.last)
	}
	t := p.peek()
	switch {
	case q.proto != "" && q.kind == "" && q.dir == srcOrDst && p.accept("broadcast", "multicast"):
		return p.many(q.proto, t)
	case q.proto != "" && q.kind == "" && q.dir == srcOrDst && !p.isIdentifier():
		p.last = qualifiers{}
		return p.protocol(q.proto, first)
	case p.ahead(0, "("): // "port (80 or 443)"
		p.last = q
		p.take()
		tree := p.expression()
		p.expect(")")
		return tree
	}
	p.last = q
	return p.identifier(q)
}

// isIdentifier tells whether the next token can stand behind qualifiers.
func (p *parser) isIdentifier() bool {
	t := p.peek()
	switch t.kind {
	case number, dotted, coloned, escaped:
		return true
	default:
		return t.kind == operator && t.text == "("
	}
}

// qualifiers reads what stands before an identifier; said is false when there is nothing.
func (p *parser) qualifiers() (q qualifiers, said bool) {
	start := p.next
	if t := p.peek(); t.kind == word && slices.Contains(protoWords, t.text) {
		q.proto = p.take().text
	}
	switch {
	case p.accept("src"):
		q.dir = src
	case p.accept("dst"):
		q.dir = dst
	}
	if q.dir != srcOrDst {
		other := map[direction]string{src: "dst", dst: "src"}[q.dir]
		if p.ahead(1, other) {
			switch {
			case p.accept("or", "||"):
				p.take()
				q.dir = srcOrDst
			case p.accept("and", "&&"):
				p.take()
				q.dir = srcAndDst
			}
		}
	}
	if t := p.peek(); t.kind == word && slices.Contains(kindWords, t.text) {
		q.kind = p.take().text
	}
	return q, p.next > start
}

// protocol is a protocol's name alone.
func (p *parser) protocol(name string, t token) node {
	switch name {
	case "ether", "link":
		return constant(true)
	case "ip":
		return p.lay.is(etherIPv4)
	case "ip6":
		return p.lay.is(etherIPv6)
	case "arp":
		return p.lay.is(etherARP)
	case "rarp":
		return p.lay.is(etherRARP)
	}
	n := protoNumber(name)
	if n < 0 {
		p.fail(t, "this protocol can't stand alone")
	}
	switch name {
	case "icmp", "igmp", "igrp":
		return p.ipProto(uint32(n))
	case "icmp6":
		return p.ip6Proto(uint32(n))
	default:
		return some(p.ipProto(uint32(n)), p.ip6Proto(uint32(n)))
	}
}

// protoNumber gives the IP protocol number of a name, or -1.
func protoNumber(name string) int {
	switch name {
	case "icmp":
		return 1
	case "igmp":
		return 2
	case "tcp":
		return 6
	case "igrp":
		return 9
	case "udp":
		return 17
	case "gre":
		return 47
	case "esp":
		return 50
	case "ah":
		return 51
	case "icmp6", "ipv6-icmp":
		return 58
	case "ospf":
		return 89
	case "pim":
		return 103
	case "vrrp", "carp":
		return 112
	case "sctp":
		return 132
	default:
		return -1
	}
}

// ipProto tests IPv4's protocol field.
func (p *parser) ipProto(n uint32) node {
	return all(p.lay.is(etherIPv4), field(p.lay.net+9, 1, n))
}

// ip6Proto tests IPv6's next-header field, and that of a fragment header behind it.
func (p *parser) ip6Proto(n uint32) node {
	const fragment = 44
	next := p.lay.net + 6
	return all(p.lay.is(etherIPv6), some(field(next, 1, n), all(field(next, 1, fragment), field(p.lay.net+40, 1, n))))
}

// many is broadcast and multicast.
func (p *parser) many(proto string, t token) node {
	broadcast := t.text == "broadcast"
	switch {
	case (proto == "ether" || proto == "link") && broadcast:
		return p.mac(t, dst, [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	case proto == "ether" || proto == "link":
		p.needEthernet(t)
		return test{size: 1, op: opJset, k: 1}
	case proto == "ip" && !broadcast:
		return all(p.lay.is(etherIPv4), test{base: base{net: p.lay.net}, off: 16, size: 1, op: opJge, k: 224})
	case proto == "ip6" && !broadcast:
		return all(p.lay.is(etherIPv6), field(p.lay.net+24, 1, 0xff))
	case proto == "ip":
		p.fail(t, "needs the network's mask: write \"ether broadcast\" or \"dst host\" with the address")
	}
	p.fail(t, fmt.Sprintf("%s has none", proto))
	return nil
}

// vlan is a VLAN tag, with a number or any.
func (p *parser) vlan() node {
	t := p.peek()
	id := int64(-1)
	if t.kind == number {
		id = int64(p.value("a VLAN's number", 4095))
	}
	if p.vlans++; p.vlans == 1 && p.live {
		tag := node(test{off: ancillaryVLANThere, size: 1, op: opJeq, k: 1})
		if id >= 0 {
			tag = all(tag, test{off: ancillaryVLAN, size: 1, mask: 0x0fff, op: opJeq, k: uint32(id)})
		}
		return tag
	}
	if p.lay.name != byEtherType {
		p.fail(t, "no VLAN tag can stand there")
	}
	tag := some(p.lay.is(etherVLAN), p.lay.is(etherQinQ), p.lay.is(etherQinQ2))
	if id >= 0 {
		tag = all(tag, test{base: base{net: p.lay.net}, size: 2, mask: 0x0fff, op: opJeq, k: uint32(id)})
	}
	p.lay.tagged()
	return tag
}

// mpls is an MPLS label, with a number or any. A second one is the next entry of the stack.
func (p *parser) mpls() node {
	const bottom = 1 << 8
	var stack node
	switch p.lay.name {
	case byEtherType:
		stack = p.lay.is(etherMPLS)
	case byVersion: // the entry before must not be the last
		if p.lay.net < 4 {
			p.fail(p.peek(), "no label can stand there")
		}
		stack = notNode{test{base: base{net: p.lay.net - 4}, size: 4, op: opJset, k: bottom}}
	default:
		p.fail(p.peek(), "no label can stand there")
	}
	if p.peek().kind == number {
		label := p.value("a label", 1<<20-1)
		stack = all(stack, test{base: base{net: p.lay.net}, size: 4, mask: 0xfffff000, op: opJeq, k: label << 12})
	}
	p.lay.labelled()
	return stack
}

// pppoes is a PPPoE session, with a number or any.
func (p *parser) pppoes() node {
	if p.lay.name != byEtherType {
		p.fail(p.peek(), "no PPPoE session can stand there")
	}
	session := p.lay.is(etherPPPoE)
	if p.peek().kind == number {
		session = all(session, field(p.lay.net+2, 2, p.value("a session's number", 0xffff)))
	}
	p.lay.inSession()
	return session
}
