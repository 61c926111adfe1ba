package extract

import "eddy/internal/fastpath/flow"

// gap passes over n missing bytes.
func (h *half) gap(n int64) {
	switch h.phase {
	case phaseStart:
		h.missed()
		h.phase = phaseLost
	case phaseHead:
		h.cutHead()
		h.phase = phaseLost
	case phaseLength:
		h.expect = false
		in := min(n, h.left)
		h.left -= in
		h.body.gap(h, in)
		if h.left == 0 {
			h.finish(Closed)
			h.conn.Gap(h.dir, n-in)
		}
	case phaseChunked:
		if in := min(n, h.chunks.left); h.chunks.state == chunkData && in > 0 {
			h.body.gap(h, in)
			h.chunks.skip(in)
			h.conn.Gap(h.dir, n-in)
			return
		}
		// What follows can't be taken apart again.
		h.finish(h.chunks.over())
		h.phase = phaseLost
	case phaseUntilEnd:
		h.body.gap(h, n)
	case phaseSurplus:
		h.finish(Closed)
		h.phase = phaseLost
	}
}

// missed notes that a gap took the head of a message at least, so that those behind it stay paired.
func (h *half) missed() {
	c := h.conn
	if h.dir == flow.ToServer {
		c.request(nil)
	} else if len(c.waiting) > 0 {
		c.done(c.pop())
	}
}

// cutHead makes what it can of a head that came in part.
func (h *half) cutHead() {
	switch {
	case h.doubt:
		return
	case h.scan == 0:
		h.missed()
		return
	case h.dir == flow.ToClient && len(h.conn.waiting) == 0:
		return // nobody asked
	}
	h.head(h.buf, false)
}

// end finishes what is open when nothing more comes.
func (h *half) end(why flow.End) {
	switch h.phase {
	case phaseHead:
		if h.dir == flow.ToServer {
			h.answered() // or never will be, but it is all that is asked
		}
		if h.phase == phaseHead && h.scan > 0 {
			h.cutHead()
		}
	case phaseLength:
		h.finish(Truncated)
	case phaseSurplus:
		h.finish(Closed)
	case phaseChunked:
		h.finish(h.chunks.over())
	case phaseUntilEnd:
		state := Truncated
		if why == flow.Closed || why == flow.Finish { // where the capture ended first, nothing speaks against the rest
			state = Closed
		}
		h.finish(state)
	}
}

// lose ends the message, if there is one, and looks for another.
func (h *half) lose() {
	if h.x != nil {
		h.finish(Truncated)
	}
	h.phase = phaseLost
}
