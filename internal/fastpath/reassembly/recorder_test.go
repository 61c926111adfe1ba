package reassembly

import (
	"fmt"
	"strings"
	"testing"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// recorder is a Sink that holds a stream's laws and writes down what came.
type recorder struct {
	t      testing.TB
	events []string
	bytes  [2][]byte // a gap's bytes are 0
	gaps   [2][]span
	pos    [2]int64
	ended  [2]bool
	why    [2]flow.End
}

type span struct{ from, to int64 }

func (r *recorder) step(dir flow.Dir, pos, n int64) {
	if pos != r.pos[dir] || n <= 0 {
		r.t.Fatalf("direction %d: %d bytes at %d, want them at %d", dir, n, pos, r.pos[dir])
	}
	if r.ended[dir] {
		r.t.Fatalf("direction %d: %d bytes after the end", dir, n)
	}
	r.pos[dir] += n
}

func (r *recorder) Data(dir flow.Dir, pos int64, data []byte) {
	r.step(dir, pos, int64(len(data)))
	r.bytes[dir] = append(r.bytes[dir], data...)
	r.events = append(r.events, fmt.Sprintf("%s%d:%s", arrow(dir), pos, data))
}

func (r *recorder) Gap(dir flow.Dir, pos, n int64) {
	r.step(dir, pos, n)
	if n < 1<<20 {
		r.bytes[dir] = append(r.bytes[dir], make([]byte, n)...)
	}
	r.gaps[dir] = append(r.gaps[dir], span{pos, pos + n})
	r.events = append(r.events, fmt.Sprintf("%s%d~%d", arrow(dir), pos, n))
}

func (r *recorder) End(dir flow.Dir, why flow.End) {
	if r.ended[dir] {
		r.t.Fatalf("direction %d ends twice", dir)
	}
	r.ended[dir], r.why[dir] = true, why
	name := map[flow.End]string{flow.Closed: "closed", flow.Idle: "idle", flow.Finish: "finish"}[why]
	r.events = append(r.events, arrow(dir)+name)
}

func arrow(dir flow.Dir) string {
	if dir == flow.ToServer {
		return ">"
	}
	return "<"
}

func (r *recorder) String() string { return strings.Join(r.events, " ") }

// seg makes a segment.
func seg(flags uint8, seq, ack uint32, data string) *packet.Packet {
	p := &packet.Packet{Flags: flags, Seq: seq, Ack: ack, PayloadLen: uint32(len(data))}
	p.Data = []byte(data)
	return p
}
