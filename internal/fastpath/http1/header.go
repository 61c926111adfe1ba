package http1

// fieldID marks the headers whose meaning this package has to know; all others are fieldOther.
type fieldID uint8

const (
	fieldOther fieldID = iota
	fieldHost
	fieldExpect
	fieldUpgrade
	fieldConnection
	fieldContentLength
	fieldTransferEncoding
)

func (id fieldID) bit() uint16 { return 1 << id }

// Bits of Message.seen behind those of the ids: what was edited since the message was parsed or built.
const (
	framingEdited uint16 = 1 << (8 + iota)
	hostEdited
)

// classify finds the id of a header name, in any case.
func classify(name []byte) fieldID {
	switch len(name) {
	case 4:
		if equalFold(name, "host") {
			return fieldHost
		}
	case 6:
		if equalFold(name, "expect") {
			return fieldExpect
		}
	case 7:
		if equalFold(name, "upgrade") {
			return fieldUpgrade
		}
	case 10:
		if equalFold(name, "connection") {
			return fieldConnection
		}
	case 14:
		if equalFold(name, "content-length") {
			return fieldContentLength
		}
	case 17:
		if equalFold(name, "transfer-encoding") {
			return fieldTransferEncoding
		}
	}
	return fieldOther
}

// equalFold compares b, whose ASCII letters may be in any case, with s, which is in lower case.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := 0; i < len(b); i++ {
		if lower[b[i]] != s[i] {
			return false
		}
	}
	return true
}

// equalFoldAny compares two names, either in any case.
func equalFoldAny(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := 0; i < len(b); i++ {
		if lower[b[i]] != lower[s[i]] {
			return false
		}
	}
	return true
}

// Len is the number of headers. Headers are numbered 0 to Len()-1 in the order they are sent.
func (m *Message) Len() int { return len(m.hdr) }

// Name is the name of header i as it was received or added; it is sent in lower case.
func (m *Message) Name(i int) []byte { return m.text(m.hdr[i].name) }

// Value is the value of header i, without blanks at its ends. Lines that were folded are joined.
func (m *Message) Value(i int) []byte { return m.text(m.hdr[i].value) }

// Find gives the first header at from or later that has this name, in any case, or -1. The whole line is one value:
// commas mean nothing here.
func (m *Message) Find(name string, from int) int {
	for i := from; i < len(m.hdr); i++ {
		h := &m.hdr[i]
		if h.name.n == uint32(len(name)) && equalFoldAny(m.text(h.name), name) {
			return i
		}
	}
	return -1
}

// Get is the value of the first header of that name.
func (m *Message) Get(name string) (value []byte, ok bool) {
	if i := m.Find(name, 0); i >= 0 {
		return m.Value(i), true
	}
	return nil, false
}

// Last is the value of the last header of that name.
func (m *Message) Last(name string) (value []byte, ok bool) {
	for i := len(m.hdr) - 1; i >= 0; i-- {
		if h := &m.hdr[i]; h.name.n == uint32(len(name)) && equalFoldAny(m.text(h.name), name) {
			return m.Value(i), true
		}
	}
	return nil, false
}

// Add puts a header behind the others; both texts are copied. What would break the message (an empty name, a name
// that is no token, a line break or NUL in the value) is refused with false.
func (m *Message) Add(name, value []byte) bool {
	if !validName(name) || !validValue(value) {
		return false
	}
	m.add(m.keep(name), m.keep(value))
	return true
}

// AddString is Add for strings.
func (m *Message) AddString(name, value string) bool {
	if !validName(name) || !validValue(value) {
		return false
	}
	m.add(m.keepString(name), m.keepString(value))
	return true
}

func (m *Message) add(name, value span) {
	id := classify(m.text(name))
	m.hdr = append(m.hdr, field{name, value, id})
	m.touch(id)
}

// Set removes the headers of that name and puts one with value behind the others, as HAProxy's set-header does. It
// refuses what Add refuses, changing nothing.
func (m *Message) Set(name string, value []byte) bool {
	if !validName(name) || !validValue(value) {
		return false
	}
	v := m.keep(value) // before Del: value may be the text of a header of that name
	m.Del(name)
	m.add(m.keepString(name), v)
	return true
}

// SetString is Set for a string value.
func (m *Message) SetString(name, value string) bool {
	if !validName(name) || !validValue(value) {
		return false
	}
	m.Del(name)
	m.add(m.keepString(name), m.keepString(value))
	return true
}

// Del removes the headers of that name and counts them.
func (m *Message) Del(name string) int {
	first := m.Find(name, 0)
	if first < 0 {
		return 0
	}
	live := m.hdr[:first]
	for i := first; i < len(m.hdr); i++ {
		h := m.hdr[i]
		if h.name.n == uint32(len(name)) && equalFoldAny(m.text(h.name), name) {
			m.touch(h.id)
			continue
		}
		live = append(live, h)
	}
	n := len(m.hdr) - len(live)
	m.hdr = live
	return n
}

// DelAt removes header i; those behind it move up.
func (m *Message) DelAt(i int) {
	m.touch(m.hdr[i].id)
	m.hdr = append(m.hdr[:i], m.hdr[i+1:]...)
}

// SetValueAt replaces the value of header i, with the restrictions of Add.
func (m *Message) SetValueAt(i int, value []byte) bool {
	if !validValue(value) {
		return false
	}
	m.hdr[i].value = m.keep(value)
	m.touch(m.hdr[i].id)
	return true
}

// touch notes that a header of that id changed.
func (m *Message) touch(id fieldID) {
	if id == fieldOther {
		return
	}
	m.conn.known = false
	m.seen |= id.bit()
	switch id {
	case fieldContentLength, fieldTransferEncoding:
		m.seen |= framingEdited
	case fieldHost:
		m.seen |= hostEdited
	}
}

// validName holds a header's name against RFC 9110 §5.1: a token.
func validName[T []byte | string](name T) bool {
	for i := 0; i < len(name); i++ {
		if !isToken[name[i]] {
			return false
		}
	}
	return len(name) > 0
}

// validValue refuses the bytes that end a line or a C string (RFC 9110 §5.5).
func validValue[T []byte | string](value T) bool {
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case 0, '\r', '\n':
			return false
		}
	}
	return true
}
