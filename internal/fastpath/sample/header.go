package sample

import (
	"bytes"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/txn"
)

// headerFetches are the hdr family (configuration.txt §7.3.6).
func headerFetches() map[string]fetch {
	m := map[string]fetch{}
	either := func(tx *txn.Txn) *http1.Message { return messageOf(tx, direction(tx)) }
	m["hdr"] = values(either, true)
	for prefix, of := range map[string]func(*txn.Txn) *http1.Message{"req.": request, "res.": response} {
		m[prefix+"hdr"] = values(of, true)
		m[prefix+"fhdr"] = values(of, false)
		m[prefix+"hdr_val"] = converted(values(of, true), toInt)
		m[prefix+"hdr_ip"] = converted(values(of, true), toAddr)
		m[prefix+"hdr_cnt"] = count(of, true)
		m[prefix+"fhdr_cnt"] = count(of, false)
		m[prefix+"hdr_names"] = one(func(tx *txn.Txn, c *call) (txn.Value, bool) { return headerNames(tx, c, of(tx)) })
		m[prefix+"hdrs"] = one(func(tx *txn.Txn, _ *call) (txn.Value, bool) { return headerText(tx, of(tx)) })
		m[prefix+"hdrs_bin"] = one(func(tx *txn.Txn, _ *call) (txn.Value, bool) { return headerBinary(tx, of(tx)) })
	}
	return m
}

// walker goes through the values of a header, or of all headers.
type walker struct {
	msg   *http1.Message
	name  string // "" for all
	split bool   // at commas
}

// next gives the value at the cursor and the cursor behind it. A cursor with off -1 is between headers.
func (w *walker) next(at cursor) ([]byte, cursor, bool) {
	for {
		if w.name != "" {
			at.i = w.msg.Find(w.name, at.i)
			if at.i < 0 {
				return nil, at, false
			}
		} else if at.i >= w.msg.Len() {
			return nil, at, false
		}
		line := w.msg.Value(at.i)
		if !w.split {
			return line, cursor{i: at.i + 1}, true
		}
		if at.off > len(line) { // the line is used up
			at = cursor{i: at.i + 1}
			continue
		}
		end := at.off + valueEnd(line[at.off:])
		v := trimBlanks(line[at.off:end])
		return v, cursor{i: at.i, off: end + 1}, true
	}
}

// valueEnd finds the comma that ends a value, passing over quoted strings (RFC 9110 §5.6.4).
func valueEnd(b []byte) int {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return i
		}
	}
	return len(b)
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// occurrence gives the n-th value: from 1 at the front, from -1 at the back.
func (w *walker) occurrence(n int64) ([]byte, bool) {
	if n < 0 {
		total := w.count()
		if n = total + n + 1; n < 1 {
			return nil, false
		}
	}
	var at cursor
	var v []byte
	for ok := true; n > 0; n-- {
		if v, at, ok = w.next(at); !ok {
			return nil, false
		}
	}
	return v, true
}

// last gives the last value in one pass.
func (w *walker) last() (v []byte, found bool) {
	var at cursor
	for {
		next, after, ok := w.next(at)
		if !ok {
			return v, found
		}
		v, at, found = next, after, true
	}
}

func (w *walker) count() (n int64) {
	var at cursor
	for ok := true; ; n++ {
		if _, at, ok = w.next(at); !ok {
			return n
		}
	}
}

// values makes a fetch of header values: one by the occurrence, the last by default, and each for ACLs.
func values(of func(*txn.Txn) *http1.Message, split bool) fetch {
	return fetch{
		get: func(tx *txn.Txn, c *call) (txn.Value, bool) {
			msg := of(tx)
			if msg == nil {
				return txn.Value{}, false
			}
			w := walker{msg, c.text(0), split}
			var v []byte
			var ok bool
			if n := c.int(1, -1); n == -1 || n == 0 {
				v, ok = w.last()
			} else {
				v, ok = w.occurrence(n)
			}
			return str(v), ok
		},
		next: func(tx *txn.Txn, c *call, at cursor) (txn.Value, cursor, bool) {
			msg := of(tx)
			if msg == nil {
				return txn.Value{}, at, false
			}
			w := walker{msg, c.text(0), split}
			v, at, ok := w.next(at)
			return str(v), at, ok
		},
	}
}

