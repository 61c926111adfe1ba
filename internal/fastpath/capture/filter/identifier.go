package filter

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// identifier reads an address, a port or a number, and gives what the qualifiers before it make of it.
func (p *parser) identifier(q qualifiers) node {
	t := p.peek()
	switch q.kind {
	case "port":
		n := p.port(&q)
		return p.ports(q, t, n, n)
	case "portrange":
		return p.portRange(q)
	case "proto":
		return p.proto(q)
	case "net":
		return p.network(q)
	default:
		return p.host(q)
	}
}

// host reads an address.
func (p *parser) host(q qualifiers) node {
	t := p.take()
	if q.proto == "ether" || q.proto == "link" {
		mac, err := net.ParseMAC(t.text)
		if err != nil || len(mac) != 6 {
			p.fail(t, "expected an address such as 00:53:00:12:ab:cd")
		}
		return p.mac(t, q.dir, [6]byte(mac))
	}
	if q.kind == "" && p.ahead(0, "/") {
		p.next--
		return p.network(q)
	}
	addr, err := netip.ParseAddr(t.text)
	if t.kind == word || t.kind == escaped {
		p.fail(t, "expected an address: names are not looked up")
	}
	if err != nil || addr.Zone() != "" {
		p.fail(t, "expected an IPv4 or IPv6 address")
	}
	return p.address(q, t, addr.AsSlice(), nil)
}

// network reads an address with a prefix length or a mask, or the beginning of an IPv4 address.
func (p *parser) network(q qualifiers) node {
	t := p.take()
	addr, bits := p.prefix(t)
	mask := net.CIDRMask(bits, len(addr)*8)
	switch {
	case p.accept("/"):
		n := int(p.value("a prefix length", uint64(len(addr)*8)))
		mask = net.CIDRMask(n, len(addr)*8)
	case len(addr) == 4 && p.accept("mask"):
		m := p.take()
		given, err := netip.ParseAddr(m.text)
		if err != nil || !given.Is4() {
			p.fail(m, "expected a mask such as 255.255.255.0")
		}
		mask = given.AsSlice()
	}
	for i := range addr {
		if addr[i]&^mask[i] != 0 {
			p.fail(t, "the address has bits beyond the network's mask")
		}
	}
	return p.address(q, t, addr, mask)
}

// prefix reads the address of a network; an IPv4 address may be cut after any number, and has as many bits.
func (p *parser) prefix(t token) (addr []byte, bits int) {
	if full, err := netip.ParseAddr(t.text); err == nil && full.Zone() == "" {
		return full.AsSlice(), full.BitLen()
	}
	parts := strings.Split(t.text, ".")
	addr = make([]byte, 4)
	if len(parts) > 4 {
		p.fail(t, "expected a network such as 10.0.0.0/8")
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			p.fail(t, "expected a network such as 10.0.0.0/8")
		}
		addr[i] = byte(n)
	}
	return addr, len(parts) * 8
}

// address tests addresses of IPv4 (with those that ARP speaks of) or IPv6; a nil mask means all bits.
func (p *parser) address(q qualifiers, t token, addr, mask []byte) node {
	at := func(proto node, source, dest uint32) node {
		return all(proto, p.lay.either(q.dir, func(off uint32) node { return match(off, addr, mask) }, source, dest))
	}
	v4 := len(addr) == 4
	switch q.proto {
	case "":
		if !v4 {
			return at(p.lay.is(etherIPv6), 8, 24)
		}
		return some(at(p.lay.is(etherIPv4), 12, 16), at(p.lay.is(etherARP), 14, 24), at(p.lay.is(etherRARP), 14, 24))
	case "ip6":
		if v4 {
			p.fail(t, "ip6 needs an IPv6 address")
		}
		return at(p.lay.is(etherIPv6), 8, 24)
	}
	if !v4 {
		p.fail(t, fmt.Sprintf("%s does not go with an IPv6 address", q.proto))
	}
	switch q.proto {
	case "ip":
		return at(p.lay.is(etherIPv4), 12, 16)
	case "arp":
		return at(p.lay.is(etherARP), 14, 24)
	case "rarp":
		return at(p.lay.is(etherRARP), 14, 24)
	}
	p.fail(t, fmt.Sprintf("%s does not go with an address: write \"%s and host ...\"", q.proto, q.proto))
	return nil
}

// match tests bytes at an offset of the frame, word by word.
func match(off uint32, addr, mask []byte) node {
	tree := node(constant(true))
	for i := 0; i < len(addr); i += 4 {
		t := test{base: base{net: off}, off: uint32(i), size: 4, op: opJeq, k: binary.BigEndian.Uint32(addr[i:])}
		if mask != nil {
			m := binary.BigEndian.Uint32(mask[i:])
			if m == 0 {
				continue
			}
			if m != 1<<32-1 {
				t.mask = m
			}
		}
		tree = all(tree, t)
	}
	return tree
}

// either makes a test of the source, the destination, one or both of them, at offsets within the network header.
func (l layout) either(d direction, one func(off uint32) node, source, dest uint32) node {
	switch d {
	case src:
		return one(l.net + source)
	case dst:
		return one(l.net + dest)
	case srcAndDst:
		return all(one(l.net+source), one(l.net+dest))
	default:
		return some(one(l.net+source), one(l.net+dest))
	}
}

