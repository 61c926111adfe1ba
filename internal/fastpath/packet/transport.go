package packet

import "encoding/binary"

// ports takes the ports, which stand at the same place in TCP, UDP and SCTP. They are taken from a truncated header
// too, so that its packet still belongs to its flow.
func (w *walk) ports() {
	if b := w.rest(); len(b) >= 4 {
		w.p.SrcPort = binary.BigEndian.Uint16(b)
		w.p.DstPort = binary.BigEndian.Uint16(b[2:])
	}
}

// tcp decodes a TCP header (RFC 9293).
func (w *walk) tcp() stage {
	w.ports()
	b := w.rest()
	if len(b) < tcpLen {
		return w.fail(TruncatedTCP)
	}
	head := int(b[12]>>4) * 4
	if head < tcpLen {
		return w.fail(BadTCPHeader)
	}
	if head > len(b)+w.cut {
		return w.fail(BadTCPHeader)
	}
	p := w.p
	p.Seq = binary.BigEndian.Uint32(b[4:])
	p.Ack = binary.BigEndian.Uint32(b[8:])
	p.Flags = b[13]
	p.Window = binary.BigEndian.Uint16(b[14:])
	if head > len(b) { // options that were not captured: how much payload was, is known still
		p.PayloadCut = uint32(len(b) + w.cut - head)
		return w.fail(TruncatedTCP)
	}
	w.layer(TCP, head)
	return w.payload()
}

// udp decodes a UDP header (RFC 768). A length of 0 is a jumbogram's (RFC 2675) or left to the network card.
func (w *walk) udp() stage {
	w.ports()
	b := w.rest()
	if len(b) < udpLen {
		return w.fail(TruncatedUDP)
	}
	switch n := int(binary.BigEndian.Uint16(b[4:])); {
	case n == 0:
	case n < udpLen:
		w.note(BadUDPLength)
	case !w.limit(n):
		w.note(BadUDPLength)
	}
	w.layer(UDP, udpLen)
	return w.payload()
}

// icmp decodes a header of ICMP or ICMPv6 with head bytes. The datagram that an error quotes is payload.
func (w *walk) icmp(proto Proto, head int) stage {
	if len(w.rest()) < head {
		return w.fail(TruncatedICMP)
	}
	w.layer(proto, head)
	return w.payload()
}

// sctp decodes SCTP's common header (RFC 9260 §3.1); the chunks are payload.
func (w *walk) sctp() stage {
	w.ports()
	if len(w.rest()) < 12 {
		return w.fail(TruncatedSCTP)
	}
	w.layer(SCTP, 12)
	return w.payload()
}
