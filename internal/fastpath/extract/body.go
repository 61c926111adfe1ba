package extract

// ratioFrom is the size of a body from which Options.MaxRatio counts.
const ratioFrom = 16 << 20

// body gives the bytes of a message's body on, decoded.
type body struct {
	want    bool
	codings codings
	decoder *decoder  // at work; nil: nothing to decode, or not yet, or no more
	pos     int64     // bytes given on, gaps included
	coded   int64     // bytes taken
	state   BodyState // the worst that was found so far
	skip    bool      // what follows can't be given on
}

// worse notes what was found about the body.
func (b *body) worse(s BodyState) { b.state = max(b.state, s) }

// begin makes b ready for a body.
func (b *body) begin(want bool, c codings, coded bool) {
	*b = body{want: want, codings: c}
	if coded {
		b.codings = codings{}
	}
}

// add takes the next bytes of the body out of its framing.
func (b *body) add(h *half, data []byte) {
	if len(data) == 0 {
		return
	}
	first := b.coded == 0
	b.coded += int64(len(data))
	switch {
	case !b.want:
		b.pos += int64(len(data))
		return
	case b.skip:
		return
	case first && b.codings.n > 0:
		b.decode(h, data[0])
	}
	if b.decoder == nil {
		b.give(h, data)
		return
	}
	if !b.decoder.feed(data, func(decoded []byte) bool { return b.give(h, decoded) }) {
		b.stop(h)
	}
}

// decode begins to decode if it can.
func (b *body) decode(h *half, first byte) {
	if b.codings.fits(first) {
		b.decoder = h.conn.pool.decoder(b.codings, first)
	}
	if b.decoder == nil {
		b.worse(Undecoded)
	}
}

// stop ends decoding. What follows has no meaning.
func (b *body) stop(h *half) {
	if !b.decoder.whole() {
		b.worse(Undecoded)
	}
	b.release(h)
	b.skip = true
}

func (b *body) release(h *half) {
	if b.decoder != nil {
		h.conn.pool.release(b.decoder)
		b.decoder = nil
	}
}

// give hands bytes to the handler and tells whether it may go on.
func (b *body) give(h *half, data []byte) bool {
	limit := h.conn.pool.opts.MaxBody
	if limit > 0 && b.pos+int64(len(data)) > limit {
		data = data[:max(0, limit-b.pos)]
		b.skip = true
	}
	if b.decoder != nil && b.pos > ratioFrom && b.pos/h.conn.pool.opts.MaxRatio > b.coded {
		data = nil
		b.skip = true
	}
	if len(data) > 0 {
		h.conn.handler.Body(h.x, h.dir, b.pos, data)
		b.pos += int64(len(data))
	}
	if b.skip {
		b.worse(TooLong)
	}
	return !b.skip
}

// gap passes over n missing bytes. Coded bytes behind a gap can't be decoded.
func (b *body) gap(h *half, n int64) {
	b.worse(Truncated)
	switch {
	case !b.want:
		b.pos += n
	case b.skip:
	case b.decoder != nil, b.codings.n > 0 && b.coded == 0:
		b.release(h)
		b.skip = true
	default:
		h.conn.handler.Gap(h.x, h.dir, b.pos, n)
		b.pos += n
	}
	b.coded += n
}

// end gives what is left and says how the body ended.
func (b *body) end(h *half, state BodyState) BodyState {
	if b.decoder != nil {
		b.decoder.finish(func(decoded []byte) bool { return b.give(h, decoded) })
		b.stop(h)
	}
	b.worse(state)
	return b.state
}
