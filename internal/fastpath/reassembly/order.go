package reassembly

import "eddy/internal/fastpath/flow"

// place passes a piece on or holds it, after holes were given up as far as the caps ask for that. It gives the number of
// bytes in p that had come before.
func (a *Assembler) place(s *Stream, h *half, sink Sink, p piece) (repeated int64) {
	if a.o.LastWins && h.held != nil {
		h.held.overwrite(p)
	}
	for !p.empty() {
		if p.pos == h.pos {
			return repeated + a.deliver(h, sink, p)
		}
		if h.held == nil && h.sure >= p.pos {
			a.gap(h, sink, p.pos, ByAck)
			continue
		}
		switch need := blocksFor(len(p.data)) * blockSize; {
		case s.heldBytes()+need > a.o.MaxStream:
			a.makeRoom(h, s.anyHeld(h), sink, p.pos, ByStreamCap)
		case a.Held()+need > a.o.MaxTotal:
			a.makeRoom(h, a.wait.oldest, sink, p.pos, ByTotalCap)
		default:
			return repeated + a.hold(s, h, sink, p)
		}
		repeated += p.trimStart(h.pos)
	}
	return repeated
}

// makeRoom gives up the first hole of w. If nothing is held that could go, the direction h goes on at pos at once.
func (a *Assembler) makeRoom(h *half, w *backlog, sink Sink, pos int64, why Reason) {
	if w == nil {
		a.gap(h, sink, pos, why)
		return
	}
	a.skip(w.half, w.sink, why)
}

// deliver passes on a piece at pos and what follows it. Held bytes come before those of the piece.
func (a *Assembler) deliver(h *half, sink Sink, p piece) (repeated int64) {
	for len(p.data) > 0 {
		n := int64(len(p.data))
		if h.held != nil {
			n = min(n, h.held.first.pos-h.pos)
		}
		a.emit(h, sink, p.data[:n])
		p.trimStart(h.pos)
		if h.held != nil {
			a.drain(h, sink)
			repeated += p.trimStart(h.pos)
		}
	}
	if p.cut > 0 {
		a.lose(h, sink, p.end())
		if h.held != nil {
			a.drain(h, sink)
		}
	}
	return repeated
}

// hold keeps a piece that begins after pos, but not its bytes that are held already, whose number it gives. What the
// caps don't allow is left out.
func (a *Assembler) hold(s *Stream, h *half, sink Sink, p piece) (repeated int64) {
	w := h.held
	if w == nil {
		w = &backlog{half: h, sink: sink, since: a.now}
		h.held = w
		a.wait.add(w)
	}
	before, after := w.around(p.pos)
	for len(p.data) > 0 {
		if after != nil && after.pos <= p.pos {
			repeated += p.trimStart(min(after.end(), p.pos+int64(len(p.data))))
			before, after = after, after.next
			continue
		}
		n := len(p.data)
		if after != nil {
			n = int(min(int64(n), after.pos-p.pos))
		}
		if before == nil || before.end() != p.pos || before.cut > 0 || before.n == blockRoom {
			if a.full(s) {
				break
			}
			before = a.insert(w, before, p.pos)
		}
		n = copy(before.buf[before.n:], p.data[:n])
		before.n += n
		p.trimStart(before.end())
	}
	if len(p.data) == 0 && p.cut > 0 {
		a.holdCut(s, w, before, after, p)
	}
	if w.first == nil {
		a.forget(h)
	}
	return repeated
}

// holdCut notes between two blocks that the bytes of p were not captured. What is held after their beginning stays.
func (a *Assembler) holdCut(s *Stream, w *backlog, before, after *block, p piece) {
	free := (before == nil || before.end() < p.pos) && (after == nil || after.pos > p.pos)
	if free && !a.full(s) {
		before = a.insert(w, before, p.pos)
	}
	if before != nil && before.end() == p.pos {
		before.cut = max(before.cut, p.cut)
	}
}

