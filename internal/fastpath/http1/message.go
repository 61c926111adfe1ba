// Package http1 reads and writes HTTP/1 messages without allocating: a Message is offsets into the bytes as they
// came plus an arena for what rules changed. It knows framing (RFC 9112) and nothing of sockets.
//
// The rule that holds the package together: whatever rules did to the headers, the head that AppendHead writes
// frames the body exactly as Body and Length say. So a message that was understood one way is never forwarded
// another way.
package http1

// Message is one request or response head. Its zero value is ready for use; Reset makes it ready again and keeps
// its memory. After ParseRequest or ParseResponse it refers to the buffer that was parsed and does not copy it:
// the buffer must stay as it is until Reset, the next parse, or Rebase.
//
// Slices that accessors return are read-only, live until Reset, and stay valid across edits. A Message belongs to
// one goroutine.
type Message struct {
	buf   []byte  // what was parsed; spans without the arena bit point into it
	arena []byte  // text that was set after parsing
	hdr   []field // live headers in order

	method, target, version, reason span
	status                          int16
	minor                           uint8
	response                        bool

	// The received head is buf[rawOff:rawEnd]; rawEnd is 0 until it is complete, and for messages built here.
	rawOff, rawEnd uint32

	// Progress of an unfinished parse.
	pos     uint32 // where the first line that was not yet taken begins
	started bool   // the start line was taken

	body      BodyKind
	length    int64
	asIs      bool // no body follows whatever the framing headers say (HEAD, 304): they are sent as they are
	mustClose bool // the framing was doubtful: the connection must not be used again
	seen      uint16
	persist   persistence
	conn      connFacts
	split     targetParts

	err ParseError // what parse returned, so that refusing needs no memory
}

// BodyKind says how the end of a body is known (RFC 9112 §6.3).
type BodyKind uint8

const (
	BodyNone       BodyKind = iota // no body follows
	BodyLength                     // exactly Length bytes follow
	BodyChunked                    // chunks follow
	BodyUntilClose                 // response only: until the server closes
	BodyTunnel                     // after 101 or a successful CONNECT: bytes both ways
)

// span is a piece of text: n bytes from off, in the buffer or, when off has the arena bit, in the arena.
type span struct{ off, n uint32 }

const arenaBit = 1 << 31

// field is one header line.
type field struct {
	name, value span
	id          fieldID
}

// arenaKeep is how many bytes of arena, and headersKeep how many header slots, survive a Reset.
const (
	arenaKeep   = 16 << 10
	headersKeep = 256
)

// Reset forgets the message and keeps a bounded amount of its memory.
func (m *Message) Reset() {
	arena, hdr := m.arena[:0], m.hdr[:0]
	if cap(arena) > arenaKeep {
		arena = nil
	}
	if cap(hdr) > headersKeep {
		hdr = nil
	}
	*m = Message{arena: arena, hdr: hdr}
}

// Rebase tells the message that the bytes it was parsed from are now in buf, at the same offsets.
func (m *Message) Rebase(buf []byte) { m.buf = buf }

// Raw is the head exactly as it was received, blank line included and empty lines before the start line left out;
// nil when the message was not parsed.
func (m *Message) Raw() []byte {
	if m.rawEnd == 0 {
		return nil
	}
	return m.buf[m.rawOff:m.rawEnd:m.rawEnd]
}

// IsResponse tells a response from a request.
func (m *Message) IsResponse() bool { return m.response }

// Method is a request's method, "GET".
func (m *Message) Method() []byte { return m.text(m.method) }

// SetMethod replaces the method; one that is no token is refused with false. The framing of the body does not
// change.
func (m *Message) SetMethod(method []byte) bool {
	if !validName(method) {
		return false
	}
	m.method = m.keep(method)
	m.split.known = false
	return true
}

// MethodIs compares the method, which is case-sensitive.
func (m *Message) MethodIs(method string) bool { return string(m.text(m.method)) == method }

// Minor is the minor version that rules go by: 0 for HTTP/1.0, 1 for HTTP/1.1 and above.
func (m *Message) Minor() int { return int(m.minor) }

// VersionText is the version as received, "HTTP/1.1"; its digits are VersionText()[5:].
func (m *Message) VersionText() []byte { return m.text(m.version) }

// Status is a response's status code.
func (m *Message) Status() int { return int(m.status) }

// Reason is a response's reason phrase; it may be empty.
func (m *Message) Reason() []byte { return m.text(m.reason) }

// SetStatus replaces status and reason; a nil reason means the standard one. A status outside 100 to 999 and a
// reason with a line break or NUL in it are refused with false. The framing of the body does not change: a status
// that allows no body (204) must not be put on a message that has one.
func (m *Message) SetStatus(code int, reason []byte) bool {
	if code < 100 || code > 999 || !validValue(reason) {
		return false
	}
	m.status = int16(code)
	if reason == nil {
		m.reason = m.keepString(StatusText(code))
	} else {
		m.reason = m.keep(reason)
	}
	return true
}

// text reads a span.
func (m *Message) text(s span) []byte {
	if s.off&arenaBit != 0 {
		off := s.off &^ arenaBit
		return m.arena[off : off+s.n : off+s.n]
	}
	return m.buf[s.off : s.off+s.n : s.off+s.n]
}

// keep copies b into the arena.
func (m *Message) keep(b []byte) span {
	off := len(m.arena)
	m.arena = append(m.arena, b...)
	return span{uint32(off) | arenaBit, uint32(len(b))}
}

func (m *Message) keepString(s string) span {
	off := len(m.arena)
	m.arena = append(m.arena, s...)
	return span{uint32(off) | arenaBit, uint32(len(s))}
}
