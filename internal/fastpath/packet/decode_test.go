package packet_test

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"eddy/internal/fastpath/packet"
)

// TestEncapsulations decodes a UDP datagram with hello in it, in all that it can be wrapped in.
func TestEncapsulations(t *testing.T) {
	u4, u6 := ip4(17, udp([]byte(hello))), ip6(17, udp([]byte(hello)))
	le16 := func(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
	for _, c := range []struct {
		name   string
		link   packet.Link
		data   []byte
		layers string // before "UDP payload"
		vlan   uint32
	}{
		{name: "Ethernet", link: 1, data: ether(0x0800, u4), layers: "Ethernet IPv4"},
		{name: "Ethernet IPv6", link: 1, data: ether(0x86dd, u6), layers: "Ethernet IPv6"},
		{name: "padding", link: 1, data: cat(ether(0x0800, u4), zeros(20)), layers: "Ethernet IPv4"},
		{name: "IPv4 options", link: 1, layers: "Ethernet IPv4",
			data: ether(0x0800, fields4{proto: 17, src: "10.0.0.1", dst: "10.0.0.2", options: zeros(8)}.header(udp([]byte(hello))))},
		{name: "VLAN", link: 1, data: ether(0x8100, vlan(5, 0x0800, u4)), layers: "Ethernet VLAN IPv4", vlan: 5},
		{name: "QinQ", link: 1, data: ether(0x88a8, vlan(7, 0x8100, vlan(5, 0x86dd, u6))), layers: "Ethernet VLAN VLAN IPv6", vlan: 7<<12 | 5},
		{name: "three tags", link: 1, data: ether(0x88a8, vlan(9, 0x9100, vlan(7, 0x8100, vlan(5, 0x0800, u4)))),
			layers: "Ethernet VLAN VLAN VLAN IPv4", vlan: 7<<12 | 5},
		{name: "SNAP", link: 1, data: ether(8+len(u4), cat([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, u4)), layers: "Ethernet LLC IPv4"},
		{name: "LLC", link: 1, data: ether(3+len(u4), cat([]byte{6, 6, 3}, u4)), layers: "Ethernet LLC IPv4"},
		{name: "SNAP in VLAN", link: 1, data: ether(0x8100, vlan(5, 8+len(u4), cat([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, u4))),
			layers: "Ethernet VLAN LLC IPv4", vlan: 5},
		{name: "MPLS", link: 1, data: ether(0x8847, cat(be32(100<<12), be32(200<<12|1<<8), u6)), layers: "Ethernet MPLS IPv6"},
		{name: "pseudowire", link: 1, data: ether(0x8847, cat(be32(200<<12|1<<8), zeros(4), ether(0x0800, u4))), layers: "Ethernet MPLS Ethernet IPv4"},
		{name: "PPPoE", link: 1, data: ether(0x8864, cat([]byte{0x11, 0}, be16(1), be16(2+len(u4)), be16(0x21), u4)), layers: "Ethernet PPPoE PPP IPv4"},
		{name: "PPPoE alone", link: 51, data: cat([]byte{0x11, 0}, be16(1), be16(2+len(u6)), be16(0x57), u6), layers: "PPPoE PPP IPv6"},
		{name: "PPP", link: 9, data: cat([]byte{0xff, 3}, be16(0x21), u4), layers: "PPP IPv4"},
		{name: "PPP with a short protocol", link: 9, data: cat([]byte{0x21}, u4), layers: "PPP IPv4"},
		{name: "cooked", link: 113, data: cat(zeros(14), be16(0x0800), u4), layers: "Linux cooked IPv4"},
		{name: "cooked VLAN", link: 113, data: cat(zeros(14), be16(0x8100), vlan(5, 0x86dd, u6)), layers: "Linux cooked VLAN IPv6", vlan: 5},
		{name: "cooked 2", link: 276, data: cat(be16(0x86dd), zeros(18), u6), layers: "Linux cooked IPv6"},
		{name: "raw", link: 101, data: u4, layers: "IPv4"},
		{name: "raw IPv6", link: 229, data: u6, layers: "IPv6"},
		{name: "raw as BSD has it", link: 12, data: u4, layers: "IPv4"},
		{name: "null", link: 0, data: cat([]byte{2, 0, 0, 0}, u4), layers: "loopback IPv4"},
		{name: "null, other order", link: 0, data: cat([]byte{0, 0, 0, 30}, u6), layers: "loopback IPv6"},
		{name: "loop", link: 108, data: cat([]byte{0, 0, 0, 24}, u6), layers: "loopback IPv6"},
		{name: "NFLOG", link: 239, layers: "NFLOG IPv4",
			data: cat([]byte{2, 0, 0, 0}, le16(7), le16(10), []byte("abc\x00"), le16(4+len(u4)), le16(9), u4)},
		{name: "NFLOG, other order", link: 239, layers: "NFLOG IPv6",
			data: cat([]byte{10, 0, 0, 0}, be16(6), be16(1), zeros(4), be16(4+len(u6)), be16(9), u6)},
		{name: "extensions", link: 1, layers: "Ethernet IPv6 IPv6 extension IPv6 extension IPv6 extension",
			data: ether(0x86dd, ip6(0, ext(43, 1, ext(60, 2, ext(17, 1, udp([]byte(hello)))))))},
		{name: "authentication", link: 1, layers: "Ethernet IPv4 IPv6 extension",
			data: ether(0x0800, ip4(51, cat([]byte{17, 4}, zeros(22), udp([]byte(hello)))))},
		{name: "a fragment header in a whole datagram", link: 1, layers: "Ethernet IPv6 IPv6 extension",
			data: ether(0x86dd, ip6(44, frag6(17, 0, false, 1, udp([]byte(hello)))))},
		{name: "IP in IP", link: 1, data: ether(0x0800, fields4{proto: 4, src: "1.1.1.1", dst: "2.2.2.2"}.header(u4)), layers: "Ethernet IPv4 IPv4"},
		{name: "6in4", link: 1, data: ether(0x0800, ip4(41, u6)), layers: "Ethernet IPv4 IPv6"},
		{name: "4in6", link: 1, data: ether(0x86dd, ip6(4, u4)), layers: "Ethernet IPv6 IPv4"},
		{name: "MPLS in IP", link: 1, data: ether(0x0800, ip4(137, cat(be32(1<<8), u6))), layers: "Ethernet IPv4 MPLS IPv6"},
		{name: "GRE", link: 1, data: ether(0x0800, ip4(47, cat(be16(0), be16(0x86dd), u6))), layers: "Ethernet IPv4 GRE IPv6"},
		{name: "GRE with all fields", link: 1, data: ether(0x0800, ip4(47, cat(be16(0xb000), be16(0x0800), zeros(12), u4))), layers: "Ethernet IPv4 GRE IPv4"},
		{name: "Ethernet in GRE", link: 1, data: ether(0x0800, ip4(47, cat(be16(0x2000), be16(0x6558), zeros(4), ether(0x0800, u4)))), layers: "Ethernet IPv4 GRE Ethernet IPv4"},
		{name: "PPTP", link: 1, data: ether(0x0800, ip4(47, cat(be16(0x3081), be16(0x880b), zeros(12), be16(0x21), u4))), layers: "Ethernet IPv4 GRE PPP IPv4"},
		{name: "ERSPAN I", link: 1, data: ether(0x0800, ip4(47, cat(be16(0), be16(0x88be), ether(0x0800, u4)))), layers: "Ethernet IPv4 GRE Ethernet IPv4"},
		{name: "ERSPAN II", link: 1, data: ether(0x0800, ip4(47, cat(be16(0x1000), be16(0x88be), zeros(12), ether(0x0800, u4)))), layers: "Ethernet IPv4 GRE Ethernet IPv4"},
		{name: "ERSPAN III", link: 1, data: ether(0x0800, ip4(47, cat(be16(0x1000), be16(0x22eb), zeros(15), []byte{1}, zeros(8), ether(0x0800, u4)))), layers: "Ethernet IPv4 GRE Ethernet IPv4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := decoded(frame(c.link, c.data))
			if got, want := layerNames(p), c.layers+" UDP payload"; got != want {
				t.Errorf("layers %q, want %q", got, want)
			}
			if p.Problem != packet.None || p.Fragment || p.Defragged {
				t.Errorf("problem %v, fragment %v, defragged %v", p.Problem, p.Fragment, p.Defragged)
			}
			if string(p.Payload()) != hello || p.PayloadCut != 0 {
				t.Errorf("payload %q and %d cut", p.Payload(), p.PayloadCut)
			}
			want := packet.Tuple{Version: p.Version, Proto: 17, SrcPort: 1234, DstPort: 53, VLAN: c.vlan}
			if p.Version == 4 {
				*(*[4]byte)(want.Src[:]) = netip.MustParseAddr("10.0.0.1").As4()
				*(*[4]byte)(want.Dst[:]) = netip.MustParseAddr("10.0.0.2").As4()
			} else {
				want.Src, want.Dst = netip.MustParseAddr("2001:db8::1").As16(), netip.MustParseAddr("2001:db8::2").As16()
			}
			if p.Tuple != want {
				t.Errorf("tuple %+v, want %+v", p.Tuple, want)
			}
		})
	}
}

// TestTransports decodes what is not UDP.
func TestTransports(t *testing.T) {
	for _, c := range []struct {
		name     string
		data     []byte
		layers   string
		problem  packet.Problem
		src, dst uint16
		payload  string
	}{
		{name: "TCP", data: ip4(6, tcpSegment(nil, []byte(hello))), layers: "Ethernet IPv4 TCP payload", src: 1234, dst: 80, payload: hello},
		{name: "TCP without payload", data: ip4(6, tcpSegment(zeros(8), nil)), layers: "Ethernet IPv4 TCP", src: 1234, dst: 80},
		{name: "ICMP", data: ip4(1, cat([]byte{3, 1}, zeros(6), ip4(17, udp(nil)))), layers: "Ethernet IPv4 ICMP payload", payload: string(ip4(17, udp(nil)))},
		{name: "SCTP", data: ip4(132, cat(be16(5), be16(6), zeros(8), []byte(hello))), layers: "Ethernet IPv4 SCTP payload", src: 5, dst: 6, payload: hello},
		{name: "OSPF", data: ip4(89, []byte(hello)), layers: "Ethernet IPv4 payload", problem: packet.UnknownProtocol, payload: hello},
		{name: "short UDP", data: ip4(17, be16(9)), layers: "Ethernet IPv4", problem: packet.TruncatedUDP},
		{name: "ports only", data: ip4(6, cat(be16(5), be16(6))), layers: "Ethernet IPv4", problem: packet.TruncatedTCP, src: 5, dst: 6},
		{name: "TCP header too short", data: ip4(6, cat(be16(5), be16(6), zeros(8), []byte{0x40}, zeros(7))), layers: "Ethernet IPv4", problem: packet.BadTCPHeader, src: 5, dst: 6},
		{name: "TCP header longer than the datagram", data: ip4(6, cat(be16(5), be16(6), zeros(8), []byte{0xf0}, zeros(7))), layers: "Ethernet IPv4", problem: packet.BadTCPHeader, src: 5, dst: 6},
		{name: "UDP length too small", data: ip4(17, cat(be16(5), be16(6), be16(7), be16(0), []byte(hello))), layers: "Ethernet IPv4 UDP payload", problem: packet.BadUDPLength, src: 5, dst: 6, payload: hello},
		{name: "UDP length too large", data: ip4(17, cat(be16(5), be16(6), be16(99), be16(0), []byte(hello))), layers: "Ethernet IPv4 UDP payload", problem: packet.BadUDPLength, src: 5, dst: 6, payload: hello},
		{name: "UDP shorter than IP says", data: ip4(17, cat(be16(5), be16(6), be16(8+5), be16(0), []byte(hello))), layers: "Ethernet IPv4 UDP payload", src: 5, dst: 6, payload: hello[:5]},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := decoded(frame(packet.LinkEthernet, ether(0x0800, c.data)))
			if got := layerNames(p); got != c.layers {
				t.Errorf("layers %q, want %q", got, c.layers)
			}
			if p.Problem != c.problem {
				t.Errorf("problem %v, want %v", p.Problem, c.problem)
			}
			if p.SrcPort != c.src || p.DstPort != c.dst {
				t.Errorf("ports %d and %d, want %d and %d", p.SrcPort, p.DstPort, c.src, c.dst)
			}
			if string(p.Payload()) != c.payload {
				t.Errorf("payload %q, want %q", p.Payload(), c.payload)
			}
		})
	}
}

