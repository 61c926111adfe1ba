// Package packet turns captured frames into packets: the layers of a frame, the addresses and ports of its innermost IP
// datagram, and its payload, as offsets into the frame. Decoding allocates nothing; a malformed frame is a Problem that
// is counted, never an error that stops anything.
package packet

// Link says what a frame begins with, by the numbers of https://www.tcpdump.org/linktypes.html.
type Link uint16

// The link types that Decode knows.
const (
	LinkNull     Link = 0
	LinkEthernet Link = 1
	LinkRaw12    Link = 12 // raw IP as some systems write it
	LinkRaw14    Link = 14
	LinkPPP      Link = 9
	LinkPPPoE    Link = 51
	LinkRaw      Link = 101
	LinkLoop     Link = 108
	LinkSLL      Link = 113
	LinkIPv4     Link = 228
	LinkIPv6     Link = 229
	LinkNFLOG    Link = 239
	LinkSLL2     Link = 276
)

// Frame is what a capture delivers.
type Frame struct {
	Data   []byte // the captured bytes; valid as long as the capture that delivers them says
	Time   int64  // nanoseconds since 1970
	Number uint64 // place in the capture, from 1
	Wire   uint32 // length on the wire in bytes, at least len(Data)
	Link   Link
	Iface  uint16 // which of the capture's interfaces
	// VLAN is the tag that the network card took off the frame and the kernel handed over beside it: 0, or the tag
	// control information with bit 16 set (so that VLAN 0 is told from none).
	VLAN uint32
}

// Proto names a layer.
type Proto uint8

// The layers.
const (
	ProtoNone Proto = iota
	Ethernet
	VLAN // 802.1Q and 802.1ad alike
	MPLS
	PPPoE
	PPP
	SLL // Linux cooked, both versions
	Null
	NFLOG
	LLC // IEEE 802.2 with or without SNAP
	ARP
	IPv4
	IPv6
	IPv6Ext // hop-by-hop, routing, fragment, destination options, authentication
	GRE
	TCP
	UDP
	ICMP
	ICMPv6
	SCTP
	Payload
	Custom // a script's protocol handler gave it: Layer.ID says which
	NumProtos
)

// Layer is a header within the frame, or the payload.
type Layer struct {
	Proto Proto
	ID    uint16 // of a Custom layer: the handler's number
	Off   uint32 // of its first byte within Packet.Data
	Len   uint32 // bytes of the header; of Payload: all of it
}

// MaxLayers bounds how deep a frame is decoded.
const MaxLayers = 16

// Tuple says between whom a packet goes. Addresses of IPv4 stand in the first 4 bytes, the rest is zero. The zero Tuple
// belongs to what is not IP.
type Tuple struct {
	Src, Dst         [16]byte
	SrcPort, DstPort uint16 // of TCP, UDP and SCTP, else 0
	Proto            uint8  // IP protocol number of the innermost transport
	Version          uint8  // 4, 6, or 0: not IP
	VLAN             uint32 // 0: none; a tag's number; of two tags outer<<12 | inner; of more, the inner two
}

// TCP header flags.
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
)

// Packet is a decoded frame. It refers to the frame's bytes and is valid as long as they are.
type Packet struct {
	Frame
	Tuple

	Flags  uint8 // TCP
	Window uint16
	Seq    uint32
	Ack    uint32

	PayloadOff uint32 // transport payload within Data; of what is not TCP, UDP, SCTP or ICMP: the rest
	PayloadLen uint32 // without padding of short frames; at most what was captured
	PayloadCut uint32 // payload bytes that the headers speak of but that were not captured

	Fragment  bool    // an IP fragment that waits for others or is lost: there are no ports, the payload is the fragment's
	Defragged bool    // Data is a datagram put together from fragments, not a frame as it came
	Problem   Problem // None, or what is wrong; layers before it are right

	NLayers uint8
	Layers  [MaxLayers]Layer // the last field: of most packets the greater part is not in use
}

// CopyTo makes another packet the same as p, but for Layers that p does not use. It refers to the same bytes.
func (p *Packet) CopyTo(to *Packet) {
	to.Frame, to.Tuple = p.Frame, p.Tuple
	to.Flags, to.Window, to.Seq, to.Ack = p.Flags, p.Window, p.Seq, p.Ack
	to.PayloadOff, to.PayloadLen, to.PayloadCut = p.PayloadOff, p.PayloadLen, p.PayloadCut
	to.Fragment, to.Defragged, to.Problem = p.Fragment, p.Defragged, p.Problem
	to.NLayers = p.NLayers
	copy(to.Layers[:], p.Layers[:min(p.NLayers, MaxLayers)])
}

// Payload gives the transport's payload, as far as it was captured.
func (p *Packet) Payload() []byte { return p.Data[p.PayloadOff : p.PayloadOff+p.PayloadLen] }

// LayerBytes gives the bytes of layer i: a header, or the payload.
func (p *Packet) LayerBytes(i int) []byte {
	l := &p.Layers[i]
	return p.Data[l.Off : l.Off+l.Len]
}

// Find gives the index of the first layer of a protocol, or -1.
func (p *Packet) Find(proto Proto) int {
	for i := range int(p.NLayers) {
		if p.Layers[i].Proto == proto {
			return i
		}
	}
	return -1
}
