package fetch

import (
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// headerFetches are the hdr family (configuration.txt §7.3.6).
func headerFetches() map[string]call.Fetch {
	m := map[string]call.Fetch{}
	either := func(tx *txn.Txn) *http1.Message { return messageOf(tx, direction(tx)) }
	m["hdr"] = values(either, true)
	for prefix, of := range map[string]func(*txn.Txn) *http1.Message{"req.": request, "res.": Response} {
		m[prefix+"hdr"] = values(of, true)
		m[prefix+"fhdr"] = values(of, false)
		m[prefix+"hdr_val"] = converted(values(of, true), cast.ToInt)
		m[prefix+"hdr_ip"] = converted(values(of, true), cast.ToAddr)
		m[prefix+"hdr_cnt"] = count(of, true)
		m[prefix+"fhdr_cnt"] = count(of, false)
		m[prefix+"hdr_names"] = one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) { return headerNames(tx, c, of(tx)) })
		m[prefix+"hdrs"] = one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return headerText(tx, of(tx)) })
		m[prefix+"hdrs_bin"] = one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return headerBinary(tx, of(tx)) })
	}
	return m
}

// walker goes through the values of a header, or of all headers.
type walker struct {
	msg   *http1.Message
	name  string // "" for all
	split bool   // at commas
}

// next gives the value at the cursor and the cursor behind it.
func (w *walker) next(at call.Cursor) ([]byte, call.Cursor, bool) {
	for {
		if w.name != "" {
			at.I = w.msg.Find(w.name, at.I)
			if at.I < 0 {
				return nil, at, false
			}
		} else if at.I >= w.msg.Len() {
			return nil, at, false
		}
		line := w.msg.Value(at.I)
		if !w.split {
			return line, call.Cursor{I: at.I + 1}, true
		}
		if at.Off > len(line) { // the line is used up
			at = call.Cursor{I: at.I + 1}
			continue
		}
		end := at.Off + valueEnd(line[at.Off:])
		v := cast.TrimBlanks(line[at.Off:end])
		return v, call.Cursor{I: at.I, Off: end + 1}, true
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

// occurrence gives the n-th value: from 1 at the front, from -1 at the back.
func (w *walker) occurrence(n int64) ([]byte, bool) {
	if n < 0 {
		total := w.count()
		if n = total + n + 1; n < 1 {
			return nil, false
		}
	}
	var at call.Cursor
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
	var at call.Cursor
	for {
		next, after, ok := w.next(at)
		if !ok {
			return v, found
		}
		v, at, found = next, after, true
	}
}

func (w *walker) count() (n int64) {
	var at call.Cursor
	for ok := true; ; n++ {
		if _, at, ok = w.next(at); !ok {
			return n
		}
	}
}

// values makes a fetch of header values: one by the occurrence, the last by default, and each for ACLs.
func values(of func(*txn.Txn) *http1.Message, split bool) call.Fetch {
	return call.Fetch{
		Get: func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			msg := of(tx)
			if msg == nil {
				return txn.Value{}, false
			}
			w := walker{msg, c.Text(0), split}
			var v []byte
			var ok bool
			if n := c.Int(1, -1); n == -1 || n == 0 {
				v, ok = w.last()
			} else {
				v, ok = w.occurrence(n)
			}
			return cast.Str(v), ok
		},
		Next: func(tx *txn.Txn, c *call.Call, at call.Cursor) (txn.Value, call.Cursor, bool) {
			msg := of(tx)
			if msg == nil {
				return txn.Value{}, at, false
			}
			w := walker{msg, c.Text(0), split}
			v, at, ok := w.next(at)
			return cast.Str(v), at, ok
		},
	}
}

// converted turns each value into a number or address; those that are none are passed over by ACLs.
func converted(f call.Fetch, conv func(txn.Value) (txn.Value, bool)) call.Fetch {
	return call.Fetch{
		Get: func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			v, ok := f.Get(tx, c)
			if !ok {
				return v, false
			}
			return conv(v)
		},
		Next: func(tx *txn.Txn, c *call.Call, at call.Cursor) (txn.Value, call.Cursor, bool) {
			for {
				v, after, ok := f.Next(tx, c, at)
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

func count(of func(*txn.Txn) *http1.Message, split bool) call.Fetch {
	return one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
		msg := of(tx)
		if msg == nil {
			return txn.Value{}, false
		}
		w := walker{msg, c.Text(0), split}
		return cast.Num(w.count()), true
	})
}

func headerNames(tx *txn.Txn, c *call.Call, msg *http1.Message) (txn.Value, bool) {
	if msg == nil {
		return txn.Value{}, false
	}
	sep := byte(',')
	if c.Has(0) {
		sep = c.Text(0)[0]
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
		out = cast.AppendLower(out, msg.Name(i))
	}
	return cast.Str(out), true
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
		out = cast.AppendLower(out, msg.Name(i))
		out = append(out, ": "...)
		out = append(out, msg.Value(i)...)
		out = append(out, "\r\n"...)
	}
	return cast.Str(append(out, "\r\n"...)), true
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
		out = cast.AppendLower(out, msg.Name(i))
		out = appendVarint(out, uint64(len(msg.Value(i))))
		out = append(out, msg.Value(i)...)
	}
	return cast.Bin(append(out, 0, 0)), true
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
