package packet_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"eddy/internal/fastpath/packet"
)

// body is what is cut into fragments: a UDP datagram of 3,000 bytes.
func body() []byte {
	text := bytes.Repeat([]byte("0123456789abcdef"), 187)
	return udp(text)
}

// cut4 cuts a body into IPv4 fragments of size bytes.
func cut4(id, size int, all []byte) (frames [][]byte) {
	for off := 0; off < len(all); off += size {
		end := min(off+size, len(all))
		f := fields4{proto: 17, src: "10.0.0.1", dst: "10.0.0.2", id: id, off: off, more: end < len(all)}
		if off == 0 {
			f.options = []byte{1, 1, 1, 0} // only the first has options: headers come from it
		}
		frames = append(frames, cat(ether(0x0800, f.header(all[off:end])), zeros(3)))
	}
	return frames
}

// cut6 does the same for IPv6.
func cut6(id, size int, all []byte) (frames [][]byte) {
	for off := 0; off < len(all); off += size {
		end := min(off+size, len(all))
		inner := ext(44, 1, frag6(17, off, end < len(all), id, all[off:end]))
		frames = append(frames, ether(0x86dd, ip6(60, inner)))
	}
	return frames
}

// tunnelled wraps the IP datagrams of frames in GRE.
func tunnelled(frames [][]byte) [][]byte {
	for i, f := range frames {
		frames[i] = ether(0x0800, fields4{proto: 47, src: "1.1.1.1", dst: "2.2.2.2"}.header(cat(be16(0), be16(0x0800), f[14:])))
	}
	return frames
}

// feed decodes frames in order, each a millisecond after the last, and gives what the last came to.
func feed(d *packet.Decoder, frames ...[]byte) *packet.Packet {
	p := &packet.Packet{}
	for i, data := range frames {
		f := frame(packet.LinkEthernet, data)
		f.Time += int64(i) * 1e6
		p.Frame = f
		d.Decode(p)
	}
	return p
}

// TestFragments puts datagrams together, in several orders.
func TestFragments(t *testing.T) {
	all := body()
	reversed := func(f [][]byte) [][]byte { slices.Reverse(f); return f }
	shuffled := func(f [][]byte) [][]byte {
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
		return f
	}
	twice := func(f [][]byte) [][]byte { // each but the last, which completes it, comes again
		return append(slices.Concat(f[:len(f)-1], f[:len(f)-1]), f[len(f)-1])
	}
	for _, c := range []struct {
		name   string
		frames [][]byte
		layers string
	}{
		{"IPv4", cut4(1, 1000, all), "Ethernet IPv4 UDP payload"},
		{"IPv4 reversed", reversed(cut4(1, 800, all)), "Ethernet IPv4 UDP payload"},
		{"IPv4 shuffled", shuffled(cut4(1, 40, all)), "Ethernet IPv4 UDP payload"},
		{"IPv4 twice", twice(cut4(1, 80, all)), "Ethernet IPv4 UDP payload"},
		{"IPv4 in GRE", tunnelled(cut4(1, 1000, all)), "Ethernet IPv4 GRE IPv4 UDP payload"},
		{"IPv6", cut6(1, 1000, all), "Ethernet IPv6 IPv6 extension UDP payload"},
		{"IPv6 reversed", reversed(cut6(1, 1000, all)), "Ethernet IPv6 IPv6 extension UDP payload"},
		{"IPv6 shuffled", shuffled(cut6(1, 56, all)), "Ethernet IPv6 IPv6 extension UDP payload"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := packet.NewDecoder(packet.Options{})
			for i := range c.frames[:len(c.frames)-1] {
				p := &packet.Packet{Frame: frame(packet.LinkEthernet, c.frames[i])}
				d.Decode(p)
				if !p.Fragment || p.Defragged || p.Problem != packet.None || p.SrcPort != 0 || p.Tuple.Proto != 17 {
					t.Fatalf("fragment %d: %+v, problem %v", i, p.Tuple, p.Problem)
				}
			}
			p := feed(d, c.frames[len(c.frames)-1])
			if p.Fragment || !p.Defragged || p.Problem != packet.None {
				t.Fatalf("the last fragment: waits %v, defragged %v, problem %v", p.Fragment, p.Defragged, p.Problem)
			}
			if !bytes.Equal(p.Payload(), all[8:]) || p.SrcPort != 1234 || layerNames(p) != c.layers {
				t.Errorf("%d bytes of payload, source port %d, layers %q", len(p.Payload()), p.SrcPort, layerNames(p))
			}
			if d.Waiting() != 0 {
				t.Errorf("%d bytes wait still", d.Waiting())
			}
			if c.name == "IPv4 in GRE" {
				return // the outer header is the first fragment's
			}
			again := decoded(frame(packet.LinkEthernet, bytes.Clone(p.Data)))
			if again.Problem != packet.None || !bytes.Equal(again.Payload(), all[8:]) || again.Tuple != p.Tuple {
				t.Errorf("decoded again as a frame: %v, %d bytes of payload", again.Problem, len(again.Payload()))
			}
		})
	}
}