// converted turns each value into a number or address; those that are none are passed over by ACLs.
func converted(f fetch, conv func(txn.Value) (txn.Value, bool)) fetch {
	return fetch{
		get: func(tx *txn.Txn, c *call) (txn.Value, bool) {
			v, ok := f.get(tx, c)
			if !ok {
				return v, false
			}
			return conv(v)
		},
		next: func(tx *txn.Txn, c *call, at cursor) (txn.Value, cursor, bool) {
			for {
				v, after, ok := f.next(tx, c, at)
				if !ok {
					return v, after, false
				}
				if v, ok = conv(v); ok {
					return v, after, true
				}
				at = after
			}
		},
	}
}

func count(of func(*txn.Txn) *http1.Message, split bool) fetch {
	return one(func(tx *txn.Txn, c *call) (txn.Value, bool) {
		msg := of(tx)
		if msg == nil {
			return txn.Value{}, false
		}
		w := walker{msg, c.text(0), split}
		return num(w.count()), true
	})
}

func headerNames(tx *txn.Txn, c *call, msg *http1.Message) (txn.Value, bool) {
	if msg == nil {
		return txn.Value{}, false
	}
	sep := byte(',')
	if c.has(0) {
		sep = c.text(0)[0]
	}
	n := 0
	for i := 0; i < msg.Len(); i++ {
		n += len(msg.Name(i)) + 1
	}
	out := tx.Scratch.Take(n)[:0]
	for i := 0; i < msg.Len(); i++ {
		if i > 0 {
			out = append(out, sep)
		}
		out = appendLower(out, msg.Name(i))
	}
	return str(out), true
}

func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// headerText writes the headers as they will be sent, the empty line included.
func headerText(tx *txn.Txn, msg *http1.Message) (txn.Value, bool) {
	if msg == nil {
		return txn.Value{}, false
	}
	n := 2
	for i := 0; i < msg.Len(); i++ {
		n += len(msg.Name(i)) + len(msg.Value(i)) + 4
	}
	out := tx.Scratch.Take(n)[:0]
	for i := 0; i < msg.Len(); i++ {
		out = appendLower(out, msg.Name(i))
		out = append(out, ": "...)
		out = append(out, msg.Value(i)...)
		out = append(out, "\r\n"...)
	}
	return str(append(out, "\r\n"...)), true
}

// headerBinary writes names and values with their lengths in front, and two empty strings at the end. Lengths are
// SPOE's variable-length integers.
func headerBinary(tx *txn.Txn, msg *http1.Message) (txn.Value, bool) {
	if msg == nil {
		return txn.Value{}, false
	}
	n := 2
	for i := 0; i < msg.Len(); i++ {
		n += len(msg.Name(i)) + len(msg.Value(i)) + 20
	}
	out := tx.Scratch.Take(n)[:0]
	for i := 0; i < msg.Len(); i++ {
		out = appendVarint(out, uint64(len(msg.Name(i))))
		out = appendLower(out, msg.Name(i))
		out = appendVarint(out, uint64(len(msg.Value(i))))
		out = append(out, msg.Value(i)...)
	}
	return bin(append(out, 0, 0)), true
}

// appendVarint is SPOE's encoding: below 240 one byte; else the low 4 bits with 0xf0, then 7 bits a byte.
func appendVarint(dst []byte, n uint64) []byte {
	if n < 240 {
		return append(dst, byte(n))
	}
	dst = append(dst, byte(n)|240)
	n = (n - 240) >> 4
	for n >= 128 {
		dst = append(dst, byte(n)|128)
		n = (n - 128) >> 7
	}
	return append(dst, byte(n))
}

// equalFold compares in ASCII, either in any case.
func equalFold(a, b []byte) bool { return len(a) == len(b) && bytes.EqualFold(a, b) }
