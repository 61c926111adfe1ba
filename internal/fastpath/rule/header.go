package rule

import (
	"bytes"
	"regexp"
	"strings"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// setHeader puts a header into the message; with replace, in the place of all of that name. A value that would break
// the message (a line break in it, say) is not put there; Message.Add sees to that.
type setHeader struct {
	name     string
	nameText []byte
	value    text
	response bool
	replace  bool
}

func (c *compile) addHeader() Action { return c.headerValue(false) }
func (c *compile) setHeader() Action { return c.headerValue(true) }

func (c *compile) headerValue(replace bool) Action {
	name := c.a.Args[0].Text
	return &setHeader{name: name, nameText: []byte(name), value: c.text(c.a.Args[1]), response: c.response(), replace: replace}
}

func (h *setHeader) Exec(tx *txn.Txn) txn.Verdict {
	m := message(tx, h.response)
	v := h.value.bytes(tx)
	if h.replace {
		m.Set(h.name, v)
	} else {
		m.Add(h.nameText, v)
	}
	return txn.Next
}

// delHeader removes headers whose name matches.
type delHeader struct {
	name     string
	match    func(name []byte) bool // nil: equal to name
	response bool
}

func (c *compile) delHeader() Action {
	d := &delHeader{name: c.a.Args[0].Text, response: c.response()}
	low := []byte(strings.ToLower(d.name))
	how, _ := c.a.Opt("-m")
	switch how.Text {
	case "beg":
		d.match = func(n []byte) bool { return len(n) >= len(low) && bytes.EqualFold(n[:len(low)], low) }
	case "end":
		d.match = func(n []byte) bool { return len(n) >= len(low) && bytes.EqualFold(n[len(n)-len(low):], low) }
	case "sub":
		d.match = func(n []byte) bool {
			for i := 0; i+len(low) <= len(n); i++ {
				if bytes.EqualFold(n[i:i+len(low)], low) {
					return true
				}
			}
			return false
		}
	case "reg":
		pattern := c.a.Args[0]
		pattern.Text = "(?i)" + pattern.Text // names are the same in any case
		re := c.regex(pattern)
		if re == nil {
			return nil
		}
		d.match = re.Match
	}
	return d
}

func (d *delHeader) Exec(tx *txn.Txn) txn.Verdict {
	m := message(tx, d.response)
	if d.match == nil {
		m.Del(d.name)
		return txn.Next
	}
	for i := m.Len() - 1; i >= 0; i-- {
		if d.match(m.Name(i)) {
			m.DelAt(i)
		}
	}
	return txn.Next
}

// replaceHeader changes the values of a header that match: whole lines, or each part between commas.
type replaceHeader struct {
	name     string
	re       *regexp.Regexp
	by       text
	each     bool
	response bool
}

func (c *compile) replaceHeader() Action { return c.replace(false) }
func (c *compile) replaceValue() Action  { return c.replace(true) }

func (c *compile) replace(each bool) Action {
	re := c.regex(c.a.Args[1])
	if re == nil {
		return nil
	}
	return &replaceHeader{name: c.a.Args[0].Text, re: re, by: c.text(c.a.Args[2]), each: each, response: c.response()}
}

func (r *replaceHeader) Exec(tx *txn.Txn) txn.Verdict {
	m := message(tx, r.response)
	for i := m.Find(r.name, 0); i >= 0; i = m.Find(r.name, i+1) {
		value := m.Value(i)
		if r.each {
			if v, changed := r.parts(tx, value); changed {
				m.SetValueAt(i, v)
			}
		} else if at := r.re.FindSubmatchIndex(value); at != nil {
			m.SetValueAt(i, cast.AppendExpanded(tx.Scratch.Take(256)[:0], r.by.bytes(tx), value, at))
		}
	}
	return txn.Next
}

// parts changes the parts of a list that match.
func (r *replaceHeader) parts(tx *txn.Txn, value []byte) (out []byte, changed bool) {
	out = tx.Scratch.Take(len(value) + 64)[:0]
	for first := true; ; first = false {
		part, rest, more := bytes.Cut(value, []byte{','})
		if !first {
			out = append(out, ',')
		}
		trimmed := bytes.Trim(part, " \t")
		lead := len(part) - len(bytes.TrimLeft(part, " \t"))
		out = append(out, part[:lead]...)
		if at := r.re.FindSubmatchIndex(trimmed); at != nil {
			out = cast.AppendExpanded(out, r.by.bytes(tx), trimmed, at)
			changed = true
		} else {
			out = append(out, part[lead:]...)
		}
		if !more {
			return out, changed
		}
		value = rest
	}
}

// setStatus changes the status line of the answer.
type setStatus struct {
	code   int
	reason []byte // nil: the one that goes with the code
}

func (c *compile) setStatus() Action {
	s := &setStatus{code: int(c.a.Args[0].Int)}
	if r, ok := c.a.Opt("reason"); ok {
		s.reason = []byte(r.Text)
	}
	return s
}

func (s *setStatus) Exec(tx *txn.Txn) txn.Verdict {
	tx.Res.SetStatus(s.code, s.reason)
	return txn.Next
}

// setTarget changes a part of the request line. What cannot stand there is not put there.
type setTarget struct {
	set func(m *http1.Message, v []byte) bool
	to  text
}

func (c *compile) setTarget(set func(*http1.Message, []byte) bool) Action {
	return &setTarget{set, c.text(c.a.Args[0])}
}

func (s *setTarget) Exec(tx *txn.Txn) txn.Verdict {
	s.set(&tx.Req, s.to.bytes(tx))
	return txn.Next
}

// replaceTarget changes a part of the target when it matches.
type replaceTarget struct {
	get func(m *http1.Message) []byte
	set func(m *http1.Message, v []byte) bool
	re  *regexp.Regexp
	by  text
}

func (c *compile) replaceTarget(get func(*http1.Message) []byte, set func(*http1.Message, []byte) bool) Action {
	re := c.regex(c.a.Args[0])
	if re == nil {
		return nil
	}
	return &replaceTarget{get, set, re, c.text(c.a.Args[1])}
}

func (r *replaceTarget) Exec(tx *txn.Txn) txn.Verdict {
	old := r.get(&tx.Req)
	if at := r.re.FindSubmatchIndex(old); at != nil {
		r.set(&tx.Req, cast.AppendExpanded(tx.Scratch.Take(256)[:0], r.by.bytes(tx), old, at))
	}
	return txn.Next
}
