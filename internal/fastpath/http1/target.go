package http1

import "bytes"

// TargetForm is the shape of a request target (RFC 9112 §3.2).
type TargetForm uint8

const (
	TargetOrigin    TargetForm = iota // /path?query
	TargetAbsolute                    // http://host/path?query
	TargetAuthority                   // host:port, CONNECT only
	TargetAsterisk                    // *
)

// targetParts caches where the parts of the target are, as offsets into its text.
type targetParts struct {
	known            bool
	form             TargetForm
	authOff, authN   uint32 // without user information
	pathOff, pathN   uint32 // without query
	queryOff, queryN uint32 // without '?'
	hasQuery         bool
}

// Target is a request's target as it will be sent.
func (m *Message) Target() []byte { return m.text(m.target) }

// SetTarget replaces the whole target. Blanks and control bytes are refused with false. When the new target names a
// host, the Host header follows it (RFC 9112 §3.2.2).
func (m *Message) SetTarget(target []byte) bool {
	if !validTarget(target) {
		return false
	}
	m.target = m.keep(target)
	m.split.known = false
	if auth := m.Authority(); len(auth) > 0 {
		for i := range m.hdr {
			if m.hdr[i].id == fieldHost {
				m.hdr[i].value = m.keep(auth)
			}
		}
	}
	return true
}

// RequestLine is a request line in its parts.
type RequestLine struct {
	Method, Target []byte
	Path, Query    []byte // of the target, as Message.Path and Message.Query give them
	PathQuery      []byte
	HasQuery       bool
}

// Received is the request line as it came, whatever rules made of it since: what logs tell and captures keep.
func (m *Message) Received() RequestLine {
	r := RequestLine{Method: m.Method(), Target: m.Target()}
	p := m.parts()
	if m.rawEnd != 0 && (m.method.off|m.target.off)&arenaBit != 0 {
		const blanks = " \t\r\n"
		line := m.Raw()
		n := bytes.IndexAny(line, blanks)
		r.Method, line = line[:n], bytes.TrimLeft(line[n:], blanks)
		r.Target = line[:bytes.IndexAny(line, blanks)]
		split := splitTarget(r.Target, string(r.Method) == "CONNECT")
		p = &split
	}
	r.Path, r.PathQuery = r.Target[p.pathOff:p.pathOff+p.pathN], r.Target[p.pathOff:]
	r.Query, r.HasQuery = r.Target[p.queryOff:p.queryOff+p.queryN], p.hasQuery
	return r
}

// Form tells which shape the target has.
func (m *Message) Form() TargetForm { return m.parts().form }

// Authority is the host and port in a target of absolute or authority form, user information left out; else empty.
func (m *Message) Authority() []byte {
	p, t := m.parts(), m.Target()
	return t[p.authOff : p.authOff+p.authN]
}

// Path is the target's path without the query; empty when the target has none ("http://host", "*").
func (m *Message) Path() []byte {
	p, t := m.parts(), m.Target()
	return t[p.pathOff : p.pathOff+p.pathN]
}

// PathQuery is the path with '?' and the query behind it, if there is one.
func (m *Message) PathQuery() []byte {
	p, t := m.parts(), m.Target()
	return t[p.pathOff:]
}

// Query is what stands behind the first '?', and whether there is a '?'.
func (m *Message) Query() ([]byte, bool) {
	p, t := m.parts(), m.Target()
	return t[p.queryOff : p.queryOff+p.queryN], p.hasQuery
}

// SetPath replaces the path and keeps the query. It refuses what SetTarget refuses.
func (m *Message) SetPath(path []byte) bool {
	p, t := m.parts(), m.Target()
	return m.join(t[:p.pathOff], path, t[p.pathOff+p.pathN:])
}

// SetPathQuery replaces path and query.
func (m *Message) SetPathQuery(pathq []byte) bool {
	p, t := m.parts(), m.Target()
	return m.join(t[:p.pathOff], pathq, nil)
}

// SetQuery replaces the query, which comes without '?'; an empty one takes the '?' away.
func (m *Message) SetQuery(query []byte) bool {
	p, t := m.parts(), m.Target()
	head := t[:p.pathOff+p.pathN]
	if len(query) == 0 {
		return m.join(head, nil, nil)
	}
	if p.hasQuery {
		return m.join(t[:p.queryOff], query, nil)
	}
	return m.join(head, questionMark, query)
}

var questionMark = []byte{'?'}

// join makes the target out of three pieces.
func (m *Message) join(a, b, c []byte) bool {
	if !validTarget(a) && len(a) > 0 || !validTarget(b) && len(b) > 0 || !validTarget(c) && len(c) > 0 {
		return false
	}
	if len(a)+len(b)+len(c) == 0 {
		return false
	}
	off := len(m.arena)
	m.arena = append(m.arena, a...)
	m.arena = append(m.arena, b...)
	m.arena = append(m.arena, c...)
	m.target = span{uint32(off) | arenaBit, uint32(len(m.arena) - off)}
	m.split.known = false
	return true
}

// parts splits the target once.
func (m *Message) parts() *targetParts {
	if !m.split.known {
		m.split = splitTarget(m.Target(), m.MethodIs("CONNECT"))
	}
	return &m.split
}

func splitTarget(t []byte, connect bool) targetParts {
	p := targetParts{known: true}
	end := uint32(len(t))
	p.pathOff, p.queryOff = end, end
	switch {
	case connect:
		p.form, p.authN = TargetAuthority, end
		return p
	case len(t) == 1 && t[0] == '*':
		p.form = TargetAsterisk
		return p
	case len(t) > 0 && t[0] == '/':
		p.pathOff = 0
	default:
		p.form = TargetAbsolute
		s := schemeLen(t)
		auth := t[s:]
		if i := bytes.IndexAny(auth, "/?"); i >= 0 {
			auth = auth[:i]
		}
		p.pathOff = uint32(s + len(auth))
		p.authOff = uint32(s)
		if i := bytes.LastIndexByte(auth, '@'); i >= 0 {
			p.authOff += uint32(i + 1)
		}
		p.authN = p.pathOff - p.authOff
	}
	p.pathN = end - p.pathOff
	if i := bytes.IndexByte(t[p.pathOff:], '?'); i >= 0 {
		p.hasQuery = true
		p.pathN = uint32(i)
		p.queryOff = p.pathOff + p.pathN + 1
		p.queryN = end - p.queryOff
	}
	return p
}

// schemeLen is the length of "scheme://" at the start of t (RFC 3986 §3.1), or 0.
func schemeLen(t []byte) int {
	i := bytes.Index(t, []byte("://"))
	if i <= 0 || !isAlpha(t[0]) {
		return 0
	}
	for _, c := range t[:i] {
		if !isAlpha(c) && (c < '0' || c > '9') && c != '+' && c != '-' && c != '.' {
			return 0
		}
	}
	return i + 3
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// validTarget accepts the visible ASCII bytes except '#', as HAProxy does.
func validTarget(t []byte) bool {
	for _, c := range t {
		if !isTarget[c] {
			return false
		}
	}
	return len(t) > 0
}