func (a *Assembler) full(s *Stream) bool {
	return s.heldBytes() >= a.o.MaxStream || a.Held() >= a.o.MaxTotal
}

// insert puts an empty block for the place pos behind the block before, or first.
func (a *Assembler) insert(w *backlog, before *block, pos int64) *block {
	b := a.pool.take(pos)
	a.stats.MostHeld = max(a.stats.MostHeld, a.Held())
	at := &w.first
	if before != nil {
		at = &before.next
	}
	b.next, *at = *at, b
	if b.next == nil {
		w.last = b
	}
	w.blocks++
	return b
}

// drain passes on what is held at pos, up to the next hole.
func (a *Assembler) drain(h *half, sink Sink) {
	w := h.held
	for b := w.first; b != nil && b.pos <= h.pos; b = w.first {
		w.first = b.next
		w.blocks--
		if done := h.pos - b.pos; done < int64(b.n) {
			a.emit(h, sink, b.buf[done:b.n])
		}
		a.lose(h, sink, b.end()+b.cut)
		a.pool.giveBack(b)
	}
	if w.first == nil {
		a.forget(h)
		return
	}
	w.since = a.now
	a.wait.remove(w)
	a.wait.add(w)
}

// forget lets go of all that is held.
func (a *Assembler) forget(h *half) {
	w := h.held
	if w == nil {
		return
	}
	for b := w.first; b != nil; b = w.first {
		w.first = b.next
		a.pool.giveBack(b)
	}
	a.wait.remove(w)
	h.held = nil
}

// settle gives up the holes that won't be filled, and ends a direction that is complete.
func (a *Assembler) settle(h *half, sink Sink) {
	for w := h.held; w != nil; w = h.held {
		switch {
		case h.sure >= w.first.pos:
			a.skip(h, sink, ByAck)
			continue
		case a.timedOut(w):
			a.skip(h, sink, ByTimeout)
			continue
		}
		return
	}
	if h.hasFIN && h.pos < h.fin && h.sure >= h.fin {
		a.gap(h, sink, h.fin, ByAck)
	}
	a.finish(h, sink)
}

func (a *Assembler) timedOut(w *backlog) bool { return a.now-w.since >= int64(a.o.GapTimeout) }

// skip gives up the first hole of a direction that holds something.
func (a *Assembler) skip(h *half, sink Sink, why Reason) {
	a.gap(h, sink, h.held.first.pos, why)
	a.drain(h, sink)
	a.finish(h, sink)
}

// finish ends a direction whose FIN has been reached.
func (a *Assembler) finish(h *half, sink Sink) {
	if h.hasFIN && h.pos == h.fin {
		a.end(h, sink, flow.Closed)
	}
}

// end tells the sink, once. A direction that has sent a FIN was closed, whatever happened to the flow.
func (a *Assembler) end(h *half, sink Sink, why flow.End) {
	if h.ended {
		return
	}
	h.ended = true
	if h.hasFIN {
		why = flow.Closed
	}
	sink.End(h.dir, why)
}

// emit passes on bytes at pos.
func (a *Assembler) emit(h *half, sink Sink, data []byte) {
	pos := h.pos
	h.advance(int64(len(data)))
	a.stats.Delivered += uint64(len(data))
	sink.Data(h.dir, pos, data)
}

// gap reports what is missing from pos up to another place.
func (a *Assembler) gap(h *half, sink Sink, to int64, why Reason) {
	pos, n := h.pos, to-h.pos
	h.advance(n)
	a.stats.Gaps[why]++
	a.stats.GapBytes += uint64(n)
	sink.Gap(h.dir, pos, n)
}

// lose reports what was not captured from pos up to another place, as far as it is not held.
func (a *Assembler) lose(h *half, sink Sink, to int64) {
	if h.held != nil && h.held.first != nil {
		to = min(to, h.held.first.pos)
	}
	if to > h.pos {
		a.gap(h, sink, to, ByCut)
	}
}