// TestTCPFields looks at what only TCP has, decoded in both ways.
func TestTCPFields(t *testing.T) {
	for _, data := range [][]byte{
		ether(0x0800, ip4(6, tcpSegment(zeros(4), []byte(hello)))),
		ether(0x8100, vlan(1, 0x0800, ip4(6, tcpSegment(zeros(4), []byte(hello))))),
	} {
		p := decoded(frame(packet.LinkEthernet, data))
		if p.Seq != 7 || p.Ack != 9 || p.Window != 11 || p.Flags != packet.ACK|packet.PSH || string(p.Payload()) != hello {
			t.Errorf("seq %d, ack %d, window %d, flags %#x, payload %q", p.Seq, p.Ack, p.Window, p.Flags, p.Payload())
		}
	}
}

// TestCut decodes frames of which not all was captured.
func TestCut(t *testing.T) {
	whole := ether(0x0800, ip4(6, tcpSegment(zeros(4), []byte(hello))))
	for _, c := range []struct {
		name    string
		keep    int
		wire    int
		problem packet.Problem
		payload string
		cut     uint32
	}{
		{"all", len(whole), len(whole), packet.None, hello, 0},
		{"half of the payload", len(whole) - 7, len(whole), packet.None, hello[:5], 7},
		{"headers", len(whole) - len(hello), len(whole), packet.None, "", uint32(len(hello))},
		{"no options", len(whole) - len(hello) - 4, len(whole), packet.TruncatedTCP, "", uint32(len(hello))},
		{"IP says more than was on the wire", len(whole) - 7, len(whole) - 7, packet.TruncatedIPv4, hello[:5], 7},
		{"half an IP header", 24, len(whole), packet.TruncatedIPv4, "", 0},
		{"half an Ethernet header", 7, len(whole), packet.TruncatedLink, "", 0},
		{"nothing", 0, len(whole), packet.TruncatedLink, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := frame(packet.LinkEthernet, whole[:c.keep])
			f.Wire = uint32(c.wire)
			p := decoded(f)
			if p.Problem != c.problem || string(p.Payload()) != c.payload || p.PayloadCut != c.cut {
				t.Errorf("%v, payload %q and %d cut; want %v, %q, %d", p.Problem, p.Payload(), p.PayloadCut, c.problem, c.payload, c.cut)
			}
		})
	}
}

