package http1

import (
	"encoding/binary"
	"math/bits"
)

// Limits bound a head.
type Limits struct {
	MaxHeaders int // lines, the start line counts as one (tune.http.maxhdr)
	MaxHead    int // bytes (tune.bufsize less tune.maxrewrite)
}

// ParseRequest reads a request's head from buf, which begins with it. n is the length of the head with the blank
// line and with the empty lines in front of it (RFC 9112 §2.2); n = 0 without an error means that more bytes are
// needed: call again with the same bytes and more behind them, wherever they are in memory by then. Bytes behind
// the head are not looked at. The error is a *ParseError and lives until Reset.
//
// What it accepts and refuses is what HAProxy does or stricter: line ends may be a bare LF, folded lines are
// joined, the start line's parts may be set apart by several blanks; all else is by the book.
func (m *Message) ParseRequest(buf []byte, lim Limits) (n int, err error) {
	return m.parse(buf, lim, nil)
}

// ParseResponse is ParseRequest for a response. method is the request's: it decides whether a body follows (HEAD,
// CONNECT). Refusals have status 502.
func (m *Message) ParseResponse(buf []byte, lim Limits, method []byte) (n int, err error) {
	m.response = true
	return m.parse(buf, lim, method)
}

func (m *Message) parse(buf []byte, lim Limits, reqMethod []byte) (int, error) {
	whole := buf
	if len(buf) > lim.MaxHead {
		buf = buf[:lim.MaxHead]
	}
	m.buf = buf
	if !m.started && !m.parseStartLine() {
		return m.more(len(whole), lim)
	}
	if !m.parseFields(lim.MaxHeaders) {
		return m.more(len(whole), lim)
	}
	m.buf = whole
	m.rawEnd = m.pos
	if m.response {
		m.frameResponse(reqMethod)
	} else {
		m.frameRequest()
	}
	if m.err.Status != 0 {
		return 0, &m.err
	}
	return int(m.pos), nil
}

// more ends a parse that did not reach the end of the head.
func (m *Message) more(have int, lim Limits) (int, error) {
	if m.err.Status == 0 && have >= lim.MaxHead {
		m.fail(lim.MaxHead, "the head is longer than the buffer allows")
	}
	if m.err.Status != 0 {
		return 0, &m.err
	}
	return 0, nil
}

// fail notes why the message is refused. It returns false, so that a parser can end with it.
func (m *Message) fail(off int, text string) bool {
	m.err = ParseError{Status: 400, Off: off, Text: text}
	if m.response {
		m.err.Status = 502
	}
	return false
}

// parseStartLine takes empty lines and the start line. False means that bytes are missing, or an error when m.err
// is set.
func (m *Message) parseStartLine() bool {
	p := int(m.pos)
	for {
		n := lineEnd(m.buf, p)
		if n == 0 {
			break
		}
		if n < 0 {
			return m.lineEndError(p)
		}
		p += n
		m.pos = uint32(p)
	}
	if p == len(m.buf) {
		return false
	}
	m.rawOff = uint32(p)
	if m.response {
		return m.parseStatusLine(p)
	}
	return m.parseRequestLine(p)
}

// lineEnd is the length of the line end at p: 0 when there is none, -1 when it is incomplete or wrong.
func lineEnd(b []byte, p int) int {
	switch {
	case p >= len(b):
		return 0
	case b[p] == '\n':
		return 1
	case b[p] != '\r':
		return 0
	case p+1 < len(b) && b[p+1] == '\n':
		return 2
	}
	return -1
}

// lineEndError tells a bare CR at p from one whose LF is yet to come.
func (m *Message) lineEndError(p int) bool {
	if p+1 < len(m.buf) {
		return m.fail(p, "CR without LF")
	}
	return false
}

func (m *Message) parseRequestLine(p int) bool {
	b := m.buf
	i := p
	for i < len(b) && isToken[b[i]] {
		i++
	}
	if i == len(b) {
		return false
	}
	if i == p || b[i] != ' ' && b[i] != '\t' {
		return m.fail(i, "not a method")
	}
	m.method = span{uint32(p), uint32(i - p)}

	i = skipBlanks(b, i)
	p = i
	for i < len(b) && isTarget[b[i]] {
		i++
	}
	if i == len(b) {
		return false
	}
	if b[i] != ' ' && b[i] != '\t' {
		if i > p && (b[i] == '\r' || b[i] == '\n') {
			return m.fail(i, "no HTTP version behind the target")
		}
		return m.fail(i, "invalid byte in the target")
	}
	m.target = span{uint32(p), uint32(i - p)}
	m.split.known = false

	i = skipBlanks(b, i)
	i = m.parseVersion(i)
	if i < 0 {
		return false
	}
	n := lineEnd(b, i)
	if n < 0 {
		return m.lineEndError(i)
	}
	if n == 0 {
		if i < len(b) {
			m.fail(i, "the line goes on behind the HTTP version")
		}
		return false
	}
	m.pos, m.started = uint32(i+n), true
	return true
}

