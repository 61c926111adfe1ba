package traffic

import (
	"encoding/binary"
	"net/netip"
)

// IP protocol numbers.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// TCP flags.
const (
	fin = 0x01
	syn = 0x02
	psh = 0x08
	ack = 0x10
)

// endpoint is one side of a conversation.
type endpoint struct {
	mac  [6]byte
	addr netip.Addr
	port uint16
}

// framer builds frames in a buffer of its own; each frame is valid until the next is begun.
type framer struct {
	buf []byte
	ip  int    // where the IP header begins
	l4  int    // where the transport header begins
	id  uint16 // of IPv4 datagrams
}

var be = binary.BigEndian

// begin writes Ethernet and IP headers; finish fills in lengths and checksums. vlan 0 is none.
func (f *framer) begin(from, to *endpoint, vlan uint16, proto byte) {
	f.buf = append(f.buf[:0], to.mac[:]...)
	f.buf = append(f.buf, from.mac[:]...)
	if vlan != 0 {
		f.buf = be.AppendUint16(f.buf, 0x8100)
		f.buf = be.AppendUint16(f.buf, vlan)
	}
	if from.addr.Is4() {
		f.buf = be.AppendUint16(f.buf, 0x0800)
		f.ip = len(f.buf)
		f.id++
		f.buf = append(f.buf, 0x45, 0, 0, 0, byte(f.id>>8), byte(f.id), 0x40, 0, 64, proto, 0, 0)
	} else {
		f.buf = be.AppendUint16(f.buf, 0x86dd)
		f.ip = len(f.buf)
		f.buf = append(f.buf, 0x60, 0, 0, 0, 0, 0, proto, 64)
	}
	f.buf = append(f.buf, from.addr.AsSlice()...)
	f.buf = append(f.buf, to.addr.AsSlice()...)
	f.l4 = len(f.buf)
}

// finish ends a frame whose transport header has its checksum at that offset.
func (f *framer) finish(proto byte, checksumAt int) []byte {
	ip, l4 := f.buf[f.ip:], f.buf[f.l4:]
	var pseudo uint32
	if ip[0]>>4 == 4 {
		be.PutUint16(ip[2:], uint16(len(ip)))
		be.PutUint16(ip[10:], ^fold(sum(0, ip[:20])))
		pseudo = sum(0, ip[12:20])
	} else {
		be.PutUint16(ip[4:], uint16(len(l4)))
		pseudo = sum(0, ip[8:40])
	}
	pseudo += uint32(proto) + uint32(len(l4))
	if proto == protoICMP {
		pseudo = 0
	}
	c := ^fold(sum(pseudo, l4))
	if c == 0 && proto == protoUDP {
		c = 0xffff // 0 would mean none
	}
	be.PutUint16(l4[checksumAt:], c)
	for len(f.buf) < 60 { // the shortest Ethernet frame, less its check sequence
		f.buf = append(f.buf, 0)
	}
	return f.buf
}

// sum adds 16-bit words; b's odd byte is the high half of a word.
func sum(s uint32, b []byte) uint32 {
	t := uint64(s)
	for len(b) >= 8 {
		v := be.Uint64(b)
		t += v>>48 + v>>32&0xffff + v>>16&0xffff + v&0xffff
		b = b[8:]
	}
	for len(b) >= 2 {
		t += uint64(be.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		t += uint64(b[0]) << 8
	}
	for t>>32 != 0 {
		t = t&0xffffffff + t>>32
	}
	return uint32(t)
}

// fold makes a sum of one word.
func fold(s uint32) uint16 {
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

// tcp is a segment; options have a multiple of 4 bytes.
func (f *framer) tcp(from, to *endpoint, vlan uint16, seq, acked uint32, flags byte, options, payload []byte) []byte {
	f.begin(from, to, vlan, protoTCP)
	f.buf = be.AppendUint16(f.buf, from.port)
	f.buf = be.AppendUint16(f.buf, to.port)
	f.buf = be.AppendUint32(f.buf, seq)
	f.buf = be.AppendUint32(f.buf, acked)
	f.buf = append(f.buf, byte(20+len(options))<<2, flags, 0xff, 0xff, 0, 0, 0, 0) // window 65,535
	f.buf = append(f.buf, options...)
	f.buf = append(f.buf, payload...)
	return f.finish(protoTCP, 16)
}

func (f *framer) udp(from, to *endpoint, vlan uint16, payload []byte) []byte {
	f.begin(from, to, vlan, protoUDP)
	f.buf = be.AppendUint16(f.buf, from.port)
	f.buf = be.AppendUint16(f.buf, to.port)
	f.buf = be.AppendUint16(f.buf, uint16(8+len(payload)))
	f.buf = append(f.buf, 0, 0)
	f.buf = append(f.buf, payload...)
	return f.finish(protoUDP, 6)
}

// echo is an ICMP or ICMPv6 echo request or reply; the endpoint's port is its identifier.
func (f *framer) echo(from, to *endpoint, vlan uint16, reply bool, number uint16, payload []byte) []byte {
	proto, kind := byte(protoICMP), byte(8)
	if reply {
		kind = 0
	}
	if from.addr.Is6() {
		proto, kind = protoICMPv6, 128
		if reply {
			kind = 129
		}
	}
	f.begin(from, to, vlan, proto)
	f.buf = append(f.buf, kind, 0, 0, 0)
	f.buf = be.AppendUint16(f.buf, from.port)
	f.buf = be.AppendUint16(f.buf, number)
	f.buf = append(f.buf, payload...)
	return f.finish(proto, 2)
}

// arp asks who has an address.
func (f *framer) arp(from, to *endpoint) []byte {
	f.buf = append(f.buf[:0], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	f.buf = append(f.buf, from.mac[:]...)
	f.buf = append(f.buf, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1)
	f.buf = append(f.buf, from.mac[:]...)
	f.buf = append(f.buf, from.addr.AsSlice()...)
	f.buf = append(f.buf, 0, 0, 0, 0, 0, 0)
	f.buf = append(f.buf, to.addr.AsSlice()...)
	for len(f.buf) < 60 {
		f.buf = append(f.buf, 0)
	}
	return f.buf
}
