package packet

import "encoding/binary"

// IP protocol numbers, https://www.iana.org/assignments/protocol-numbers.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIPv4     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoAuth     = 51
	protoICMPv6   = 58
	protoNone     = 59
	protoDestOpts = 60
	protoSCTP     = 132
	protoMobility = 135
	protoMPLS     = 137
	protoHIP      = 139
	protoShim6    = 140
)

// fragmented has the bits of IPv4's flags and offset field of which one at least is set in a fragment.
const fragmented = 0x3fff

// ipv4 decodes an IPv4 header (RFC 791). The innermost IP header's addresses are the packet's.
func (w *walk) ipv4() stage {
	b := w.rest()
	if len(b) < ipv4Len {
		return w.fail(TruncatedIPv4)
	}
	head := int(b[0]&0x0f) * 4
	if b[0]>>4 != 4 || head < ipv4Len {
		return w.fail(BadIPv4Header)
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case total == 0: // left to the network card, which cuts the datagram into many (TSO)
	case total < head:
		return w.fail(BadIPv4Header)
	case !w.limit(total):
		w.note(TruncatedIPv4)
	}
	if len(w.rest()) < head {
		return w.fail(TruncatedIPv4)
	}
	t := Tuple{Proto: b[9], Version: 4, VLAN: w.p.Tuple.VLAN}
	*(*[4]byte)(t.Src[:]) = [4]byte(b[12:16])
	*(*[4]byte)(t.Dst[:]) = [4]byte(b[16:20])
	w.p.Tuple = t
	w.ip, w.next = w.off, w.off+9
	w.layer(IPv4, head)

	if place := binary.BigEndian.Uint16(b[6:]); place&fragmented != 0 {
		const more, offset = 0x2000, 0x1fff
		id := uint32(binary.BigEndian.Uint16(b[4:]))
		if !w.fragment(id, t.Proto, w.off, int(place&offset)*8, place&more != 0) {
			return stageDone
		}
	}
	return w.transport(t.Proto)
}

// transport gives the stage of an IP protocol number.
func (w *walk) transport(proto uint8) stage {
	w.p.Tuple.Proto = proto
	switch proto {
	case protoTCP:
		return stageTCP
	case protoUDP:
		return stageUDP
	case protoICMP:
		return stageICMP
	case protoICMPv6:
		return stageICMPv6
	case protoSCTP:
		return stageSCTP
	case protoIPv4:
		return stageIPv4
	case protoIPv6:
		return stageIPv6
	case protoGRE:
		return stageGRE
	case protoAuth:
		return stageAuth
	case protoMPLS:
		return stageMPLS
	case protoNone:
		return w.payload()
	default:
		return w.unknown(UnknownProtocol)
	}
}

// auth decodes an authentication header (RFC 4302), whose length is counted in words of 4 bytes, less 2.
func (w *walk) auth() stage {
	b := w.rest()
	if len(b) < 2 || len(b) < (int(b[1])+2)*4 {
		return w.fail(TruncatedExtension)
	}
	w.next = w.off
	w.layer(IPv6Ext, (int(b[1])+2)*4)
	if w.p.Tuple.Version == 6 {
		return w.nextHeader(b[0])
	}
	return w.transport(b[0])
}
