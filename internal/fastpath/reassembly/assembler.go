// Package reassembly puts the payload of TCP segments in order: what comes in order is passed on at once and as it
// stands, what comes early is held until the hole before it is filled or given up.
package reassembly

import (
	"time"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// Sink is given a stream's bytes in order. Positions count from a direction's first byte, gaps included; data is valid
// during the call. A Sink must not call the Assembler.
type Sink interface {
	Data(dir flow.Dir, pos int64, data []byte)
	// Gap says that the n bytes from pos on are missing and won't come.
	Gap(dir flow.Dir, pos, n int64)
	// End comes once for each direction, after all its data.
	End(dir flow.Dir, why flow.End)
}

// Options bounds an Assembler. The zero value is ready for use: 0 stands for the value given here.
type Options struct {
	MaxStream int64 // 4 MiB; memory held for one stream, both directions together
	MaxTotal  int64 // 64 MiB; for all
	// LastWins says which of two segments with the same bytes counts as long as neither was passed on: the one that
	// came last, instead of the first.
	LastWins bool
	// GapTimeout is how long data waits behind a hole, in capture time; 0: 30 s.
	GapTimeout time.Duration
}

// Reason says why a gap was reported.
type Reason uint8

// The reasons.
const (
	ByAck       Reason = iota // the receiver has acknowledged the bytes: only the capture lacks them
	ByTimeout                 // GapTimeout
	ByStreamCap               // MaxStream
	ByTotalCap                // MaxTotal
	ByEnd                     // the stream ended first
	ByCut                     // the capture has the packet's beginning only
	NumReasons
)

// Stats counts what an Assembler has done.
type Stats struct {
	Delivered uint64 // bytes
	Gaps      [NumReasons]uint64
	GapBytes  uint64
	Repeated  uint64 // bytes that came again, or after their gap was reported
	Ignored   uint64 // segments that can't belong to their stream
	MostHeld  int64  // bytes of memory
}

// Assembler reassembles the streams of one engine and belongs to its goroutine. It allocates nothing for data that comes
// in order. Every Stream that had a Segment must be given to Close or Drop before its memory is used for something else.
type Assembler struct {
	o     Options
	now   int64 // capture time of the latest segment
	pool  blockPool
	wait  waitList
	stats Stats
}

// New makes an Assembler.
func New(o Options) *Assembler {
	if o.MaxStream <= 0 {
		o.MaxStream = 4 << 20
	}
	if o.MaxTotal <= 0 {
		o.MaxTotal = 64 << 20
	}
	if o.GapTimeout <= 0 {
		o.GapTimeout = 30 * time.Second
	}
	return &Assembler{o: o}
}

// Segment takes a TCP packet of the stream s that went in the direction dir. sink, which must be the same for all
// segments of a stream, may be called for both directions. The answer is whether p brought bytes that had come before.
func (a *Assembler) Segment(s *Stream, dir flow.Dir, p *packet.Packet, sink Sink) (retransmitted bool) {
	if s.over {
		return false
	}
	a.now = p.Time
	h, back := s.half(dir), s.half(dir.Other())
	if p.Flags&packet.RST != 0 {
		if h.near(p.Seq) {
			a.Close(s, sink, flow.Closed)
		} else {
			a.stats.Ignored++
		}
		return false
	}
	seq := p.Seq
	if p.Flags&packet.SYN != 0 {
		seq++ // a SYN takes a number
		if !h.open(seq) {
			a.stats.Ignored++
			return false
		}
	}
	if p.Flags&packet.ACK != 0 {
		if h.atStart() {
			back.begin(p.Ack) // which does nothing unless the other side's SYN was not captured
		}
		back.acknowledge(p.Ack, a.now)
		a.settle(back, sink)
	}
	if p.PayloadLen == 0 && p.PayloadCut == 0 && p.Flags&packet.FIN == 0 {
		return false
	}
	h.begin(seq)
	h.arrived(a.now)
	retransmitted = a.accept(s, h, sink, seq, p)
	a.settle(h, sink)
	return retransmitted
}

// accept takes the payload and the FIN of a segment whose direction has begun.
func (a *Assembler) accept(s *Stream, h *half, sink Sink, seq uint32, p *packet.Packet) (retransmitted bool) {
	seg := piece{pos: h.position(seq), data: p.Payload(), cut: int64(p.PayloadCut)}
	if seg.pos-h.pos > maxAhead {
		a.stats.Ignored++
		return false
	}
	if p.Flags&packet.FIN != 0 {
		h.close(seg.end())
	}
	if h.hasFIN {
		seg.trimEnd(h.fin)
	}
	repeated := seg.trimStart(h.pos)
	if repeated == 1 && seg.empty() { // a keep-alive may have a byte (RFC 9293, section 3.8.4)
		return false
	}
	repeated += a.place(s, h, sink, seg)
	a.stats.Repeated += uint64(repeated)
	return repeated > 0
}

// Close passes on what is held, with its gaps, and ends both directions.
func (a *Assembler) Close(s *Stream, sink Sink, why flow.End) {
	if s.over {
		return
	}
	s.over = true
	for dir := range flow.Dir(2) {
		h := s.half(dir)
		for h.held != nil {
			a.skip(h, sink, ByEnd)
		}
		if missing := h.missing(); missing > 0 && !h.ended {
			a.gap(h, sink, h.pos+missing, ByEnd)
		}
		a.end(h, sink, why)
	}
}

// Drop forgets a stream: what is held is not passed on, and nothing follows.
func (a *Assembler) Drop(s *Stream) {
	s.over = true
	for dir := range s.halves {
		a.forget(&s.halves[dir])
	}
}

// Expire gives up the holes that data has waited behind for GapTimeout at the capture time now. It calls the sinks of the
// streams concerned, and is meant to be called about once a second.
func (a *Assembler) Expire(now int64) {
	a.now = now
	for w := a.wait.oldest; w != nil && a.timedOut(w); w = a.wait.oldest {
		a.skip(w.half, w.sink, ByTimeout)
	}
}

// Held is the memory in use for data that waits, in bytes.
func (a *Assembler) Held() int64 { return a.pool.used * blockSize }

// Stats tells what was done so far.
func (a *Assembler) Stats() Stats { return a.stats }
