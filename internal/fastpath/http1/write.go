package http1

import (
	"encoding/binary"
	"slices"
	"strconv"
)

// persistence is what a message that is sent says about its connection.
type persistence uint8

const (
	persistAsIs persistence = iota
	persistKeep
	persistClose
)

// BuildResponse starts an answer of our own: HTTP/1.1, no headers, an empty body. An empty reason means the
// standard one. What SetStatus refuses becomes a 500.
func (m *Message) BuildResponse(status int, reason string) {
	m.Reset()
	m.response, m.minor = true, 1
	m.version = m.keepString("HTTP/1.1")
	if status < 100 || status > 999 || !validValue(reason) {
		status, reason = 500, ""
	}
	if reason == "" {
		reason = StatusText(status)
	}
	m.status, m.reason = int16(status), m.keepString(reason)
	m.body = BodyLength
	if status < 200 || status == 204 || status == 304 {
		m.body = BodyNone
	}
	m.seen |= framingEdited
}

// BuildRequest starts a request of our own: HTTP/1.minor, no headers, no body. It refuses what SetMethod and
// SetTarget refuse.
func (m *Message) BuildRequest(method, target []byte, minor int) bool {
	m.Reset()
	if !validName(method) || !validTarget(target) {
		return false
	}
	m.minor = 1
	m.version = m.keepString("HTTP/1.1")
	if minor == 0 {
		m.minor = 0
		m.version = m.keepString("HTTP/1.0")
	}
	m.method, m.target = m.keep(method), m.keep(target)
	return true
}

// SetBody gives the message another framing and the headers that go with it. length counts only for BodyLength. It
// is for answers built here and for bodies that are sent otherwise than they came.
func (m *Message) SetBody(kind BodyKind, length int64) {
	if kind != BodyLength {
		length = 0
	}
	m.body, m.length, m.asIs = kind, length, false
	var line field
	switch kind {
	case BodyLength:
		name, off := m.keepString("content-length"), len(m.arena)
		m.arena = strconv.AppendInt(m.arena, length, 10)
		line = field{name, span{uint32(off) | arenaBit, uint32(len(m.arena) - off)}, fieldContentLength}
	case BodyChunked:
		line = field{m.keepString("transfer-encoding"), m.keepString("chunked"), fieldTransferEncoding}
	}
	live := m.hdr[:0]
	for _, h := range m.hdr {
		if h.id == fieldContentLength || h.id == fieldTransferEncoding {
			if line.id == fieldOther {
				continue
			}
			h, line.id = line, fieldOther
		}
		live = append(live, h)
	}
	if line.id != fieldOther {
		live = append(live, line)
	}
	m.hdr = live
	m.seen = m.seen&^framingEdited | fieldContentLength.bit() | fieldTransferEncoding.bit()
}

// SetKeepAlive makes the head say whether the connection lives on after this message, in the words of its HTTP
// version; other options in Connection ("upgrade") stay. It holds for AppendHead only: the headers stay what they are.
func (m *Message) SetKeepAlive(keep bool) {
	m.persist = persistClose
	if keep {
		m.persist = persistKeep
	}
}

// SetMinor changes the HTTP version that is sent to 1.minor.
func (m *Message) SetMinor(minor int) { m.minor = uint8(min(max(minor, 0), 1)) }

// AppendHead appends the head as it is sent: start line, headers with their names in lower case, blank line.
//
// Its framing headers are those that go with Body and Length, whatever was edited, and a message with chunks is
// always HTTP/1.1. An absolute target names the same host as an edited Host header.
func (m *Message) AppendHead(dst []byte) []byte {
	dst = slices.Grow(dst, m.headSize())
	if m.response {
		dst = append(m.appendVersion(dst), ' ')
		s := m.status
		dst = append(dst, byte('0'+s/100), byte('0'+s/10%10), byte('0'+s%10), ' ')
		dst = append(dst, m.text(m.reason)...)
	} else {
		dst = append(append(dst, m.text(m.method)...), ' ')
		dst = append(m.appendTarget(dst), ' ')
		dst = m.appendVersion(dst)
	}
	dst = append(dst, '\r', '\n')
	if m.seen&framingEdited == 0 && m.persist == persistAsIs {
		for i := range m.hdr {
			dst = m.appendField(dst, &m.hdr[i])
		}
	} else {
		dst = m.appendFieldsEdited(dst)
	}
	return append(dst, '\r', '\n')
}