// TestFragmentsApart keeps datagrams apart that differ in one thing.
func TestFragmentsApart(t *testing.T) {
	all := body()
	d := packet.NewDecoder(packet.Options{})
	one, two := cut4(1, 2000, all), cut4(2, 2000, all)
	tagged := ether(0x8100, vlan(5, 0x0800, one[1][14:]))
	if p := feed(d, one[0], two[0], tagged); p.Defragged {
		t.Error("a fragment of another VLAN completed the datagram")
	}
	if p := feed(d, two[1]); !p.Defragged {
		t.Error("the second datagram is not complete")
	}
	if p := feed(d, one[1]); !p.Defragged {
		t.Error("the first datagram is not complete")
	}
}

// TestFragmentsWrong has fragments that contradict each other or are malformed.
func TestFragmentsWrong(t *testing.T) {
	piece := func(off, size int, more bool) []byte {
		return ether(0x0800, fields4{proto: 17, src: "10.0.0.1", dst: "10.0.0.2", id: 1, off: off, more: more}.header(zeros(size)))
	}
	for _, c := range []struct {
		name   string
		frames [][]byte
		want   packet.Problem
	}{
		{"overlap behind", [][]byte{piece(0, 80, true), piece(72, 80, true)}, packet.FragmentOverlap},
		{"overlap before", [][]byte{piece(72, 80, true), piece(0, 80, true)}, packet.FragmentOverlap},
		{"around another", [][]byte{piece(8, 8, true), piece(0, 80, true)}, packet.FragmentOverlap},
		{"two ends", [][]byte{piece(80, 80, false), piece(160, 80, false)}, packet.FragmentOverlap},
		{"beyond the end", [][]byte{piece(80, 80, false), piece(160, 80, true)}, packet.FragmentOverlap},
		{"an end before others", [][]byte{piece(160, 80, true), piece(80, 80, false)}, packet.FragmentOverlap},
		{"not a multiple of 8", [][]byte{piece(0, 81, true)}, packet.BadIPv4Header},
		{"nothing in it", [][]byte{piece(80, 0, false)}, packet.BadIPv4Header},
		{"too long", [][]byte{piece(65528, 80, false)}, packet.BadIPv4Header},
		{"cut", [][]byte{piece(0, 80, true)[:60]}, packet.TruncatedIPv4},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := packet.NewDecoder(packet.Options{})
			if p := feed(d, c.frames...); p.Problem != c.want || !p.Fragment {
				t.Errorf("%v, want %v", p.Problem, c.want)
			}
			if d.Waiting() != 0 {
				t.Errorf("%d bytes wait still", d.Waiting())
			}
		})
	}
}

// TestFragmentsBounded sends fragments that nothing completes.
func TestFragmentsBounded(t *testing.T) {
	const most = 100_000
	d := packet.NewDecoder(packet.Options{FragMaxBytes: most})
	all := body()
	for id := range 1000 {
		feed(d, cut4(id, 1000, all)[:2]...)
		feed(d, cut6(id, 1000, all)[1:]...)
		if d.Waiting() > most {
			t.Fatalf("%d bytes wait, the bound is %d", d.Waiting(), most)
		}
	}
	if d.Problems()[packet.FragmentLimit] == 0 {
		t.Error("nothing was counted")
	}
	if p := feed(d, cut4(2000, 1000, all)...); !p.Defragged {
		t.Error("a datagram that is completed at once is lost")
	}
}

// TestFragmentsTimeout waits too long.
func TestFragmentsTimeout(t *testing.T) {
	d := packet.NewDecoder(packet.Options{FragTimeout: time.Second})
	pieces := cut4(1, 2000, body())
	feed(d, pieces[0])
	late := &packet.Packet{Frame: frame(packet.LinkEthernet, pieces[1])}
	late.Time += int64(2 * time.Second)
	d.Decode(late)
	if late.Defragged || d.Problems()[packet.FragmentLimit] != 1 {
		t.Errorf("defragged %v, %d given up", late.Defragged, d.Problems()[packet.FragmentLimit])
	}
}
