package packet

import "encoding/binary"

// Lengths of headers without options, in bytes.
const (
	ethernetLen = 14
	ipv4Len     = 20
	ipv6Len     = 40
	tcpLen      = 20
	udpLen      = 8
)

// common decodes what nearly every frame is: Ethernet, IPv4 without options or IPv6 without extension headers, and TCP
// or UDP, all captured and with lengths that agree. It gives the same result as walk, only faster; of any other frame
// it says false, and walk must start from the beginning.
func (d *Decoder) common(p *Packet) bool {
	data := p.Data
	if p.Link != LinkEthernet || len(data) < ethernetLen+ipv4Len+udpLen {
		return false
	}
	var vlan uint32
	if p.Frame.VLAN != 0 {
		vlan = p.Frame.VLAN & vlanID
	}
	switch binary.BigEndian.Uint16(data[12:]) {
	case etherIPv4:
		const at = ethernetLen + ipv4Len
		end := ethernetLen + int(binary.BigEndian.Uint16(data[16:]))
		if data[14] != 0x45 || binary.BigEndian.Uint16(data[20:])&fragmented != 0 || end < at || end > len(data) {
			return false
		}
		t := Tuple{Proto: data[23], Version: 4, VLAN: vlan}
		*(*[4]byte)(t.Src[:]) = [4]byte(data[26:30])
		*(*[4]byte)(t.Dst[:]) = [4]byte(data[30:34])
		p.Tuple = t
		p.Layers[1] = Layer{Proto: IPv4, Off: ethernetLen, Len: ipv4Len}
		return commonTransport(p, data[:end], at)
	case etherIPv6:
		const at = ethernetLen + ipv6Len
		end := at + int(binary.BigEndian.Uint16(data[18:]))
		if data[14]>>4 != 6 || end == at || end > len(data) {
			return false
		}
		p.Tuple = Tuple{
			Src: [16]byte(data[22:38]), Dst: [16]byte(data[38:54]),
			Proto: data[20], Version: 6, VLAN: vlan,
		}
		p.Layers[1] = Layer{Proto: IPv6, Off: ethernetLen, Len: ipv6Len}
		return commonTransport(p, data[:end], at)
	}
	return false
}

// commonTransport ends common's work: data ends with the datagram, and the transport header begins at byte at.
func commonTransport(p *Packet, data []byte, at int) bool {
	b := data[at:]
	var head int
	switch p.Tuple.Proto {
	case protoTCP:
		if len(b) < tcpLen {
			return false
		}
		head = int(b[12]>>4) * 4
		if head < tcpLen || head > len(b) {
			return false
		}
		p.Seq = binary.BigEndian.Uint32(b[4:])
		p.Ack = binary.BigEndian.Uint32(b[8:])
		p.Flags = b[13]
		p.Window = binary.BigEndian.Uint16(b[14:])
		p.Layers[2] = Layer{Proto: TCP, Off: uint32(at), Len: uint32(head)}
	case protoUDP:
		if len(b) < udpLen || int(binary.BigEndian.Uint16(b[4:])) != len(b) {
			return false
		}
		head = udpLen
		p.Seq, p.Ack, p.Flags, p.Window = 0, 0, 0, 0
		p.Layers[2] = Layer{Proto: UDP, Off: uint32(at), Len: udpLen}
	default:
		return false
	}
	p.SrcPort = binary.BigEndian.Uint16(b)
	p.DstPort = binary.BigEndian.Uint16(b[2:])
	p.Layers[0] = Layer{Proto: Ethernet, Len: ethernetLen}
	p.NLayers = 3
	p.PayloadOff = uint32(at + head)
	p.PayloadLen = uint32(len(b) - head)
	p.PayloadCut = 0
	p.Fragment, p.Defragged, p.Problem = false, false, None
	if p.PayloadLen > 0 {
		p.Layers[3] = Layer{Proto: Payload, Off: p.PayloadOff, Len: p.PayloadLen}
		p.NLayers = 4
	}
	return true
}