func (m *Message) parseStatusLine(p int) bool {
	b := m.buf
	i := m.parseVersion(p)
	if i < 0 {
		return false
	}
	if i == len(b) {
		return false
	}
	if b[i] != ' ' && b[i] != '\t' {
		return m.fail(i, "no status behind the HTTP version")
	}
	i = skipBlanks(b, i)
	code, start := 0, i
	for ; i < len(b) && i < start+3; i++ {
		d := b[i] - '0'
		if d > 9 || i == start && d == 0 {
			return m.fail(i, "the status is not a number from 100 to 999")
		}
		code = code*10 + int(d)
	}
	if i == len(b) {
		return false
	}
	if c := b[i]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
		return m.fail(i, "the status is not a number from 100 to 999")
	}
	i = skipBlanks(b, i)
	end := lineStop(b, i)
	if end == len(b) {
		return false
	}
	n := lineEnd(b, end)
	if n < 0 {
		return m.lineEndError(end)
	}
	if n == 0 {
		return m.fail(end, "NUL in the reason")
	}
	m.reason = span{uint32(i), uint32(trimEnd(b, i, end) - i)}
	m.status = int16(code)
	m.pos, m.started = uint32(end+n), true
	return true
}

// parseVersion takes "HTTP/1.x" at p and returns where it ends, or -1 when bytes are missing or wrong.
func (m *Message) parseVersion(p int) int {
	const (
		name = "HTTP/1."
		size = len(name) + 1
	)
	b := m.buf
	for i := 0; i < size; i++ {
		if p+i == len(b) {
			return -1
		}
		c := b[p+i]
		switch {
		case i == len(name)-2 && c != '1' && '0' <= c && c <= '9' && !m.response:
			m.fail(p+i, "only HTTP/1 is spoken here")
			m.err.Status = 505
			return -1
		case i < len(name) && c != name[i], i == len(name) && (c < '0' || c > '9'):
			m.fail(p+i, "not an HTTP version")
			return -1
		}
	}
	m.version = span{uint32(p), uint32(size)}
	m.minor = 1
	if b[p+size-1] == '0' {
		m.minor = 0
	}
	return p + size
}

// parseFields takes header lines and the blank line behind them. What it took stays taken: when bytes are missing
// the next call goes on with the line that was not complete.
func (m *Message) parseFields(maxLines int) bool {
	b := m.buf
	for {
		p := int(m.pos)
		if p >= len(b) {
			return false
		}
		i := p
		for i < len(b) && isToken[b[i]] {
			i++
		}
		if i == len(b) {
			return false
		}
		if i == p {
			switch b[p] {
			case '\r', '\n':
				n := lineEnd(b, p)
				if n < 0 {
					return m.lineEndError(p)
				}
				m.pos = uint32(p + n)
				return true
			case ' ', '\t':
				if !m.parseFold(p) {
					return false
				}
				continue
			}
		}
		if b[i] != ':' || i == p {
			return m.fail(i, "invalid byte in a header's name")
		}
		name := span{uint32(p), uint32(i - p)}
		i = skipBlanks(b, i+1)
		end := lineStop(b, i)
		if end == len(b) {
			return false
		}
		n := lineEnd(b, end)
		if n < 0 {
			return m.lineEndError(end)
		}
		if n == 0 {
			return m.fail(end, "NUL in a header's value")
		}
		if len(m.hdr)+2 > maxLines {
			return m.fail(p, "too many headers")
		}
		id := classify(b[p : p+int(name.n)])
		m.seen |= id.bit()
		m.hdr = append(m.hdr, field{name, span{uint32(i), uint32(trimEnd(b, i, end) - i)}, id})
		m.pos = uint32(end + n)
	}
}

// parseFold joins a line that begins with a blank to the header before it (RFC 9112 §5.2): each byte of the line
// end becomes a space, blanks stay.
func (m *Message) parseFold(p int) bool {
	b := m.buf
	if len(m.hdr) == 0 {
		return m.fail(p, "blank in front of the first header")
	}
	end := lineStop(b, p)
	if end == len(b) {
		return false
	}
	n := lineEnd(b, end)
	if n < 0 {
		return m.lineEndError(end)
	}
	if n == 0 {
		return m.fail(end, "NUL in a header's value")
	}
	text := b[p:trimEnd(b, p, end)]
	h := &m.hdr[len(m.hdr)-1]
	switch {
	case len(text) == 0: // nothing but blanks
	case h.value.n == 0:
		i := skipBlanks(text, 0)
		h.value = span{uint32(p + i), uint32(len(text) - i)}
	default:
		// A value that was joined before is the last thing in the arena: it grows there.
		if h.value.off&arenaBit == 0 {
			h.value = m.keep(m.text(h.value))
		}
		was := len(m.arena)
		m.arena = append(m.arena, "  "[:lineEndBefore(b, p)]...)
		m.arena = append(m.arena, text...)
		h.value.n += uint32(len(m.arena) - was)
	}
	m.pos = uint32(end + n)
	return true
}

// lineEndBefore is the length of the line end that stands right before p.
func lineEndBefore(b []byte, p int) int {
	if p >= 2 && b[p-2] == '\r' {
		return 2
	}
	return 1
}

func skipBlanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

// trimEnd gives end less the blanks before it, no further than to from.
func trimEnd(b []byte, from, end int) int {
	for end > from && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	return end
}

// lineStop finds the first CR, LF or NUL at i or behind; len(b) when there is none. It looks at eight bytes at a
// time for one that is below 0x0e; the lowest flag of the subtraction is exact.
func lineStop(b []byte, i int) int {
	const (
		ones  = 0x0101010101010101
		tops  = 0x8080808080808080
		below = 0x0e * ones
	)
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		hit := (x - below) & ^x & tops
		if hit == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(hit) >> 3
		if c := b[i]; c == '\r' || c == '\n' || c == 0 {
			return i
		}
		i++
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '\r' || c == '\n' || c == 0 {
			return i
		}
	}
	return i
}
