package reassembly

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// traffic says how a stream's segments are generated.
type traffic struct {
	size      int // bytes of the stream
	segment   int // at most
	reorder   int // how many places a segment may come later
	duplicate int // percent
	overlap   int // percent of segments that begin earlier than need be
	lose      int // percent; what is lost comes never
	conflict  bool
}

// generated is one direction's stream and the segments that carry it.
type generated struct {
	stream   []byte
	segments []*packet.Packet // SYN and FIN among them
	isn      uint32
}

func generate(r *rand.Rand, k traffic) generated {
	g := generated{stream: make([]byte, k.size), isn: r.Uint32()}
	if r.IntN(3) == 0 {
		g.isn = -uint32(r.IntN(k.size + 2)) // the numbers wrap within the stream
	}
	for i := range g.stream {
		g.stream[i] = byte(1 + r.IntN(255)) // a gap is zeros in the recorder
	}
	at := func(i int) uint32 { return g.isn + 1 + uint32(i) }
	data := func(from, to int) *packet.Packet {
		b := bytes.Clone(g.stream[from:to])
		if k.conflict {
			for i := range b {
				b[i] = byte(1 + r.IntN(255))
			}
		}
		return seg(ack, at(from), 0, string(b))
	}
	for pos := 0; pos < k.size; {
		from, to := pos, min(pos+1+r.IntN(k.segment), k.size)
		if r.IntN(100) < k.overlap {
			from = max(0, from-r.IntN(2*k.segment))
		}
		if r.IntN(100) >= k.lose {
			g.segments = append(g.segments, data(from, to))
		}
		if r.IntN(100) < k.duplicate {
			g.segments = append(g.segments, data(from, to))
		}
		pos = to
	}
	g.segments = append(g.segments, seg(fin, at(k.size), 0, ""))
	g.segments = shuffle(r, g.segments, k.reorder)
	g.segments = append([]*packet.Packet{seg(syn, g.isn, 0, "")}, g.segments...)
	return g
}

// shuffle moves packets at most reach places.
func shuffle(r *rand.Rand, in []*packet.Packet, reach int) []*packet.Packet {
	out := slices.Clone(in)
	if reach > 0 {
		for i := range out {
			j := min(i+r.IntN(reach), len(out)-1)
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

func TestGenerated(t *testing.T) {
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 7))
		k := traffic{
			size:      1 + r.IntN(40_000),
			segment:   1 + r.IntN(3000),
			reorder:   r.IntN(20),
			duplicate: r.IntN(30),
			overlap:   r.IntN(50),
		}
		if seed%2 == 0 {
			k.lose = r.IntN(20)
		}
		t.Run(fmt.Sprintf("%d", seed), func(t *testing.T) {
			g := generate(r, k)
			got := run(t, Options{}, g.segments)
			compareWithStream(t, g.stream, g.segments, got)
		})
		if t.Failed() {
			return
		}
	}
}

func run(t testing.TB, o Options, segments []*packet.Packet) *recorder {
	a := New(o)
	var stream Stream
	rec := &recorder{t: t}
	for _, p := range segments {
		a.Segment(&stream, flow.ToServer, p, rec)
	}
	a.Close(&stream, rec, flow.Finish)
	if a.Held() != 0 {
		t.Fatalf("%d bytes are still held", a.Held())
	}
	if !rec.ended[0] || rec.why[0] != flow.Closed {
		t.Fatalf("ended %v, %v", rec.ended[0], rec.why[0])
	}
	return rec
}

// compareWithStream holds that each byte that was sent came, and that the gaps are those that were not.
func compareWithStream(t *testing.T, stream []byte, segments []*packet.Packet, got *recorder) {
	isn := segments[0].Seq
	want := make([]byte, len(stream))
	for _, p := range segments {
		copy(want[int(min(p.Seq-isn-1, uint32(len(want)))):], p.Payload())
	}
	if !bytes.Equal(got.bytes[0], want) {
		t.Fatalf("%d bytes, want %d; the first difference is at %d", len(got.bytes[0]), len(want), difference(got.bytes[0], want))
	}
	for _, gap := range got.gaps[0] {
		if i := bytes.IndexFunc(want[gap.from:gap.to], func(r rune) bool { return r != 0 }); i >= 0 {
			t.Fatalf("the gap from %d to %d has a byte that came", gap.from, gap.to)
		}
	}
}

