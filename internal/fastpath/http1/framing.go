package http1

import (
	"bytes"
	"math"
	"strconv"
)

// connFacts caches what the Connection header says.
type connFacts struct {
	known, close, keepAlive, upgrade bool
}

// Body tells how the end of the body is known. Editing headers does not change it; SetBody does. A request or
// response with "Content-Length: 0" has BodyLength.
func (m *Message) Body() BodyKind { return m.body }

// Length is the number of body bytes when Body is BodyLength, else 0.
func (m *Message) Length() int64 { return m.length }

// KeepAlive tells whether the sender of the message lets the connection live on after it (RFC 9112 §9.3), which it
// does not when the framing was doubtful or ends with the connection. A rule that edits Connection changes it.
func (m *Message) KeepAlive() bool {
	if m.mustClose || m.body == BodyUntilClose {
		return false
	}
	c := m.connection()
	return !c.close && (c.keepAlive || m.minor > 0)
}

// Upgrade tells whether the message asks for, or grants, another protocol (RFC 9110 §7.8): it has an Upgrade header
// and Connection names it.
func (m *Message) Upgrade() bool {
	return m.connection().upgrade && m.minor > 0 && m.Find("upgrade", 0) >= 0
}

// ExpectContinue tells whether the client waits for an interim answer before it sends the body (RFC 9110 §10.1.1).
func (m *Message) ExpectContinue() bool {
	if m.minor == 0 || m.seen&fieldExpect.bit() == 0 {
		return false
	}
	v, _ := m.Get("expect")
	return equalFold(v, "100-continue")
}

// HostOf is the value of the Host header, or empty.
func (m *Message) HostOf() []byte {
	for i := range m.hdr {
		if m.hdr[i].id == fieldHost {
			return m.text(m.hdr[i].value)
		}
	}
	return nil
}

// connection reads the Connection headers, once for each change.
func (m *Message) connection() connFacts {
	if m.conn.known {
		return m.conn
	}
	c := connFacts{known: true}
	if m.seen&fieldConnection.bit() != 0 {
		for i := range m.hdr {
			if m.hdr[i].id != fieldConnection {
				continue
			}
			rest := m.text(m.hdr[i].value)
			for len(rest) > 0 {
				var option []byte
				option, rest = nextItem(rest)
				switch {
				case equalFold(option, "close"):
					c.close = true
				case equalFold(option, "keep-alive"):
					c.keepAlive = true
				case equalFold(option, "upgrade"):
					c.upgrade = true
				}
			}
		}
	}
	m.conn = c
	return c
}

// nextItem takes the first item, without blanks around it, off a comma-separated list of tokens.
func nextItem(list []byte) (item, rest []byte) {
	if i := bytes.IndexByte(list, ','); i >= 0 {
		item, rest = list[:i], list[i+1:]
	} else {
		item = list
	}
	from := skipBlanks(item, 0)
	return item[from:trimEnd(item, from, len(item))], rest
}

// frameRequest decides how the request's body is framed (RFC 9112 §6) and refuses what two readers could
// understand differently.
func (m *Message) frameRequest() {
	connect := m.MethodIs("CONNECT")
	if !m.checkTarget(connect) {
		return
	}
	if m.seen&fieldHost.bit() != 0 && !m.checkHost() {
		return
	}
	m.body = BodyNone
	if m.seen&(fieldContentLength.bit()|fieldTransferEncoding.bit()) == 0 {
		return
	}
	if !m.frameByHeaders() {
		return
	}
	if connect {
		if m.body == BodyChunked || m.length > 0 {
			m.fail(int(m.rawOff), "CONNECT with a body")
			return
		}
		m.body = BodyNone
		m.delFraming(fieldContentLength)
	}
}

// frameResponse decides how the response's body is framed (RFC 9112 §6.3).
func (m *Message) frameResponse(reqMethod []byte) {
	m.body = BodyUntilClose
	if m.seen&(fieldContentLength.bit()|fieldTransferEncoding.bit()) != 0 && !m.frameByHeaders() {
		return
	}
	connected := string(reqMethod) == "CONNECT" && m.status/100 == 2
	switch {
	case m.status == 101 || connected:
		m.body, m.length = BodyTunnel, 0
		m.delFraming(fieldContentLength)
		m.delFraming(fieldTransferEncoding)
	case m.status/100 == 1 || m.status == 204:
		m.body, m.length = BodyNone, 0
		m.delFraming(fieldContentLength)
		m.delFraming(fieldTransferEncoding)
	case m.status == 304 || string(reqMethod) == "HEAD":
		m.body, m.length, m.asIs = BodyNone, 0, true
	}
}

// frameByHeaders reads Transfer-Encoding and Content-Length. When both are there the first wins, the other goes
// and the connection closes after the message (RFC 9112 §6.3).
func (m *Message) frameByHeaders() bool {
	if m.seen&fieldContentLength.bit() != 0 && !m.readContentLength() {
		return false
	}
	if m.seen&fieldTransferEncoding.bit() == 0 {
		return true
	}
	if !m.readTransferEncoding() {
		return false
	}
	if m.body == BodyLength {
		m.delFraming(fieldContentLength)
		m.mustClose = true
	}
	m.body, m.length = BodyChunked, 0
	if m.minor == 0 {
		m.mustClose = true
	}
	return true
}

