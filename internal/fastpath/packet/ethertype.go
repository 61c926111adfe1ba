package packet

import "encoding/binary"

// EtherTypes, https://www.iana.org/assignments/ieee-802-numbers.
const (
	etherIPv4      = 0x0800
	etherARP       = 0x0806
	etherTEB       = 0x6558 // transparent Ethernet bridging: a whole Ethernet frame
	etherRARP      = 0x8035
	etherVLAN      = 0x8100
	etherIPv6      = 0x86dd
	etherPPP       = 0x880b
	etherMPLS      = 0x8847
	etherMPLSMulti = 0x8848
	etherDiscovery = 0x8863 // PPPoE
	etherSession   = 0x8864 // PPPoE
	etherQinQ      = 0x88a8
	etherERSPAN    = 0x88be // version I and II
	etherERSPAN3   = 0x22eb
	etherOldQinQ1  = 0x9100
	etherOldQinQ2  = 0x9200
)

// vlanID has the bits of a VLAN's number within tag control information.
const vlanID = 0x0fff

// etherType gives the stage of an EtherType.
func (w *walk) etherType(t uint16) stage {
	switch t {
	case etherIPv4:
		return stageIPv4
	case etherIPv6:
		return stageIPv6
	case etherVLAN, etherQinQ, etherOldQinQ1, etherOldQinQ2:
		return stageVLAN
	case etherARP, etherRARP:
		return stageARP
	case etherMPLS, etherMPLSMulti:
		return stageMPLS
	case etherSession:
		return stagePPPoE
	case etherDiscovery:
		return stagePPPoEDiscovery
	case etherTEB:
		return stageEthernet
	case etherPPP:
		return stagePPP
	default:
		return w.unknown(UnknownEtherType)
	}
}

// vlan decodes a tag of IEEE 802.1Q or 802.1ad, from behind the EtherType that announced it.
func (w *walk) vlan() stage {
	b := w.rest()
	if len(b) < 4 {
		return w.fail(TruncatedVLAN)
	}
	w.layer(VLAN, 4)
	w.p.Tuple.VLAN = (w.p.Tuple.VLAN<<12 | uint32(binary.BigEndian.Uint16(b)&vlanID)) & (1<<24 - 1)
	return w.typeOrLength(binary.BigEndian.Uint16(b[2:]))
}

// llc decodes an IEEE 802.2 header, with SNAP where it follows.
func (w *walk) llc() stage {
	const (
		sapIPv4 = 0x06
		sapSNAP = 0xaa
	)
	b := w.rest()
	if len(b) < 3 {
		return w.fail(TruncatedLink)
	}
	if b[0] == sapSNAP && b[1] == sapSNAP {
		if len(b) < 8 {
			return w.fail(TruncatedLink)
		}
		w.layer(LLC, 8)
		if b[3]|b[4]|b[5] != 0 {
			return w.payload() // a vendor's own protocol numbers
		}
		return w.etherType(binary.BigEndian.Uint16(b[6:]))
	}
	head := 4
	if b[2]&3 == 3 { // an unnumbered frame has a control field of one byte
		head = 3
	}
	if len(b) < head {
		return w.fail(TruncatedLink)
	}
	w.layer(LLC, head)
	if b[0] == sapIPv4 && b[1] == sapIPv4 {
		return stageIPv4
	}
	return w.payload()
}

// arp decodes ARP and RARP (RFC 826) as one header.
func (w *walk) arp() stage {
	b := w.rest()
	if len(b) < 8 {
		return w.fail(TruncatedARP)
	}
	n := 8 + 2*(int(b[4])+int(b[5]))
	if len(b) < n {
		return w.fail(TruncatedARP)
	}
	w.layer(ARP, n)
	w.p.PayloadOff = uint32(w.off)
	return stageDone
}

// mpls decodes a label stack (RFC 3032) as one layer. What it carries is not said: IP is told by its version, a
// pseudowire by its control word (RFC 4385), which begins with 0 and is counted to the layer.
func (w *walk) mpls() stage {
	const entry, bottom = 4, 1
	b := w.rest()
	n := 0
	for {
		if len(b) < n+entry {
			return w.fail(TruncatedMPLS)
		}
		n += entry
		if b[n-2]&bottom != 0 {
			break
		}
	}
	const controlWord = 4
	inner := stageDone
	if len(b) > n {
		switch b[n] >> 4 {
		case 4:
			inner = stageIPv4
		case 6:
			inner = stageIPv6
		case 0:
			if len(b) >= n+controlWord {
				n += controlWord
				inner = stageEthernet
			}
		}
	}
	w.layer(MPLS, n)
	if inner == stageDone {
		return w.unknown(UnknownEtherType)
	}
	return inner
}

// pppoe decodes a PPPoE header (RFC 2516).
func (w *walk) pppoe(session bool) stage {
	b := w.rest()
	if len(b) < 6 {
		return w.fail(TruncatedPPPoE)
	}
	w.layer(PPPoE, 6)
	w.limit(int(binary.BigEndian.Uint16(b[4:])))
	if !session {
		return w.payload()
	}
	return stagePPP
}

// ppp decodes PPP (RFC 1661), with HDLC's address and control fields (RFC 1662) or without.
func (w *walk) ppp() stage {
	b := w.rest()
	n := 0
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 {
		n = 2
	}
	if len(b) <= n {
		return w.fail(TruncatedLink)
	}
	proto := uint16(b[n])
	n++
	if proto&1 == 0 { // an even first byte: the number has two
		if len(b) <= n {
			return w.fail(TruncatedLink)
		}
		proto = proto<<8 | uint16(b[n])
		n++
	}
	w.layer(PPP, n)
	switch proto {
	case 0x0021:
		return stageIPv4
	case 0x0057:
		return stageIPv6
	case 0x0281, 0x0283:
		return stageMPLS
	default:
		return w.unknown(UnknownProtocol)
	}
}
