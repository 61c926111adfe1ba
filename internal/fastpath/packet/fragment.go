package packet

import "encoding/binary"

// maxDatagram is what the length fields of IPv4 and IPv6 can say.
const maxDatagram = 65535

// fragment takes a fragment: id is its identification, proto (IPv4 only, else 0) what tells datagrams with the same
// identification apart, prefix how many bytes of headers come before what was fragmented, off where its bytes stand in
// the datagram, and more whether others follow. The walk stands at the fragment's bytes.
//
// It is true when the datagram is complete: the walk then stands in it, behind the headers, in bytes of the
// assembly. Else the walk has come to its end.
func (w *walk) fragment(id uint32, proto uint8, prefix, off int, more bool) bool {
	p := w.p
	w.d.frags.expire(p.Time, &w.d.problems)
	if g := w.take(id, proto, prefix, off, more); g != nil {
		w.whole(g)
		return true
	}
	p.Fragment = true
	w.payload()
	return false
}

// take gives a fragment to the assembly, unless something is wrong with it.
func (w *walk) take(id uint32, proto uint8, prefix, off int, more bool) *datagram {
	p, n := w.p, len(w.data)-w.off
	if n == 0 && w.cut == 0 || more && (n+w.cut)%8 != 0 || w.off-w.ip+off+n+w.cut > maxDatagram {
		w.note(badHeader(p.Tuple.Version))
		return nil
	}
	if w.cut > 0 {
		w.note(truncatedIP(p.Tuple.Version))
		return nil
	}
	key := fragKey{src: p.Src, dst: p.Dst, id: id, vlan: p.Tuple.VLAN, proto: proto, version: p.Tuple.Version}
	g := w.d.frags.datagram(key, p.Time)
	if off == 0 && !g.headed {
		g.head(w, prefix)
	}
	fit := g.add(off, w.rest(), more)
	switch {
	case fit == overlaps:
		w.d.frags.drop(g)
		w.note(FragmentOverlap)
	case g.complete():
		w.d.frags.drop(g)
		return g
	case !w.d.frags.account(g, &w.d.problems):
		w.note(FragmentLimit)
	}
	return nil
}

// whole goes on with a datagram that is complete.
func (w *walk) whole(g *datagram) {
	p := w.p
	data := g.assemble(w.d.frags.out[:0])
	w.d.frags.out = data
	p.Data = data
	p.Layers, p.NLayers, p.Tuple = g.layers, g.nlayers, g.tuple
	p.Problem, p.Defragged = None, true
	w.data, w.off, w.cut, w.ip, w.next = data, g.prefix, 0, g.ip, g.next
}

// assemble appends the datagram to b as one frame, with an IP header that says so. Headers of tunnels around it stay as
// they were in the first fragment's frame.
func (g *datagram) assemble(b []byte) []byte {
	b = append(b, g.bytes[g.headAt:g.headAt+g.prefix]...)
	for _, f := range g.pieces {
		b = append(b, g.bytes[f.at:f.at+f.size]...)
	}
	ip := b[g.ip:]
	if g.tuple.Version == 6 {
		binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-ipv6Len))
		b[g.next] = g.tuple.Proto
		return b
	}
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	binary.BigEndian.PutUint16(ip[6:], 0)
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], checksum(ip[:g.prefix-g.ip]))
	return b
}

// checksum is that of RFC 1071, over an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func badHeader(version uint8) Problem {
	if version == 6 {
		return BadIPv6Header
	}
	return BadIPv4Header
}

func truncatedIP(version uint8) Problem {
	if version == 6 {
		return TruncatedIPv6
	}
	return TruncatedIPv4
}
