package packet_test

import (
	"bytes"
	"testing"

	"eddy/internal/fastpath/packet"
)

// FuzzDecode decodes any bytes, as frames of any link type, and holds the laws of a decoded packet.
func FuzzDecode(f *testing.F) {
	u4, u6 := ip4(17, udp([]byte(hello))), ip6(17, udp([]byte(hello)))
	for _, s := range []struct {
		link packet.Link
		data []byte
	}{
		{1, ether(0x0800, u4)}, {1, ether(0x86dd, u6)}, {1, ether(0x0800, ip4(6, tcpSegment(zeros(8), []byte(hello))))},
		{1, ether(0x88a8, vlan(7, 0x8100, vlan(5, 0x86dd, u6)))}, {1, ether(0x8847, cat(be32(1<<8), u6))},
		{1, ether(8+len(u4), cat([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, u4))},
		{51, cat([]byte{0x11, 0}, be16(1), be16(2+len(u6)), be16(0x57), u6)}, {9, cat([]byte{0xff, 3}, be16(0x21), u4)},
		{113, cat(zeros(14), be16(0x0800), u4)}, {276, cat(be16(0x86dd), zeros(18), u6)}, {0, cat([]byte{2, 0, 0, 0}, u4)},
		{239, cat([]byte{10, 0, 0, 0}, be16(4+len(u6)), be16(9), u6)}, {101, ip6(0, ext(43, 1, ext(60, 2, ext(17, 1, udp(nil)))))},
		{101, ip4(47, cat(be16(0x1000), be16(0x22eb), zeros(15), []byte{1}, zeros(8), ether(0x0800, u4)))},
		{101, ip6(51, cat([]byte{17, 4}, zeros(22), udp(nil)))}, {101, ip4(1, zeros(8))}, {101, ip4(132, zeros(12))},
		{1, ether(0x0806, cat(be16(1), be16(0x0800), []byte{6, 4}, be16(1), zeros(20)))},
	} {
		f.Add(uint16(s.link), uint32(0), s.data, uint16(0))
	}
	for _, all := range [][][]byte{cut4(1, 1600, body()), cut6(1, 1600, body())} {
		f.Add(uint16(1), uint32(1<<16|5), cat(all...), uint16(len(all[0])))
	}
	f.Fuzz(func(t *testing.T, link uint16, beside uint32, data []byte, cut uint16) {
		d := packet.NewDecoder(packet.Options{FragMaxBytes: 64 << 10})
		at := min(int(cut), len(data)) // two frames, so that fragments may meet
		for _, b := range [][]byte{data[:at], data[at:]} {
			f := frame(packet.Link(link), b)
			f.VLAN = beside
			f.Wire += beside >> 17
			p := &packet.Packet{Frame: f}
			dirty(p)
			d.Decode(p)
			lawful(t, p)
			if d.Waiting() > 64<<10 {
				t.Fatalf("%d bytes wait", d.Waiting())
			}
			q, r := &packet.Packet{Frame: f}, &packet.Packet{Frame: f}
			if d.Common(q) {
				d.Walk(r)
				same(t, q, r)
			}
		}
	})
}

// lawful holds what is true of every decoded packet.
func lawful(t *testing.T, p *packet.Packet) {
	t.Helper()
	end := uint64(len(p.Data))
	if uint64(p.PayloadOff)+uint64(p.PayloadLen) > end {
		t.Fatalf("payload of %d bytes at %d of %d", p.PayloadLen, p.PayloadOff, end)
	}
	last := uint32(0)
	for i := range int(p.NLayers) {
		l := p.Layers[i]
		if l.Off < last || uint64(l.Off)+uint64(l.Len) > end || l.Len == 0 || l.ID != 0 {
			t.Fatalf("layer %d: %+v of %d bytes, the one before ends at %d", i, l, end, last)
		}
		last = l.Off + l.Len
	}
	if n := int(p.NLayers); n > 0 && p.Layers[n-1].Proto == packet.Payload && !bytes.Equal(p.LayerBytes(n-1), p.Payload()) {
		t.Fatal("the payload's layer is not the payload")
	}
	if p.Fragment && p.Defragged || p.Problem >= packet.NumProblems {
		t.Fatalf("waits %v, defragged %v, problem %d", p.Fragment, p.Defragged, p.Problem)
	}
	if p.Version != 0 && p.Version != 4 && p.Version != 6 || p.Version == 0 && (p.SrcPort|p.DstPort != 0 || p.Proto != 0) {
		t.Fatalf("%+v", p.Tuple)
	}
	if back := reversed(p.Tuple); back.Hash() != p.Tuple.Hash() {
		t.Fatal("the opposite direction has another hash")
	}
}
