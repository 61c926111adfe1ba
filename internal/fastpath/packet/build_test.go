package packet_test

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"eddy/internal/fastpath/packet"
)

// The functions here put frames together, header by header: each gives a header and what it carries behind it.

const hello = "hello, world"

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func be16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

func be32(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func zeros(n int) []byte { return make([]byte, n) }

func ether(etherType int, inner []byte) []byte {
	return cat([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, be16(etherType), inner)
}

func vlan(id, etherType int, inner []byte) []byte { return cat(be16(5<<13|id), be16(etherType), inner) }

// fields4 are those of an IPv4 header that tests change.
type fields4 struct {
	proto   int
	src     string
	dst     string
	id      int
	off     int // in bytes
	more    bool
	options []byte
}

func (f fields4) header(inner []byte) []byte {
	place := f.off / 8
	if f.more {
		place |= 0x2000
	}
	head := 20 + len(f.options)
	src, dst := netip.MustParseAddr(f.src).As4(), netip.MustParseAddr(f.dst).As4()
	return cat([]byte{byte(0x40 | head/4), 0}, be16(head+len(inner)), be16(f.id), be16(place), []byte{64, byte(f.proto)},
		be16(0), src[:], dst[:], f.options, inner)
}

func ip4(proto int, inner []byte) []byte {
	return fields4{proto: proto, src: "10.0.0.1", dst: "10.0.0.2"}.header(inner)
}

func ip6(next int, inner []byte) []byte {
	src, dst := netip.MustParseAddr("2001:db8::1").As16(), netip.MustParseAddr("2001:db8::2").As16()
	return cat([]byte{0x60, 0, 0, 0}, be16(len(inner)), []byte{byte(next), 64}, src[:], dst[:], inner)
}

// ext is an IPv6 extension header of 8 * words bytes.
func ext(next, words int, inner []byte) []byte {
	return cat([]byte{byte(next), byte(words - 1)}, zeros(8*words-2), inner)
}

// frag6 is an IPv6 fragment header.
func frag6(next, off int, more bool, id int, inner []byte) []byte {
	if more {
		off |= 1
	}
	return cat([]byte{byte(next), 0}, be16(off), be32(id), inner)
}

func udp(inner []byte) []byte { return cat(be16(1234), be16(53), be16(8+len(inner)), be16(0), inner) }

// tcpSegment has the sequence number 7, acknowledges 9 and offers a window of 11.
func tcpSegment(options, inner []byte) []byte {
	head := 20 + len(options)
	return cat(be16(1234), be16(80), be32(7), be32(9), []byte{byte(head / 4 << 4), packet.ACK | packet.PSH}, be16(11),
		be16(0), be16(0), options, inner)
}

// frame makes a frame of captured bytes.
func frame(link packet.Link, data []byte) packet.Frame {
	return packet.Frame{Data: data, Link: link, Wire: uint32(len(data)), Time: 1e18, Number: 1}
}

// decoded decodes a frame with a decoder of its own.
func decoded(f packet.Frame) *packet.Packet {
	p := &packet.Packet{Frame: f}
	packet.NewDecoder(packet.Options{}).Decode(p)
	return p
}

// layerNames names a packet's layers.
func layerNames(p *packet.Packet) string {
	text := ""
	for i := range int(p.NLayers) {
		if i > 0 {
			text += " "
		}
		text += p.Layers[i].Proto.String()
	}
	return text
}