func difference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// TestConflicts has segments that contradict each other, and compares with a model that goes byte by byte.
func TestConflicts(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 8))
		k := traffic{
			size: 1 + r.IntN(300), segment: 1 + r.IntN(40), reorder: r.IntN(20),
			duplicate: r.IntN(60), overlap: r.IntN(60), lose: r.IntN(20), conflict: true,
		}
		g := generate(r, k)
		for _, last := range []bool{false, true} {
			got := run(t, Options{LastWins: last}, g.segments)
			if want := byteModel(g, last); !bytes.Equal(got.bytes[0], want) {
				t.Fatalf("seed %d, last wins: %v: difference at %d\ngot  %q\nwant %q",
					seed, last, difference(got.bytes[0], want), got.bytes[0], want)
			}
		}
	}
}

// byteModel keeps one byte for each place. A byte is settled once all before it have come.
func byteModel(g generated, last bool) []byte {
	out := make([]byte, len(g.stream))
	settled := 0
	for _, p := range g.segments {
		at := int(p.Seq - g.isn - 1)
		for i, b := range p.Payload() {
			if at+i >= settled && (last || out[at+i] == 0) {
				out[at+i] = b
			}
		}
		for settled < len(out) && out[settled] != 0 {
			settled++
		}
	}
	return out
}

// TestAcknowledgedLoss: with the receiver's acknowledgements in view, a loss in the capture holds up little, whether
// time passes or segments come.
func TestAcknowledgedLoss(t *testing.T) {
	for _, pause := range []int64{0, 1e6} {
		r := rand.New(rand.NewPCG(3, 9))
		g := generate(r, traffic{size: 1 << 20, segment: 1460, lose: 2})
		a := New(Options{})
		var stream Stream
		rec := &recorder{t: t}
		for i, p := range g.segments {
			p.Time = int64(i) * pause
			a.Segment(&stream, flow.ToServer, p, rec)
			back := seg(ack, 900, p.Seq+p.PayloadLen, "")
			back.Time = p.Time + pause/10
			a.Segment(&stream, flow.ToClient, back, rec)
		}
		if most := a.Stats().MostHeld; most > 60*blockSize {
			t.Errorf("%d bytes were held", most)
		}
		a.Close(&stream, rec, flow.Finish)
		compareWithStream(t, g.stream, g.segments, rec)
		if n := a.Stats().Gaps[ByAck]; n < 10 {
			t.Errorf("%d gaps by acknowledgement", n)
		}
	}
}

// TestCapsHold: whatever comes, memory stays within the caps, and positions fit together.
func TestCapsHold(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 10))
		a := New(Options{MaxStream: int64(r.IntN(20)) * blockSize, MaxTotal: int64(r.IntN(40)) * blockSize, LastWins: seed%2 == 0})
		streams := make([]Stream, 5)
		recorders := make([]*recorder, len(streams))
		for i := range recorders {
			recorders[i] = &recorder{t: t}
		}
		for range 2000 {
			i, dir := r.IntN(len(streams)), flow.Dir(r.IntN(2))
			p := seg(ack, 1000+uint32(r.IntN(100_000)), uint32(r.IntN(100_000)), string(make([]byte, r.IntN(9000))))
			p.PayloadCut = uint32(r.IntN(4) / 3 * r.IntN(50))
			if r.IntN(300) == 0 {
				p.Flags |= packet.FIN
			}
			a.Segment(&streams[i], dir, p, recorders[i])
			for i := range streams {
				if n := streams[i].heldBytes(); n > a.o.MaxStream {
					t.Fatalf("seed %d: a stream holds %d of %d bytes", seed, n, a.o.MaxStream)
				}
			}
			if a.Held() > a.o.MaxTotal {
				t.Fatalf("seed %d: %d of %d bytes are held", seed, a.Held(), a.o.MaxTotal)
			}
		}
		for i := range streams {
			a.Close(&streams[i], recorders[i], flow.Finish)
		}
		if a.Held() != 0 || a.wait != (waitList{}) {
			t.Fatalf("seed %d: %d bytes are still held", seed, a.Held())
		}
	}
}
