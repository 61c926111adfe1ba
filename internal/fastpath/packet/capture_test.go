package packet_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// captured gives the frames of all real captures; where these are missing, the test is skipped.
func captured(t testing.TB) []packet.Frame {
	paths, err := filepath.Glob("../../../../shared/pcaps/*.pcap*")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skip("the real captures are not here")
	}
	var all []packet.Frame
	for _, path := range paths {
		f, err := capture.Open(path, capture.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		var fr packet.Frame
		for f.Next(&fr) == nil {
			fr.Data = bytes.Clone(fr.Data)
			all = append(all, fr)
		}
	}
	return all
}

// TestCommonAsWalk decodes real frames in both ways.
func TestCommonAsWalk(t *testing.T) {
	common := 0
	d := packet.NewDecoder(packet.Options{})
	frames := captured(t)
	for _, f := range frames {
		p, q := &packet.Packet{Frame: f}, &packet.Packet{Frame: f}
		dirty(p)
		if !d.Common(p) {
			continue
		}
		common++
		d.Walk(q)
		same(t, p, q)
	}
	if common < len(frames)*8/10 {
		t.Errorf("only %d of %d frames are common", common, len(frames))
	}
}

// dirty fills a packet with what an earlier decode might have left.
func dirty(p *packet.Packet) {
	p.Tuple = packet.Tuple{Src: [16]byte{15: 1}, Dst: [16]byte{15: 1}, VLAN: 9, SrcPort: 9, DstPort: 9, Proto: 9, Version: 9}
	for i := range p.Layers {
		p.Layers[i] = packet.Layer{Proto: packet.Custom, ID: 9, Off: 9, Len: 9}
	}
	p.NLayers, p.Flags, p.Window, p.Seq, p.Ack = 9, 9, 9, 9, 9
	p.PayloadOff, p.PayloadLen, p.PayloadCut = 9, 9, 9
	p.Fragment, p.Defragged, p.Problem = true, true, packet.TooDeep
}

// same compares everything that Decode fills in.
func same(t *testing.T, p, q *packet.Packet) {
	t.Helper()
	a, b := *p, *q
	if !bytes.Equal(a.Data, b.Data) {
		t.Fatalf("data % x\nand  % x", a.Data, b.Data)
	}
	a.Data, b.Data = nil, nil
	for i := range packet.MaxLayers { // what is behind the last layer does not count
		if i >= int(a.NLayers) {
			a.Layers[i] = packet.Layer{}
		}
		if i >= int(b.NLayers) {
			b.Layers[i] = packet.Layer{}
		}
	}
	if x, y := filled(&a), filled(&b); x != y {
		t.Fatalf("% x\n%+v\nand\n%+v", p.Frame.Data, x, y)
	}
}

// decode is all that Decode fills in, in a form that == compares.
type decode struct {
	packet.Tuple
	layers           [packet.MaxLayers]packet.Layer
	n, flags         uint8
	window           uint16
	seq, ack         uint32
	off, len, cut    uint32
	waits, defragged bool
	problem          packet.Problem
}

func filled(p *packet.Packet) decode {
	return decode{p.Tuple, p.Layers, p.NLayers, p.Flags, p.Window, p.Seq, p.Ack,
		p.PayloadOff, p.PayloadLen, p.PayloadCut, p.Fragment, p.Defragged, p.Problem}
}

// TestAsGopacket compares with gopacket's decoders.
func TestAsGopacket(t *testing.T) {
	d := packet.NewDecoder(packet.Options{})
	compared := 0
	for i, f := range captured(t) {
		p := &packet.Packet{Frame: f}
		d.Decode(p)
		theirs := gopacket.NewPacket(f.Data, layers.LinkType(f.Link), gopacket.DecodeOptions{Lazy: true, NoCopy: true})
		if p.Fragment || p.Defragged {
			continue // gopacket puts nothing together here
		}
		if compareIP(t, i, p, theirs) {
			compared++
		}
	}
	if compared < 1000 {
		t.Errorf("only %d frames were compared", compared)
	}
}

