package flow

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"eddy/internal/fastpath/packet"
)

func unexpected(*Flow, End) { panic("a flow ended") }

// TestNoAllocation: packets of known flows allocate nothing, nor do new flows where old ones ended.
func TestNoAllocation(t *testing.T) {
	table := NewTable(Options{})
	talk := []*packet.Packet{
		tcp(1, false, syn, 100, 0, 0), tcp(1, true, synACK, 500, 101, 0), tcp(1, false, ack, 101, 501, 50),
		udpPacket(1, "10.0.0.1:5000", "10.0.0.9:53"),
	}
	for _, p := range talk {
		table.Packet(p, unexpected)
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, p := range talk[1:] {
			p.Time += 1e9
			table.Packet(p, unexpected)
		}
		table.Expire(talk[1].Time, unexpected)
	}); n != 0 {
		t.Errorf("known flows: %v allocations", n)
	}
	ended := func(*Flow, End) {}
	if n := testing.AllocsPerRun(100, func() {
		for _, p := range talk {
			table.Packet(p, ended)
		}
		table.Close(ended)
	}); n != 0 {
		t.Errorf("new flows: %v allocations", n)
	}
}

// TestFlowSize: a flow takes three cache lines, and the first two have what most packets need.
func TestFlowSize(t *testing.T) {
	var f Flow
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the layout is that of 64 bits")
	}
	if size, hot := unsafe.Sizeof(f), unsafe.Offsetof(f.placed)+unsafe.Sizeof(f.placed); size != 192 || hot != 128 {
		t.Errorf("a flow takes %d bytes, and what most packets need %d", size, hot)
	}
}

// small says which flow a packet belongs to and which way it goes.
type small struct {
	flow uint32
	back bool
}

// smallPackets makes a mix of many short flows and some long ones.
func smallPackets(n, flows int) []small {
	r := rand.New(rand.NewPCG(1, 1))
	out := make([]small, n)
	for i := range out {
		id := r.IntN(flows)
		if r.IntN(4) == 0 {
			id = r.IntN(1 + flows/100)
		}
		out[i] = small{uint32(id), r.IntN(2) == 0}
	}
	return out
}

// fill makes the packet: TCP, or UDP every third flow.
func (s small) fill(p *packet.Packet) {
	p.Tuple = packet.Tuple{
		Version: 4, Proto: protoTCP,
		Src: [16]byte{10, 0, byte(s.flow >> 8), byte(s.flow)}, SrcPort: uint16(1024 + s.flow>>4),
		Dst: [16]byte{10, 1, 0, byte(s.flow >> 16)}, DstPort: 80,
	}
	p.Flags = packet.ACK
	if s.flow%3 == 0 {
		p.Proto, p.DstPort, p.Flags = protoUDP, 53, 0
	}
	if s.back {
		p.Tuple = Reverse(p.Tuple)
	}
	p.Time += 20_000
}

func BenchmarkTable(b *testing.B) {
	for _, c := range []struct {
		name  string
		flows int
	}{{"1kFlows", 1000}, {"50kFlows", 50_000}, {"300kFlows", 300_000}} {
		b.Run(c.name, func(b *testing.B) {
			packets := smallPackets(1_000_000, c.flows)
			b.ReportAllocs()
			for b.Loop() {
				table := NewTable(Options{})
				p := packet.Packet{Frame: packet.Frame{Wire: 80}, PayloadLen: 26}
				for _, s := range packets {
					s.fill(&p)
					table.Packet(&p, unexpected)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(packets)), "ns/packet")
		})
	}
}
