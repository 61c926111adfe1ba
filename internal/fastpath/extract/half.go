package extract

import (
	"bytes"

	"eddy/internal/fastpath/flow"
)

// half reads one direction of a connection.
type half struct {
	conn  *Conn
	dir   flow.Dir
	phase phase
	buf   []byte // the part of a head that came so far
	scan  int    // where in buf the first line begins that is not complete
	doubt bool   // it is not sure yet that buf begins a message
	begun bool   // a message was seen

	// The message whose head was read.
	x      *Exchange
	left   int64 // bytes to come of a body with a length
	length int64 // what its head announced; -1: nothing
	expect bool  // the body comes only when the server agrees
	last   bool  // no message follows
	chunks chunks
	body   body
}

// phase says what a half expects next.
type phase uint8

const (
	phaseStart phase = iota // a message
	phaseHead               // the rest of a head
	phaseLength
	phaseChunked
	phaseUntilEnd
	phaseSurplus // behind a body with a length
	phaseLost    // a message, anywhere: what comes before is passed over
	phaseTunnel  // nothing that is HTTP
	phaseEnded
)

func (h *half) reset(c *Conn, dir flow.Dir) {
	h.release()
	*h = half{conn: c, dir: dir, buf: h.buf, chunks: chunks{line: h.chunks.line}}
	h.chunks.reset()
}

// release empties buf, whose memory is kept when it is small.
func (h *half) release() {
	if h.buf = h.buf[:0]; cap(h.buf) > keepBuffer {
		h.buf = nil
	}
}

// take consumes at least one byte of data and gives the number.
func (h *half) take(data []byte) int {
	switch h.phase {
	case phaseStart:
		return h.takeStart(data)
	case phaseHead:
		return h.takeHead(data)
	case phaseLength:
		return h.takeLength(data)
	case phaseChunked:
		return h.takeChunked(data)
	case phaseUntilEnd:
		h.body.add(h, data)
	case phaseSurplus:
		return h.takeSurplus(data)
	case phaseLost:
		return h.takeLost(data)
	}
	return len(data)
}

// takeStart passes over empty lines (RFC 9112 §2.2) and looks whether a message can begin here.
func (h *half) takeStart(data []byte) int {
	b := data[0]
	if b == '\r' || b == '\n' {
		return 1
	}
	h.phase = phaseHead
	// The first request must look like one, for the capture may have begun within its body. Behind it, odd ones are read.
	h.buf, h.scan, h.doubt = h.buf[:0], 0, h.dir == flow.ToServer && !h.begun
	if h.dir == flow.ToServer && (b < ' ' || b == 0x7f) {
		return h.takeLost(data)
	}
	return h.takeHead(data)
}

// takeHead reads on in a head. One that is in data as a whole is not copied.
func (h *half) takeHead(data []byte) int {
	held := len(h.buf)
	buf := data
	if held > 0 {
		h.buf = append(h.buf, data[:min(len(data), h.conn.pool.opts.MaxHead-held)]...)
		buf = h.buf
	}
	if h.doubt {
		switch looks(buf, h.dir) {
		case yes:
			h.doubt = false
		case no:
			return h.takeLost(data)
		}
	}
	if h.dir == flow.ToClient && !beginsVersion(buf) {
		return h.noAnswer(data, held)
	}
	end, next := headEnd(buf, h.scan)
	switch limit := h.conn.pool.opts.MaxHead; {
	case end > 0 && end <= limit:
		h.head(buf[:end], true)
		return end - held
	case len(buf) >= limit:
		h.head(buf[:limit], false)
		return limit - held
	}
	if held == 0 {
		h.buf = append(h.buf, data...)
	}
	h.scan = next
	return len(data)
}

// beginsVersion tells whether b is or may become a status line.
func beginsVersion(b []byte) bool {
	const version = "HTTP/"
	n := min(len(b), len(version))
	return string(b[:n]) == version[:n]
}

// noAnswer consumes data where an answer is due but something else stands: the body that HTTP/0.9 sends without a head, or
// what can't be understood, as behind a body that was longer than its Content-Length.
func (h *half) noAnswer(data []byte, held int) int {
	before := h.buf[:held]
	w := h.conn.waiting
	if len(w) == 0 || w[0].Request == nil || w[0].Request.Version != "" {
		return h.takeLost(data)
	}
	h.begin(h.conn.pop(), &Head{Time: h.conn.time}, framing{length: -1})
	if h.phase == phaseUntilEnd {
		h.body.add(h, before)
		h.body.add(h, data)
	}
	return len(data)
}

// answered tells a request's half that the server has sent something. A line without a version that waits for headers is
// a whole request of HTTP/0.9 then.
func (h *half) answered() {
	line := bytes.IndexByte(h.buf, '\n') + 1
	if h.phase != phaseHead || line == 0 || line != len(h.buf) || line > maxLooks {
		return
	}
	if head, _ := parseHead(string(h.buf), 0, false); head.Version == "" && len(head.Headers) == 0 {
		h.head(h.buf, true)
	}
}

func (h *half) takeLength(data []byte) int {
	if h.expect && h.refused() && requestStart(data) != no {
		h.finish(Truncated)
		return h.takeLost(data)
	}
	h.expect = false
	n := int(min(h.left, int64(len(data))))
	h.left -= int64(n)
	h.body.add(h, data[:n])
	switch {
	case h.left > 0:
	case h.last && h.dir == flow.ToClient && h.surplus(data[n:]):
		h.phase = phaseSurplus
	default:
		h.finish(Closed)
	}
	return n
}

// surplus tells whether rest, which came in one piece with the end of a body, is more of it than was announced. Only a
// server that closes the connection behind it can mean that, for its clients take what comes until then.
func (h *half) surplus(rest []byte) bool {
	rest = bytes.TrimLeft(rest, "\r\n")
	return len(rest) > 0 && answerStart(rest) == no && len(h.conn.waiting) == 0
}

func (h *half) takeSurplus(data []byte) int {
	if answerStart(data) != no || len(h.conn.waiting) > 0 {
		h.finish(Closed)
		return h.take(data)
	}
	h.body.add(h, data)
	return len(data)
}

// refused tells whether the server has answered for good before the body came (RFC 9110 §10.1.1).
func (h *half) refused() bool { return h.x.Response != nil && h.x.Response.Status >= 300 }

func (h *half) takeChunked(data []byte) int {
	run, n := h.chunks.next(data, h.conn.pool.opts.MaxHead)
	if len(run) > 0 {
		h.body.add(h, run)
		return n
	}
	switch h.chunks.state {
	case chunkDone:
		h.finish(Closed)
	case chunkBroken:
		h.lose()
	case chunkNone:
		h.notChunked()
	}
	return n
}

// notChunked goes on with a body that was said to be chunked but is not.
func (h *half) notChunked() {
	line := h.chunks.line
	switch {
	case h.length > 0:
		h.phase, h.left = phaseLength, h.length
		for len(line) > 0 && h.phase == phaseLength {
			line = line[h.takeLength(line):]
		}
	case h.dir == flow.ToClient:
		h.phase = phaseUntilEnd
		h.body.add(h, line)
	default:
		h.lose()
	}
}

// takeLost looks for the next message.
func (h *half) takeLost(data []byte) int {
	h.phase = phaseLost
	h.release()
	i := findStart(data, h.dir)
	if i < 0 {
		return len(data)
	}
	h.phase = phaseHead
	h.scan, h.doubt = 0, true
	return i + h.takeHead(data[i:])
}