// compareIP compares addresses and transport; it is false when there are none.
func compareIP(t *testing.T, i int, p *packet.Packet, theirs gopacket.Packet) bool {
	var src, dst, ours, ourd []byte
	switch ip := innermost(theirs).(type) {
	case *layers.IPv4:
		src, dst, ours, ourd = ip.SrcIP, ip.DstIP, p.Src[:4], p.Dst[:4]
	case *layers.IPv6:
		src, dst, ours, ourd = ip.SrcIP, ip.DstIP, p.Src[:], p.Dst[:]
	default:
		if p.Version != 0 {
			t.Errorf("frame %d: IPv%d, where gopacket finds none: %v", i, p.Version, theirs)
		}
		return false
	}
	if !bytes.Equal(src, ours) || !bytes.Equal(dst, ourd) {
		t.Errorf("frame %d: % x to % x, gopacket % x to % x", i, ours, ourd, src, dst)
	}
	switch l := theirs.TransportLayer().(type) {
	case *layers.TCP:
		flags := p.Flags
		if p.Proto != 6 || p.SrcPort != uint16(l.SrcPort) || p.DstPort != uint16(l.DstPort) || p.Seq != l.Seq || p.Ack != l.Ack ||
			p.Window != l.Window || l.SYN != (flags&packet.SYN != 0) || l.FIN != (flags&packet.FIN != 0) ||
			l.RST != (flags&packet.RST != 0) || l.ACK != (flags&packet.ACK != 0) || !bytes.Equal(l.Payload, p.Payload()) {
			t.Errorf("frame %d: %+v\n%+v", i, p.Tuple, l)
		}
	case *layers.UDP:
		if p.Proto != 17 || p.SrcPort != uint16(l.SrcPort) || p.DstPort != uint16(l.DstPort) || !bytes.Equal(l.Payload, p.Payload()) {
			t.Errorf("frame %d: %+v\n%+v", i, p.Tuple, l)
		}
	}
	return true
}

// innermost gives the last IP layer.
func innermost(p gopacket.Packet) gopacket.Layer {
	var ip gopacket.Layer
	for _, l := range p.Layers() {
		switch l.(type) {
		case *layers.IPv4, *layers.IPv6:
			ip = l
		}
	}
	return ip
}

// TestNoAllocation decodes real frames in both ways. Fragments may allocate: they wait in memory.
func TestNoAllocation(t *testing.T) {
	d := packet.NewDecoder(packet.Options{})
	var frames []packet.Frame
	for _, f := range captured(t) {
		p := packet.Packet{Frame: f}
		if d.Decode(&p); !p.Fragment && !p.Defragged {
			frames = append(frames, f)
		}
	}
	for name, decode := range map[string]func(*packet.Packet){"Decode": d.Decode, "walk": d.Walk} {
		var p packet.Packet
		allocs := testing.AllocsPerRun(3, func() {
			for _, f := range frames {
				p.Frame = f
				decode(&p)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations for %d packets", name, allocs, len(frames))
		}
	}
}

// BenchmarkDecode decodes the frames of all real captures in turn.
func BenchmarkDecode(b *testing.B) {
	frames := captured(b)
	d := packet.NewDecoder(packet.Options{})
	for _, c := range []struct {
		name   string
		decode func(*packet.Packet)
	}{{"Decode", d.Decode}, {"Walk", d.Walk}} {
		b.Run(c.name, func(b *testing.B) {
			var p packet.Packet
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				p.Frame = frames[i]
				if i++; i == len(frames) {
					i = 0
				}
				c.decode(&p)
			}
		})
	}
}

// BenchmarkHash hashes a tuple of each version.
func BenchmarkHash(b *testing.B) {
	for name, t := range map[string]packet.Tuple{"IPv4": {Version: 4, Proto: 6}, "IPv6": {Version: 6, Proto: 6}} {
		b.Run(name, func(b *testing.B) {
			var sum uint64
			for b.Loop() {
				sum += t.Hash()
			}
			_ = sum
		})
	}
}