func (p *parser) needEthernet(t token) {
	if l, _ := layoutOf(p.lay.link); l.at != 12 {
		p.fail(t, "only Ethernet has such addresses")
	}
}

// mac tests Ethernet addresses.
func (p *parser) mac(t token, d direction, addr [6]byte) node {
	p.needEthernet(t)
	one := func(off uint32) node {
		return all(field(off+2, 4, binary.BigEndian.Uint32(addr[2:])), field(off, 2, uint32(binary.BigEndian.Uint16(addr[:]))))
	}
	return layout{}.either(d, one, 6, 0)
}

// port reads a port's number or its service's name. A name that only TCP or only UDP knows sets the protocol, if none
// was said.
func (p *parser) port(q *qualifiers) uint32 {
	t := p.peek()
	switch t.kind {
	case number:
		return p.value("a port", 0xffff)
	case word, escaped:
		p.take()
	default:
		p.fail(t, "expected a port")
	}
	found := map[string]uint32{}
	for _, proto := range []string{"tcp", "udp"} {
		if n, err := net.LookupPort(proto, t.text); err == nil && (q.proto == "" || q.proto == proto) {
			found[proto] = uint32(n)
		}
	}
	switch tcp, udp := found["tcp"], found["udp"]; {
	case tcp == 0 && udp == 0:
		p.fail(t, "expected a port's number or a service's name")
	case tcp == 0:
		q.proto = "udp"
		return udp
	case udp == 0:
		q.proto = "tcp"
	case tcp != udp:
		p.fail(t, "TCP and UDP have different ports of this name: put \"tcp\" or \"udp\" before")
	}
	return found["tcp"]
}

// portRange reads "FROM-TO".
func (p *parser) portRange(q qualifiers) node {
	t := p.peek()
	low := p.port(&q)
	high := low
	if p.accept("-") {
		high = p.port(&q)
	}
	return p.ports(q, t, min(low, high), max(low, high))
}

// ports tests for ports from low to high, of TCP, UDP or SCTP. Fragments but the first have none.
func (p *parser) ports(q qualifiers, t token, low, high uint32) node {
	protos := []uint32{132, 6, 17}
	switch q.proto {
	case "":
	case "tcp", "udp", "sctp":
		protos = []uint32{uint32(protoNumber(q.proto))}
	default:
		p.fail(t, fmt.Sprintf("%s has no ports", q.proto))
	}
	carries := func(at uint32) node {
		tree := node(constant(false))
		for _, n := range protos {
			tree = some(tree, field(at, 1, n))
		}
		return tree
	}
	within := func(b base) node {
		one := func(off uint32) node {
			if low == high {
				return test{base: b, off: off, size: 2, op: opJeq, k: low}
			}
			return all(test{base: b, off: off, size: 2, op: opJge, k: low},
				notNode{test{base: b, off: off, size: 2, op: opJgt, k: high}})
		}
		return layout{}.either(q.dir, one, 0, 2)
	}
	v4 := all(p.lay.is(etherIPv4), carries(p.lay.net+9), p.unfragmented(), within(base{hop: true, net: p.lay.net}))
	v6 := all(p.lay.is(etherIPv6), carries(p.lay.net+6), within(base{net: p.lay.net + 40}))
	return some(v4, v6)
}

// unfragmented is true of IPv4 datagrams and their first fragments.
func (p *parser) unfragmented() node {
	return notNode{test{base: base{net: p.lay.net}, off: 6, size: 2, op: opJset, k: 0x1fff}}
}

// proto reads a protocol's number or name behind "proto".
func (p *parser) proto(q qualifiers) node {
	if q.dir != srcOrDst {
		p.fail(p.peek(), "src and dst don't go with proto")
	}
	if q.proto == "ether" || q.proto == "link" {
		return p.etherProto()
	}
	n := p.ipProtocol()
	switch q.proto {
	case "":
		return some(p.ipProto(n), p.ip6Proto(n))
	case "ip":
		return p.ipProto(n)
	case "ip6":
		return p.ip6Proto(n)
	}
	p.fail(p.peek(), fmt.Sprintf("%s carries no protocol", q.proto))
	return nil
}

// ipProtocol reads an IP protocol's number or name.
func (p *parser) ipProtocol() uint32 {
	t := p.peek()
	if t.kind == number {
		return p.value("a protocol", 255)
	}
	p.take()
	n := protoNumber(t.text)
	if n < 0 || t.kind != word && t.kind != escaped {
		p.fail(t, "expected an IP protocol's number or name")
	}
	return uint32(n)
}

// etherProto reads an EtherType.
func (p *parser) etherProto() node {
	t := p.peek()
	if t.kind == number {
		n := p.value("an EtherType", 0xffff)
		if n < 0x0600 {
			p.fail(t, "EtherTypes begin at 0x600")
		}
		return p.lay.is(n)
	}
	p.take()
	types := map[string]uint32{"ip": etherIPv4, "ip6": etherIPv6, "arp": etherARP, "rarp": etherRARP}
	n, ok := types[t.text]
	if !ok {
		p.fail(t, "expected an EtherType's number, ip, ip6, arp or rarp")
	}
	return p.lay.is(n)
}
