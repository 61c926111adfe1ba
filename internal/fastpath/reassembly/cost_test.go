package reassembly

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// void is a Sink that counts.
type void struct{ bytes, gaps int64 }

func (v *void) Data(_ flow.Dir, _ int64, data []byte) { v.bytes += int64(len(data)) }
func (v *void) Gap(_ flow.Dir, _, n int64)            { v.gaps += n }
func (v *void) End(flow.Dir, flow.End)                {}

// TestNoAllocation: data in order allocates nothing, and once there are blocks, data out of order needs only the note
// that there is a hole.
func TestNoAllocation(t *testing.T) {
	a := New(Options{})
	var stream Stream
	v := new(void)
	a.Segment(&stream, flow.ToServer, seg(syn, 100, 0, ""), v)
	data, reply := seg(ack, 101, 501, string(make([]byte, 1460))), seg(ack, 501, 0, "")
	next := func() { data.Seq += data.PayloadLen }
	if n := testing.AllocsPerRun(1000, func() {
		a.Segment(&stream, flow.ToServer, data, v)
		next()
		reply.Ack = data.Seq
		a.Segment(&stream, flow.ToClient, reply, v)
	}); n != 0 {
		t.Errorf("in order: %v allocations a segment", n)
	}
	early := *data
	if n := testing.AllocsPerRun(1000, func() {
		early.Seq = data.Seq + data.PayloadLen
		a.Segment(&stream, flow.ToServer, &early, v)
		a.Segment(&stream, flow.ToServer, data, v)
		next()
		next()
	}); n > 1 {
		t.Errorf("out of order: %v allocations for each hole", n)
	}
	if v.gaps != 0 || v.bytes != int64(data.Seq-101) {
		t.Errorf("%d bytes, %d missing", v.bytes, v.gaps)
	}
}

func BenchmarkSegments(b *testing.B) {
	const size = 1460
	payload := string(make([]byte, size))
	for _, percent := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("%d%%reordered", percent), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			order := make([]uint32, 10_000)
			for i := range order {
				order[i] = uint32(i)
			}
			for i := range len(order) - 4 {
				if r.IntN(100) < percent {
					order[i], order[i+3] = order[i+3], order[i]
				}
			}
			p := seg(packet.ACK, 0, 0, payload)
			b.SetBytes(int64(len(order)) * size)
			b.ReportAllocs()
			for b.Loop() {
				a := New(Options{})
				var stream Stream
				v := new(void)
				a.Segment(&stream, flow.ToServer, seg(packet.SYN, 100, 0, ""), v)
				for _, n := range order {
					p.Seq = 101 + n*size
					p.Time += 1000
					a.Segment(&stream, flow.ToServer, p, v)
				}
				a.Close(&stream, v, flow.Finish)
				if v.bytes != int64(len(order))*size {
					b.Fatalf("%d bytes, %d missing", v.bytes, v.gaps)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(order)), "ns/segment")
		})
	}
}
