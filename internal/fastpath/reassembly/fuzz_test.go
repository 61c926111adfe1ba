package reassembly

import (
	"encoding/binary"
	"testing"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// byteAt is the byte that all segments have for a sequence number.
func byteAt(dir flow.Dir, seq uint32) byte { return byte(seq*2654435761>>24) + byte(dir) }

// judge is a recorder that knows which bytes were sent.
type judge struct {
	recorder
	stream Stream
	first  [2]uint32 // number of the byte at 0
}

func (j *judge) Data(dir flow.Dir, pos int64, data []byte) {
	h := &j.stream.halves[dir]
	if pos == 0 {
		j.first[dir] = h.next - uint32(len(data))
	}
	j.step(dir, pos, int64(len(data)))
	for i, b := range data {
		if want := byteAt(dir, j.first[dir]+uint32(pos)+uint32(i)); b != want {
			j.t.Fatalf("direction %d: %#x at %d, %#x was sent", dir, b, pos+int64(i), want)
		}
	}
}

func (j *judge) Gap(dir flow.Dir, pos, n int64) {
	if pos == 0 {
		j.first[dir] = j.stream.halves[dir].next - uint32(n)
	}
	j.step(dir, pos, n)
}

// described makes the segment that 8 bytes describe, and says of which stream it is.
func described(b []byte) (stream int, dir flow.Dir, p *packet.Packet) {
	dir, stream = flow.Dir(b[0]>>7), int(b[0]>>6&1)
	seq := uint32(int32(binary.BigEndian.Uint32(b)<<8) >> 8) // from both sides of 0
	from := seq
	if b[0]&packet.SYN != 0 {
		from++
	}
	data := make([]byte, int(b[4])*int(1+b[4]%40))
	for i := range data {
		data[i] = byteAt(dir, from+uint32(i))
	}
	p = seg(b[0]&0x3f, seq, seq+uint32(b[6])<<3, string(data))
	p.PayloadCut = uint32(b[5])
	return stream, dir, p
}

// FuzzAssembler sends segments that the input describes through small caps.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte{packet.SYN, 0, 0, 100, 0, 0, 0, 0, packet.ACK, 0, 0, 103, 4, 0, 0, 0, packet.ACK, 0, 0, 101, 2, 0, 0, 0, packet.FIN, 0, 0, 107, 0, 0, 0, 0}, false)
	f.Add([]byte{packet.ACK, 255, 255, 250, 9, 0, 0, 0, packet.ACK, 0, 0, 9, 20, 3, 1, 0, packet.ACK | 0x80, 0, 1, 0, 20, 3, 1, 60}, true)
	f.Fuzz(func(t *testing.T, input []byte, last bool) {
		input = input[:min(len(input), 8*500)]
		a := New(Options{MaxStream: 4 * blockSize, MaxTotal: 5 * blockSize, LastWins: last})
		judges := [2]*judge{{recorder: recorder{t: t}}, {recorder: recorder{t: t}}}
		now := int64(0)
		for ; len(input) >= 8; input = input[8:] {
			i, dir, p := described(input)
			now += int64(input[7]) * 1e6
			p.Time = now
			a.Segment(&judges[i].stream, dir, p, judges[i])
			if a.Held() > 5*blockSize {
				t.Fatalf("%d bytes are held", a.Held())
			}
			if input[7] == 255 {
				a.Expire(now + 60e9)
			}
		}
		for _, j := range judges {
			a.Close(&j.stream, j, flow.Finish)
			if !j.ended[0] || !j.ended[1] {
				t.Fatal("a direction did not end")
			}
		}
		if a.Held() != 0 || a.wait != (waitList{}) {
			t.Fatalf("%d bytes are still held", a.Held())
		}
	})
}
