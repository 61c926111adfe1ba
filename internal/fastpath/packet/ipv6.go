package packet

import "encoding/binary"

// ipv6 decodes an IPv6 header (RFC 8200).
func (w *walk) ipv6() stage {
	b := w.rest()
	if len(b) < ipv6Len {
		return w.fail(TruncatedIPv6)
	}
	if b[0]>>4 != 6 {
		return w.fail(BadIPv6Header)
	}
	size, next := int(binary.BigEndian.Uint16(b[4:])), b[6]
	// No length stands there when it is left to the network card (TSO), or when it is in a jumbo payload option
	// (RFC 2675).
	if size != 0 || next == protoNone {
		if !w.limit(ipv6Len + size) {
			w.note(TruncatedIPv6)
		}
	}
	w.p.Tuple = Tuple{Src: [16]byte(b[8:24]), Dst: [16]byte(b[24:40]), Version: 6, VLAN: w.p.Tuple.VLAN}
	w.ip, w.next = w.off, w.off+6
	w.layer(IPv6, ipv6Len)
	return w.nextHeader(next)
}

// nextHeader gives the stage of a next-header field: an extension, or what the datagram carries.
func (w *walk) nextHeader(n uint8) stage {
	w.p.Tuple.Proto = n
	switch n {
	case protoHopByHop, protoRouting, protoDestOpts, protoMobility, protoHIP, protoShim6:
		return stageExtension
	case protoFragment:
		return stageFragment
	default:
		return w.transport(n)
	}
}

// extension decodes an extension header of the usual form (RFC 8200 §4.2), whose length is counted in words of 8
// bytes, less 1.
func (w *walk) extension() stage {
	b := w.rest()
	if len(b) < 8 || len(b) < (int(b[1])+1)*8 {
		return w.fail(TruncatedExtension)
	}
	w.next = w.off
	w.layer(IPv6Ext, (int(b[1])+1)*8)
	return w.nextHeader(b[0])
}

// fragmentHeader decodes a fragment header (RFC 8200 §4.5). One that stands in a whole datagram (RFC 6946) is an
// extension like any other.
func (w *walk) fragmentHeader() stage {
	b := w.rest()
	if len(b) < 8 {
		return w.fail(TruncatedExtension)
	}
	prefix := w.off
	w.layer(IPv6Ext, 8)
	place := binary.BigEndian.Uint16(b[2:])
	const more, offset = 1, 0xfff8
	if place&(more|offset) == 0 {
		w.next = prefix
		return w.nextHeader(b[0])
	}
	w.p.Tuple.Proto = b[0]
	if !w.fragment(binary.BigEndian.Uint32(b[4:]), 0, prefix, int(place&offset), place&more != 0) {
		return stageDone
	}
	return w.nextHeader(w.p.Tuple.Proto) // the first fragment's
}
