package packet

import "encoding/binary"

// link says where to begin, by the frame's link type.
func (w *walk) link() stage {
	switch w.p.Link {
	case LinkEthernet:
		return stageEthernet
	case LinkRaw, LinkRaw12, LinkRaw14, LinkIPv4, LinkIPv6:
		return w.version()
	case LinkNull:
		return stageNull
	case LinkLoop:
		return stageLoop
	case LinkSLL:
		return stageSLL
	case LinkSLL2:
		return stageSLL2
	case LinkPPP:
		return stagePPP
	case LinkPPPoE:
		return stagePPPoE
	case LinkNFLOG:
		return stageNFLOG
	default:
		return w.unknown(UnknownLink)
	}
}

// version begins with an IP header of the version that its first byte says.
func (w *walk) version() stage {
	b := w.rest()
	if len(b) == 0 {
		return w.fail(TruncatedLink)
	}
	switch b[0] >> 4 {
	case 4:
		return stageIPv4
	case 6:
		return stageIPv6
	default:
		return w.unknown(UnknownEtherType)
	}
}

// ethernet decodes an Ethernet II or IEEE 802.3 header.
func (w *walk) ethernet() stage {
	b := w.rest()
	if len(b) < ethernetLen {
		return w.fail(TruncatedLink)
	}
	w.layer(Ethernet, ethernetLen)
	return w.typeOrLength(binary.BigEndian.Uint16(b[12:]))
}

// typeOrLength goes on behind an Ethernet header or a VLAN tag: below 0x0600 its last field is IEEE 802.3's length.
func (w *walk) typeOrLength(t uint16) stage {
	if t >= 0x0600 {
		return w.etherType(t)
	}
	if n := int(t); n <= len(w.rest())+w.cut {
		w.limit(n)
	}
	return stageLLC
}

// sll decodes a Linux cooked header, https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html.
func (w *walk) sll() stage {
	b := w.rest()
	if len(b) < 16 {
		return w.fail(TruncatedLink)
	}
	w.layer(SLL, 16)
	return w.cooked(binary.BigEndian.Uint16(b[14:]))
}

// sll2 decodes a Linux cooked header of version 2, https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html.
func (w *walk) sll2() stage {
	b := w.rest()
	if len(b) < 20 {
		return w.fail(TruncatedLink)
	}
	w.layer(SLL, 20)
	return w.cooked(binary.BigEndian.Uint16(b))
}

// cooked goes on behind a Linux cooked header; its protocol is an EtherType or one of Linux's own numbers below 0x0600.
func (w *walk) cooked(t uint16) stage {
	switch {
	case t == 4: // ETH_P_802_2
		return stageLLC
	case t < 0x0600:
		return w.unknown(UnknownEtherType)
	default:
		return w.etherType(t)
	}
}

// null decodes BSD's loopback header: a protocol family, for loop in network order, else in the capturing machine's.
func (w *walk) null(loop bool) stage {
	b := w.rest()
	if len(b) < 4 {
		return w.fail(TruncatedLink)
	}
	w.layer(Null, 4)
	family := binary.BigEndian.Uint32(b)
	if !loop && family > 0xffff {
		family = binary.LittleEndian.Uint32(b)
	}
	return w.family(family)
}

// family goes on behind a header that names an address family. IPv6's number differs from system to system: Linux,
// NetBSD and OpenBSD, FreeBSD, Darwin.
func (w *walk) family(n uint32) stage {
	switch n {
	case 2:
		return stageIPv4
	case 10, 24, 28, 30:
		return stageIPv6
	default:
		return w.unknown(UnknownEtherType)
	}
}

// nflog decodes a header of Linux's netfilter log, https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html: four bytes,
// then attributes, the packet being one of them. Attributes are in the order of the capturing machine.
func (w *walk) nflog() stage {
	b := w.rest()
	if len(b) < 4 {
		return w.fail(TruncatedLink)
	}
	off, size := nflogPacket(b, binary.LittleEndian)
	if off == 0 {
		off, size = nflogPacket(b, binary.BigEndian)
	}
	if off == 0 {
		return w.fail(TruncatedLink)
	}
	w.layer(NFLOG, off)
	w.limit(size)
	return w.family(uint32(b[0]))
}

// nflogPacket finds the packet among a NFLOG header's attributes; off is 0 where there is none.
func nflogPacket(b []byte, order binary.ByteOrder) (off, size int) {
	const payload = 9 // NFULA_PAYLOAD
	for at := 4; at+4 <= len(b); {
		n := int(order.Uint16(b[at:]))
		if n < 4 {
			return 0, 0
		}
		if order.Uint16(b[at+2:])&0x7fff == payload {
			return at + 4, n - 4
		}
		at += (n + 3) &^ 3
	}
	return 0, 0
}
