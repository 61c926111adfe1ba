package extract

import "eddy/internal/fastpath/flow"

// head has a head, or as much of it as there will be.
func (h *half) head(raw []byte, whole bool) {
	c := h.conn
	head, f := parseHead(string(raw), c.time, h.dir == flow.ToClient)
	h.release()
	var x *Exchange
	if h.dir == flow.ToServer {
		x = c.request(head)
	} else {
		x = c.answer(head)
	}
	if whole {
		h.begin(x, head, f)
		return
	}
	h.tell(x, head, f)
	h.lose()
}

// tell tells the handler of a message.
func (h *half) tell(x *Exchange, head *Head, f framing) {
	if h.dir == flow.ToClient {
		h.conn.hold(x, head.cost()-x.Response.cost())
		x.Response = head
	}
	h.x, h.begun = x, true
	x.open[h.dir] = true
	want := h.conn.handler.Head(x, h.dir)
	h.body.begin(want, f.codings, h.conn.pool.opts.Coded)
}

// begin tells the handler of a message and gets ready for its body.
func (h *half) begin(x *Exchange, head *Head, f framing) {
	h.tell(x, head, f)
	h.length, h.expect, h.last = f.length, f.expect, f.last(head)
	switch f.kind(x, h.dir) {
	case kindNone:
		h.finish(Closed)
	case kindLength:
		h.phase, h.left = phaseLength, f.length
	case kindChunked:
		h.phase = phaseChunked
		h.chunks.reset()
	case kindUntilEnd:
		h.phase = phaseUntilEnd
	case kindTunnel:
		h.finish(Closed)
		h.conn.enterTunnel()
		return
	}
	h.afterConnect(x, head)
}

// afterConnect handles what may follow a CONNECT, which its answer decides: as long as there is none, only what is surely
// a request is taken for one.
func (h *half) afterConnect(x *Exchange, head *Head) {
	if x.Request == nil || x.Request.Method != "CONNECT" {
		return
	}
	client := &h.conn.half[flow.ToServer]
	switch {
	case h == client && client.phase == phaseStart:
		client.phase = phaseLost
	case h != client && client.phase == phaseLost && !head.Interim():
		client.phase = phaseStart
	}
}

// finish ends the message with a state, or a worse one that was found before.
func (h *half) finish(state BodyState) {
	x := h.x
	state = h.body.end(h, state)
	h.x, h.phase = nil, phaseStart
	x.open[h.dir] = false
	h.conn.handler.End(x, h.dir, h.body.pos, state)
	h.conn.done(x)
}
