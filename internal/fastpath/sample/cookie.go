package sample

import (
	"bytes"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/txn"
)

// cookieFetches read Cookie and Set-Cookie headers (RFC 6265).
func cookieFetches() map[string]fetch {
	req := jar{of: request, header: "cookie"}
	res := jar{of: response, header: "set-cookie", first: true}
	m := map[string]fetch{
		"cookie": one(func(tx *txn.Txn, c *call) (txn.Value, bool) {
			if direction(tx) == txn.Res {
				return res.value(tx, c)
			}
			return req.value(tx, c)
		}),
	}
	for prefix, j := range map[string]jar{"req.": req, "res.": res} {
		values := fetch{get: j.value, next: j.next}
		m[prefix+"cook"] = values
		m[prefix+"cook_val"] = converted(values, toInt)
		m[prefix+"cook_cnt"] = one(j.count)
		m[prefix+"cook_names"] = one(j.names)
	}
	return m
}

// jar is the cookies of a message.
type jar struct {
	of     func(*txn.Txn) *http1.Message
	header string
	first  bool // only the first pair of a header is a cookie; attributes follow
}

// pair gives the cookie at the cursor.
func (j jar) pair(msg *http1.Message, at cursor) (name, value []byte, after cursor, ok bool) {
	for {
		if at.i = msg.Find(j.header, at.i); at.i < 0 {
			return nil, nil, at, false
		}
		line := msg.Value(at.i)
		if at.off >= len(line) {
			at = cursor{i: at.i + 1}
			continue
		}
		end := len(line)
		if k := bytes.IndexByte(line[at.off:], ';'); k >= 0 {
			end = at.off + k
		}
		text := line[at.off:end]
		after = cursor{i: at.i, off: end + 1}
		if j.first {
			after = cursor{i: at.i + 1}
		}
		name, value, found := bytes.Cut(text, []byte{'='})
		if name = trimBlanks(name); found && len(name) > 0 {
			return name, trimBlanks(value), after, true
		}
		at = after
	}
}

func (j jar) next(tx *txn.Txn, c *call, at cursor) (txn.Value, cursor, bool) {
	msg := j.of(tx)
	if msg == nil {
		return txn.Value{}, at, false
	}
	for {
		name, value, after, ok := j.pair(msg, at)
		if !ok {
			return txn.Value{}, after, false
		}
		if !c.has(0) || string(name) == c.text(0) {
			return str(value), after, true
		}
		at = after
	}
}

// value is the last cookie of the name, or the first of all.
func (j jar) value(tx *txn.Txn, c *call) (txn.Value, bool) {
	var at cursor
	var last txn.Value
	found := false
	for {
		v, after, ok := j.next(tx, c, at)
		if !ok {
			return last, found
		}
		if !c.has(0) {
			return v, true
		}
		last, at, found = v, after, true
	}
}

func (j jar) count(tx *txn.Txn, c *call) (txn.Value, bool) {
	if j.of(tx) == nil {
		return txn.Value{}, false
	}
	var at cursor
	for n := int64(0); ; n++ {
		_, after, ok := j.next(tx, c, at)
		if !ok {
			return num(n), true
		}
		at = after
	}
}

func (j jar) names(tx *txn.Txn, c *call) (txn.Value, bool) {
	msg := j.of(tx)
	if msg == nil {
		return txn.Value{}, false
	}
	sep := byte(',')
	if c.has(0) {
		sep = c.text(0)[0]
	}
	size := 0
	for i := 0; i < msg.Len(); i++ {
		size += len(msg.Value(i)) + 1
	}
	out := tx.Scratch.Take(size)[:0]
	var at cursor
	for {
		name, _, after, ok := j.pair(msg, at)
		if !ok {
			return str(out), true
		}
		if len(out) > 0 {
			out = append(out, sep)
		}
		out = append(out, name...)
		at = after
	}
}
