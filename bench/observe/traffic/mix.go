package traffic

import (
	"math/rand/v2"
	"net/netip"
)

// Mix says what Writer.Mix makes: small packets of many conversations, TCP, UDP, DNS and ICMP, a fifth of them over IPv6, a
// tenth with a VLAN tag, and some ARP.
type Mix struct {
	Packets int
	Active  int // conversations at a time
	Seed    uint64
}

// Mixed is what was made.
type Mixed struct {
	Packets       int
	IP            int // of them IP packets
	Conversations int
}

// Mix appends small packets. Conversations that run at the end stay unfinished.
func (w *Writer) Mix(o Mix) Mixed {
	r := rand.New(rand.NewPCG(o.Seed, 2))
	var m Mixed
	active := make([]*conversation, o.Active)
	for n := range active {
		active[n] = newConversation(r, m.Conversations)
		m.Conversations++
	}
	var arp framer
	for m.Packets < o.Packets {
		gap := 500 + r.Int64N(3000)
		m.Packets++
		if r.IntN(500) == 0 {
			n := r.IntN(1000)
			w.packet(arp.arp(address(n, 1, false), address(n+1, 1, false)), gap)
			continue
		}
		n := r.IntN(len(active))
		if active[n].left == 0 {
			active[n] = newConversation(r, m.Conversations)
			m.Conversations++
		}
		w.packet(active[n].next(r), gap)
		m.IP++
	}
	return m
}

// talk is the kind of a conversation.
type talk uint8

const (
	talkTCP talk = iota
	talkUDP
	talkDNS
	talkEcho
)

// conversation sends its packets in turn from both sides.
type conversation struct {
	framer
	talk     talk
	side     [2]endpoint // the first is the client
	vlan     uint16
	seq      [2]uint32
	sent     int
	left     int // packets
	payload  [256]byte
	question []byte // of talkDNS
}

func newConversation(r *rand.Rand, n int) *conversation {
	v6 := r.IntN(5) == 0
	c := &conversation{seq: [2]uint32{r.Uint32(), r.Uint32()}}
	c.side[0] = *address(r.IntN(4000), 1, v6)
	c.side[1] = *address(r.IntN(1000), 2, v6)
	c.side[0].port = uint16(10_000 + n%50_000)
	c.side[1].port = []uint16{443, 8443, 7000, 7777, 9999}[r.IntN(5)]
	if r.IntN(10) == 0 {
		c.vlan = uint16(100 + r.IntN(4))
	}
	switch p := r.IntN(100); {
	case p < 55:
		c.talk, c.left = talkTCP, 7+r.IntN(40)
	case p < 85:
		c.talk, c.left = talkUDP, 1+r.IntN(40)
	case p < 95:
		c.talk, c.left = talkDNS, 2
		c.side[1].port = 53
		c.question = question(r)
	default:
		c.talk, c.left = talkEcho, 2*(1+r.IntN(5))
	}
	fill(c.payload[:], r)
	c.payload[0] = 0xff // what no protocol begins with
	return c
}

// address is the n-th host of a network.
func address(n int, network byte, v6 bool) *endpoint {
	e := &endpoint{mac: [6]byte{2, 0, 0, network, byte(n >> 8), byte(n)}}
	if v6 {
		e.addr = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 12: network, 14: byte(n >> 8), 15: byte(n)})
	} else {
		e.addr = netip.AddrFrom4([4]byte{10, network, byte(n >> 8), byte(n)})
	}
	return e
}

// next is the conversation's next packet.
func (c *conversation) next(r *rand.Rand) []byte {
	n := c.sent
	c.sent++
	c.left--
	from := n & 1
	payload := c.payload[:1+r.IntN(120)]
	a, b := &c.side[from], &c.side[1-from]
	switch c.talk {
	case talkUDP:
		return c.udp(a, b, c.vlan, payload)
	case talkDNS:
		return c.udp(a, b, c.vlan, message(c.question, from == 1))
	case talkEcho:
		return c.echo(&c.side[from], &c.side[1-from], c.vlan, from == 1, uint16(n/2), c.payload[:56])
	}
	switch {
	case n == 0:
		return c.segment(0, syn, nil)
	case n == 1:
		return c.segment(1, syn|ack, nil)
	case n == 2:
		return c.segment(0, ack, nil)
	case c.left == 2:
		return c.segment(0, fin|ack, nil)
	case c.left == 1:
		return c.segment(1, fin|ack, nil)
	case c.left == 0:
		return c.segment(0, ack, nil)
	}
	return c.segment(1-from, ack|psh, payload) // the third packet was the client's: it goes on
}

// segment sends from a side and moves its sequence number on.
func (c *conversation) segment(from int, flags byte, payload []byte) []byte {
	acked := c.seq[1-from]
	if flags&ack == 0 {
		acked = 0
	}
	frame := c.tcp(&c.side[from], &c.side[1-from], c.vlan, c.seq[from], acked, flags, nil, payload)
	c.seq[from] += uint32(len(payload))
	if flags&(syn|fin) != 0 {
		c.seq[from]++
	}
	return frame
}

// question is a DNS message with one question, for an address of a random name.
func question(r *rand.Rand) []byte {
	m := []byte{byte(r.Uint32()), byte(r.Uint32()), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 8}
	for range 8 {
		m = append(m, byte('a'+r.IntN(26)))
	}
	m = append(m, "\x07example\x03com\x00"...)
	return append(m, 0, 1, 0, 1)
}

// message is the question, or the answer to it: one A record.
func message(question []byte, answer bool) []byte {
	if !answer {
		return question
	}
	m := append([]byte(nil), question...)
	m[2], m[3], m[7] = 0x81, 0x80, 1                                          // response, recursion; one answer
	return append(m, 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 123) // pointer to the name, 300 s
}