// headSize is at least what AppendHead appends.
func (m *Message) headSize() int {
	n := len("transfer-encoding: chunked\r\nconnection: keep-alive\r\n") + 64
	n += int(m.method.n+m.target.n+m.reason.n) + len(m.HostOf())
	for i := range m.hdr {
		n += int(m.hdr[i].name.n+m.hdr[i].value.n) + len(": \r\n")
	}
	return n
}

func (m *Message) appendVersion(dst []byte) []byte {
	if m.minor == 0 && m.body != BodyChunked {
		return append(dst, "HTTP/1.0"...)
	}
	return append(dst, "HTTP/1.1"...)
}

func (m *Message) appendTarget(dst []byte) []byte {
	t := m.text(m.target)
	if m.seen&hostEdited != 0 {
		host, p := m.HostOf(), m.parts()
		if p.form == TargetAbsolute && len(host) > 0 && validTarget(host) {
			dst = append(dst, t[:schemeLen(t)]...)
			dst = append(dst, host...)
			return append(dst, t[p.pathOff:]...)
		}
	}
	return append(dst, t...)
}

func (m *Message) appendField(dst []byte, h *field) []byte {
	dst = appendLower(dst, m.text(h.name))
	dst = append(dst, ':', ' ')
	dst = append(dst, m.text(h.value)...)
	return append(dst, '\r', '\n')
}

// appendFieldsEdited writes the headers when framing was edited or SetKeepAlive was called.
func (m *Message) appendFieldsEdited(dst []byte) []byte {
	reframe := m.seen&framingEdited != 0 && !m.asIs
	framed := false
	for i := range m.hdr {
		h := &m.hdr[i]
		switch {
		case reframe && h.id == fieldContentLength:
			if m.body == BodyLength && !framed {
				dst, framed = m.appendFraming(dst), true
			}
		case reframe && h.id == fieldTransferEncoding:
			if m.body == BodyChunked && !framed {
				dst, framed = m.appendFraming(dst), true
			}
		case m.persist != persistAsIs && h.id == fieldConnection:
			dst = m.appendOptions(dst, m.text(h.value))
		default:
			dst = m.appendField(dst, h)
		}
	}
	if reframe && !framed {
		dst = m.appendFraming(dst)
	}
	switch {
	case m.persist == persistClose:
		dst = append(dst, "connection: close\r\n"...)
	case m.persist == persistKeep && m.minor == 0:
		dst = append(dst, "connection: keep-alive\r\n"...)
	}
	return dst
}

// appendFraming writes the header that Body asks for, if any.
func (m *Message) appendFraming(dst []byte) []byte {
	switch m.body {
	case BodyLength:
		dst = append(dst, "content-length: "...)
		dst = strconv.AppendInt(dst, m.length, 10)
		dst = append(dst, '\r', '\n')
	case BodyChunked:
		dst = append(dst, "transfer-encoding: chunked\r\n"...)
	}
	return dst
}

// appendOptions writes a Connection header without the options that SetKeepAlive decides.
func (m *Message) appendOptions(dst, list []byte) []byte {
	n := 0
	for len(list) > 0 {
		var option []byte
		option, list = nextItem(list)
		if len(option) == 0 || equalFold(option, "close") || equalFold(option, "keep-alive") {
			continue
		}
		if n++; n == 1 {
			dst = append(dst, "connection: "...)
		} else {
			dst = append(dst, ',', ' ')
		}
		dst = append(dst, option...)
	}
	if n > 0 {
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// appendLower appends name with its ASCII capitals made small, eight bytes at a time; the last eight may overlap
// those before.
func appendLower(dst, name []byte) []byte {
	at := len(dst)
	dst = append(dst, name...)
	b := dst[at:]
	if len(b) < 8 {
		for i, c := range b {
			b[i] = lower[c]
		}
		return dst
	}
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], lower8(binary.LittleEndian.Uint64(b[i:])))
	}
	tail := b[len(b)-8:]
	binary.LittleEndian.PutUint64(tail, lower8(binary.LittleEndian.Uint64(tail)))
	return dst
}

// lower8 makes the ASCII capitals among eight bytes small: of each byte's low seven bits it asks "at least A" and
// "more than Z" by carrying into the top bit.
func lower8(x uint64) uint64 {
	const ones = 0x0101010101010101
	low := x & (0x7f * ones)
	upper := (low + (0x80-'A')*ones) ^ (low + (0x7f-'Z')*ones)
	return x | (upper&^x&(0x80*ones))>>2
}