// readTransferEncoding accepts "chunked" and nothing else: no other coding can be undone here.
func (m *Message) readTransferEncoding() bool {
	last, n := -1, 0
	var coding []byte
	for i := range m.hdr {
		if m.hdr[i].id != fieldTransferEncoding {
			continue
		}
		last = i
		rest := m.text(m.hdr[i].value)
		if len(rest) == 0 {
			return m.fail(m.offset(i), "empty Transfer-Encoding")
		}
		for more := true; more; n++ {
			if n > 0 && equalFold(coding, "chunked") {
				return m.fail(m.offset(i), "a transfer coding behind chunked")
			}
			more = bytes.IndexByte(rest, ',') >= 0
			coding, rest = nextItem(rest)
		}
	}
	if !equalFold(coding, "chunked") {
		return m.fail(m.offset(last), "the last transfer coding is not chunked")
	}
	if n > 1 {
		m.fail(m.offset(last), "a transfer coding in front of chunked")
		if !m.response {
			m.err.Status = 422
		}
		return false
	}
	return true
}

// readContentLength accepts one number, or the same number several times; one header with the plain number stays.
func (m *Message) readContentLength() bool {
	first, length := -1, int64(0)
	for i := 0; i < len(m.hdr); i++ {
		if m.hdr[i].id != fieldContentLength {
			continue
		}
		rest := m.text(m.hdr[i].value)
		for more := true; more; {
			more = bytes.IndexByte(rest, ',') >= 0
			var item []byte
			item, rest = nextItem(rest)
			n, ok := parseLength(item)
			if !ok {
				return m.fail(m.offset(i), "Content-Length is not a number")
			}
			if first >= 0 && n != length {
				return m.fail(m.offset(i), "Content-Length given twice with different values")
			}
			length = n
			if first < 0 {
				first = i
			}
		}
		if first != i {
			m.hdr = append(m.hdr[:i], m.hdr[i+1:]...)
			i--
		}
	}
	m.body, m.length = BodyLength, length
	v := m.text(m.hdr[first].value)
	if len(v) > 1 && v[0] == '0' || bytes.IndexByte(v, ',') >= 0 {
		off := len(m.arena)
		m.arena = strconv.AppendInt(m.arena, length, 10)
		m.hdr[first].value = span{uint32(off) | arenaBit, uint32(len(m.arena) - off)}
	}
	return true
}

// parseLength reads 1*DIGIT that fits in 63 bits.
func parseLength(b []byte) (n int64, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	for _, c := range b {
		d := int64(c) - '0'
		if d < 0 || d > 9 || n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// checkTarget holds the target's form against the method, and an absolute one against Host (RFC 9112 §3.2).
func (m *Message) checkTarget(connect bool) bool {
	t := m.text(m.target)
	off := int(m.target.off)
	if !connect && (t[0] == '/' || len(t) == 1 && t[0] == '*') {
		return true
	}
	p := m.parts()
	if connect {
		if i := bytes.LastIndexByte(t, ':'); i <= 0 || !isPort(t[i+1:]) || bytes.IndexByte(t, '/') >= 0 {
			return m.fail(off, "CONNECT wants host:port as its target")
		}
	} else if p.authOff == 0 || p.hasQuery && p.pathN == 0 {
		return m.fail(off, "the target is neither a path nor a URL")
	}
	host := m.HostOf()
	if host == nil || p.authN == 0 && !connect {
		return true
	}
	scheme := t[:max(schemeLen(t), len("://"))-len("://")]
	if !sameAuthority(scheme, m.Authority(), host, connect) {
		return m.fail(off, "the target and Host name different hosts")
	}
	return true
}

// sameAuthority compares two host[:port] without regard to letter case and to a port that the scheme implies. For
// CONNECT, Host may lack the port.
func sameAuthority(scheme, a, b []byte, connect bool) bool {
	hostA, portA := splitPort(a)
	hostB, portB := splitPort(b)
	if !bytes.EqualFold(hostA, hostB) {
		return false
	}
	if bytes.Equal(portA, portB) || connect && len(portB) == 0 {
		return true
	}
	def := ""
	switch {
	case equalFold(scheme, "http"):
		def = "80"
	case equalFold(scheme, "https"):
		def = "443"
	}
	return (len(portA) == 0 || string(portA) == def) && (len(portB) == 0 || string(portB) == def)
}

// splitPort cuts ":port" off; a bare IPv6 address in brackets keeps its colons.
func splitPort(hostport []byte) (host, port []byte) {
	i := bytes.LastIndexByte(hostport, ':')
	if i < 0 || bytes.IndexByte(hostport[i:], ']') >= 0 {
		return hostport, nil
	}
	return hostport[:i], hostport[i+1:]
}

func isPort(b []byte) bool {
	n, ok := parseLength(b)
	return ok && 0 < n && n < 1<<16
}

// checkHost refuses two Hosts that differ and keeps one of those that agree.
func (m *Message) checkHost() bool {
	first := -1
	for i := 0; i < len(m.hdr); i++ {
		switch {
		case m.hdr[i].id != fieldHost:
		case first < 0:
			first = i
		case !bytes.EqualFold(m.text(m.hdr[first].value), m.text(m.hdr[i].value)):
			return m.fail(m.offset(i), "two Host headers that differ")
		default:
			m.hdr = append(m.hdr[:i], m.hdr[i+1:]...)
			i--
		}
	}
	return true
}

// delFraming takes out headers that the parser overruled; it does not count as an edit.
func (m *Message) delFraming(id fieldID) {
	if m.seen&id.bit() == 0 {
		return
	}
	live := m.hdr[:0]
	for _, h := range m.hdr {
		if h.id != id {
			live = append(live, h)
		}
	}
	m.hdr = live
}

// offset is where header i stands in the buffer.
func (m *Message) offset(i int) int { return int(m.hdr[i].name.off) }
