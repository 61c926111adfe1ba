// Package traffic makes packets for tests and examples: TCP conversations and UDP datagrams over IPv4, as Ethernet frames
// with valid checksums and rising time stamps. The same calls make the same bytes.
package traffic

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// MSS is how many bytes of a stream a segment carries.
const MSS = 1460

// Frame is an Ethernet frame with its time.
type Frame struct {
	Time time.Time
	Data []byte
}

// Tape is a capture in the making.
type Tape struct {
	Frames []Frame
	Now    time.Time     // of the next frame
	Step   time.Duration // between frames
}

// Write writes the frames as a pcap file.
func (t *Tape) Write(w io.Writer) error {
	p := capture.NewWriter(w, packet.LinkEthernet, 0)
	for _, f := range t.Frames {
		frame := packet.Frame{Data: f.Data, Time: f.Time.UnixNano(), Wire: uint32(len(f.Data)), Link: packet.LinkEthernet}
		if err := p.Write(&frame, -1); err != nil {
			return err
		}
	}
	return p.Flush()
}

// Datagram sends one UDP datagram.
func (t *Tape) Datagram(from, to netip.AddrPort, payload []byte) {
	udp := make([]byte, 8, 8+len(payload))
	binary.BigEndian.PutUint16(udp[0:], from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(8+len(payload)))
	udp = append(udp, payload...)
	binary.BigEndian.PutUint16(udp[6:], checksum(udp, pseudo(from, to, protoUDP, len(udp))))
	t.add(from, to, protoUDP, udp)
}

// Conn is a TCP connection on a tape.
type Conn struct {
	tape *Tape
	ends [2]netip.AddrPort // client, server
	next [2]uint32         // sequence numbers
}

// Connect shakes hands.
func (t *Tape) Connect(client, server netip.AddrPort) *Conn {
	c := &Conn{tape: t, ends: [2]netip.AddrPort{client, server}}
	c.next[0] = binary.BigEndian.Uint32(client.Addr().AsSlice()) ^ uint32(client.Port())<<16
	c.next[1] = ^c.next[0]
	c.segment(0, flagSYN, nil)
	c.segment(1, flagSYN|flagACK, nil)
	c.segment(0, flagACK, nil)
	return c
}

// Ask sends a request and its answer.
func (c *Conn) Ask(request, answer []byte) {
	c.send(0, request)
	c.send(1, answer)
}

// Close ends the connection in both directions.
func (c *Conn) Close() {
	c.segment(0, flagFIN|flagACK, nil)
	c.segment(1, flagFIN|flagACK, nil)
	c.segment(0, flagACK, nil)
}

// send gives bytes in segments, of which the other side acknowledges every second and the last.
func (c *Conn) send(from int, data []byte) {
	for n := 1; len(data) > 0; n++ {
		part := data[:min(MSS, len(data))]
		data = data[len(part):]
		flags := byte(flagACK)
		if len(data) == 0 {
			flags |= flagPSH
		}
		c.segment(from, flags, part)
		if n%2 == 0 || len(data) == 0 {
			c.segment(1-from, flagACK, nil)
		}
	}
}

// The TCP flags used here (RFC 9293 §3.1), and protocol numbers.
const (
	flagFIN  = 0x01
	flagSYN  = 0x02
	flagPSH  = 0x08
	flagACK  = 0x10
	protoTCP = 6
	protoUDP = 17
)

func (c *Conn) segment(from int, flags byte, payload []byte) {
	src, dst := c.ends[from], c.ends[1-from]
	tcp := make([]byte, 20, 20+len(payload))
	binary.BigEndian.PutUint16(tcp[0:], src.Port())
	binary.BigEndian.PutUint16(tcp[2:], dst.Port())
	binary.BigEndian.PutUint32(tcp[4:], c.next[from])
	if flags&flagACK != 0 {
		binary.BigEndian.PutUint32(tcp[8:], c.next[1-from])
	}
	tcp[12], tcp[13] = 5<<4, flags
	binary.BigEndian.PutUint16(tcp[14:], 65535)
	tcp = append(tcp, payload...)
	binary.BigEndian.PutUint16(tcp[16:], checksum(tcp, pseudo(src, dst, protoTCP, len(tcp))))
	c.next[from] += uint32(len(payload))
	if flags&(flagSYN|flagFIN) != 0 {
		c.next[from]++
	}
	c.tape.add(src, dst, protoTCP, tcp)
}

// add puts a segment or datagram into a frame, and that on the tape.
func (t *Tape) add(from, to netip.AddrPort, proto byte, body []byte) {
	const ethernet, ip = 14, 20
	b := make([]byte, ethernet+ip, ethernet+ip+len(body))
	copy(b[0:], mac(to.Addr()))
	copy(b[6:], mac(from.Addr()))
	b[12] = 0x08 // IPv4
	h := b[ethernet:]
	h[0] = 4<<4 | ip/4
	binary.BigEndian.PutUint16(h[2:], uint16(ip+len(body)))
	binary.BigEndian.PutUint16(h[4:], uint16(len(t.Frames)))
	h[6] = 0x40 // don't fragment
	h[8], h[9] = 64, proto
	copy(h[12:], from.Addr().AsSlice())
	copy(h[16:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(h[10:], checksum(h, 0))
	t.Frames = append(t.Frames, Frame{t.Now, append(b, body...)})
	t.Now = t.Now.Add(t.Step)
}

// mac is a locally administered address made of an IPv4 address.
func mac(a netip.Addr) []byte { return append([]byte{0x02, 0}, a.AsSlice()...) }

// pseudo is the sum of the pseudo header that TCP and UDP include.
func pseudo(from, to netip.AddrPort, proto byte, length int) uint32 {
	return sum(from.Addr().AsSlice()) + sum(to.Addr().AsSlice()) + uint32(proto) + uint32(length)
}

// checksum is the Internet checksum (RFC 1071) of b, whose own field is 0, with what else counts.
func checksum(b []byte, more uint32) uint16 {
	s := more + sum(b)
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	if s == 0xffff {
		return 0xffff // zero, as UDP has to write it: there 0 means no checksum
	}
	return ^uint16(s)
}

func sum(b []byte) (s uint32) {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}