// TestOffloaded decodes datagrams whose length is left to the network card, and one with the tag that it took off.
func TestOffloaded(t *testing.T) {
	four, six := ip4(6, tcpSegment(nil, []byte(hello))), ip6(6, tcpSegment(nil, []byte(hello)))
	copy(four[2:], be16(0))
	copy(six[4:], be16(0))
	for name, data := range map[string][]byte{"IPv4": ether(0x0800, four), "IPv6": ether(0x86dd, six)} {
		f := frame(packet.LinkEthernet, data)
		f.VLAN = 1<<16 | 3<<13 | 5
		if p := decoded(f); p.Problem != packet.None || string(p.Payload()) != hello || p.Tuple.VLAN != 5 {
			t.Errorf("%s: %v, payload %q, VLAN %d", name, p.Problem, p.Payload(), p.Tuple.VLAN)
		}
	}
	f := frame(packet.LinkEthernet, ether(0x8100, vlan(5, 0x0800, ip4(17, udp(nil)))))
	f.VLAN = 1<<16 | 7
	if p := decoded(f); p.Tuple.VLAN != 7<<12|5 {
		t.Errorf("a tag beside the frame and one in it give %#x", p.Tuple.VLAN)
	}
}

// TestNotIP decodes frames without an IP header.
func TestNotIP(t *testing.T) {
	arp := cat(be16(1), be16(0x0800), []byte{6, 4}, be16(1), zeros(20))
	for _, c := range []struct {
		name    string
		frame   packet.Frame
		layers  string
		problem packet.Problem
	}{
		{"ARP", frame(1, cat(ether(0x0806, arp), zeros(18))), "Ethernet ARP", packet.None},
		{"short ARP", frame(1, ether(0x0806, arp[:20])), "Ethernet", packet.TruncatedARP},
		{"PPPoE discovery", frame(1, ether(0x8863, cat([]byte{0x11, 9}, be16(0), be16(4), zeros(4)))), "Ethernet PPPoE payload", packet.None},
		{"spanning tree", frame(1, ether(7, []byte{0x42, 0x42, 3, 0, 0, 0, 0})), "Ethernet LLC payload", packet.None},
		{"LLDP", frame(1, ether(0x88cc, []byte(hello))), "Ethernet payload", packet.UnknownEtherType},
		{"short tag", frame(1, ether(0x8100, zeros(3))), "Ethernet", packet.TruncatedVLAN},
		{"short label", frame(1, ether(0x8847, zeros(7))), "Ethernet", packet.TruncatedMPLS},
		{"short PPPoE", frame(1, ether(0x8864, zeros(5))), "Ethernet", packet.TruncatedPPPoE},
		{"short GRE", frame(101, ip4(47, be16(0x2000))), "IPv4", packet.TruncatedGRE},
		{"wrong version", frame(1, ether(0x0800, ip6(17, nil))), "Ethernet", packet.BadIPv4Header},
		{"wrong IPv6 version", frame(1, ether(0x86dd, cat(ip4(17, zeros(40))))), "Ethernet", packet.BadIPv6Header},
		{"short extension", frame(101, ip6(0, []byte{17, 9, 0, 0, 0, 0, 0, 0})), "IPv6", packet.TruncatedExtension},
		{"802.11", frame(105, []byte(hello)), "payload", packet.UnknownLink},
		{"raw, neither 4 nor 6", frame(101, []byte("world")), "payload", packet.UnknownEtherType},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := decoded(c.frame)
			if got := layerNames(p); got != c.layers || p.Problem != c.problem {
				t.Errorf("%q, %v; want %q, %v", got, p.Problem, c.layers, c.problem)
			}
		})
	}
}

// TestTooDeep decodes a frame with more tags than there are layers.
func TestTooDeep(t *testing.T) {
	inner := ip4(17, udp(nil))
	kind := 0x0800
	for range 40 {
		inner, kind = vlan(1, kind, inner), 0x8100
	}
	f := frame(packet.LinkEthernet, ether(kind, inner))
	p := &packet.Packet{Frame: f}
	d := packet.NewDecoder(packet.Options{})
	d.Decode(p)
	d.Decode(p)
	if p.Problem != packet.TooDeep || d.Problems()[packet.TooDeep] != 2 {
		t.Errorf("%v, counted %d times", p.Problem, d.Problems()[packet.TooDeep])
	}
}

// TestNames wants every problem and every layer to have a name of its own.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for i := range packet.NumProblems {
		if name := i.String(); name == "" || seen[name] {
			t.Errorf("problem %d is called %q", i, name)
		} else {
			seen[name] = true
		}
	}
	for i := range packet.NumProtos {
		if name := i.String(); name == "" || seen[name] {
			t.Errorf("layer %d is called %q", i, name)
		} else {
			seen[name] = true
		}
	}
}
