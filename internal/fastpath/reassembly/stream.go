package reassembly

import "eddy/internal/fastpath/flow"

// Stream is the state of a TCP connection. The zero value is ready for use.
type Stream struct {
	halves [2]half // by the direction that the bytes go
	over   bool    // nothing is passed on any more
}

// half is one direction of a Stream. Between calls of the Assembler, what is held begins after pos, does not overlap, and
// reaches to the FIN at most, if one is known.
type half struct {
	// pos is the position of the next byte to pass on, next its sequence number. All before was passed on or
	// reported as a gap.
	pos  int64
	next uint32

	dir    flow.Dir
	begun  bool // pos and next are known
	hasSYN bool // position 0 is known to be the first byte, not just the first seen
	hasFIN bool
	ended  bool // the sink knows
	fin    int64

	// The other side has acknowledged all before the position acked. What was acknowledged and has not come will not
	// come, but a capture may have an acknowledgement before the data (two interfaces, several queues). So there is
	// grace: what was acked becomes marked, and what was marked becomes sure, in steps of at least graceTime or
	// graceSegments.
	acked, marked, sure int64
	markTime            int64
	segments            int // of this direction since markTime

	held *backlog // what came early; nil: nothing
}

const (
	graceTime     = 50e6 // ns
	graceSegments = 16

	maxAhead = 1 << 30 // bytes; no TCP window is larger (RFC 7323, section 2.3)
	rstSlack = 1 << 20 // bytes; how far from the expected place an RST may be
)

func (s *Stream) half(dir flow.Dir) *half {
	h := &s.halves[dir]
	h.dir = dir
	return h
}

// position gives the place of a sequence number: of the places with this number the nearest to pos. It is below pos for
// what has come already and may be negative for what came before the first byte seen.
func (h *half) position(seq uint32) int64 { return h.pos + int64(int32(seq-h.next)) }

// begin sets the number of the first byte if it isn't known.
func (h *half) begin(seq uint32) {
	if !h.begun {
		h.begun, h.next = true, seq
	}
}

// open is begin for a SYN. It reports false for a SYN that contradicts what was seen.
func (h *half) open(seq uint32) bool {
	if !h.begun {
		h.begin(seq)
		h.hasSYN = true
	}
	return h.position(seq) == 0
}

// atStart reports whether this side has sent a SYN and nothing yet: what it acknowledges is the other side's SYN.
func (h *half) atStart() bool { return h.hasSYN && h.pos == 0 && h.held == nil }

// close notes where a FIN stands. The first one counts, if nothing was sent after it.
func (h *half) close(pos int64) {
	if !h.hasFIN && pos >= h.pos && (h.held == nil || pos >= h.held.end()) {
		h.hasFIN, h.fin = true, pos
	}
}

// advance moves on by n bytes.
func (h *half) advance(n int64) {
	h.pos += n
	h.next += uint32(n)
}

// acknowledge notes what the other side has received.
func (h *half) acknowledge(ack uint32, now int64) {
	if !h.begun {
		return
	}
	if pos := h.position(ack); pos > h.acked && pos-h.pos <= maxAhead {
		h.acked = pos
	}
	h.age(now)
}

// arrived counts a segment of this direction.
func (h *half) arrived(now int64) {
	h.segments++
	h.age(now)
}

func (h *half) age(now int64) {
	if h.segments >= graceSegments || now-h.markTime >= graceTime {
		h.sure, h.marked = h.marked, h.acked
		h.markTime, h.segments = now, 0
	}
}

// missing counts the bytes that are known to have been sent after pos when nothing is held. An acknowledgement of one
// more byte is that of a FIN which was not captured.
func (h *half) missing() int64 {
	switch {
	case h.hasFIN:
		return h.fin - h.pos
	case h.acked-h.pos > 1:
		return h.acked - h.pos
	}
	return 0
}

// near reports whether an RST with this number can be meant for the connection: it must be close to what is expected
// (RFC 5961, section 3, asks for more, but a capture may lack packets).
func (h *half) near(seq uint32) bool {
	if !h.begun {
		return true
	}
	d := h.position(seq) - h.pos
	return -rstSlack <= d && d <= rstSlack
}

// heldBytes is the memory that waits in both directions.
func (s *Stream) heldBytes() (n int64) {
	for i := range s.halves {
		if w := s.halves[i].held; w != nil {
			n += w.blocks * blockSize
		}
	}
	return n
}

// anyHeld gives what h holds, or else the other direction, or nil.
func (s *Stream) anyHeld(h *half) *backlog {
	if h.held != nil {
		return h.held
	}
	return s.halves[h.dir.Other()].held
}
