package fetch

import (
	"bytes"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// cookieFetches read Cookie and Set-Cookie headers (RFC 6265).
func cookieFetches() map[string]call.Fetch {
	req := jar{of: request, header: "cookie"}
	res := jar{of: Response, header: "set-cookie", first: true}
	m := map[string]call.Fetch{
		"cookie": one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			if direction(tx) == txn.Res {
				return res.value(tx, c)
			}
			return req.value(tx, c)
		}),
	}
	for prefix, j := range map[string]jar{"req.": req, "res.": res} {
		values := call.Fetch{Get: j.value, Next: j.next}
		m[prefix+"cook"] = values
		m[prefix+"cook_val"] = converted(values, cast.ToInt)
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
func (j jar) pair(msg *http1.Message, at call.Cursor) (name, value []byte, after call.Cursor, ok bool) {
	for {
		if at.I = msg.Find(j.header, at.I); at.I < 0 {
			return nil, nil, at, false
		}
		line := msg.Value(at.I)
		if at.Off >= len(line) {
			at = call.Cursor{I: at.I + 1}
			continue
		}
		end := len(line)
		if k := bytes.IndexByte(line[at.Off:], ';'); k >= 0 {
			end = at.Off + k
		}
		text := line[at.Off:end]
		after = call.Cursor{I: at.I, Off: end + 1}
		if j.first {
			after = call.Cursor{I: at.I + 1}
		}
		name, value, found := bytes.Cut(text, []byte{'='})
		if name = cast.TrimBlanks(name); found && len(name) > 0 {
			return name, cast.TrimBlanks(value), after, true
		}
		at = after
	}
}

func (j jar) next(tx *txn.Txn, c *call.Call, at call.Cursor) (txn.Value, call.Cursor, bool) {
	msg := j.of(tx)
	if msg == nil {
		return txn.Value{}, at, false
	}
	for {
		name, value, after, ok := j.pair(msg, at)
		if !ok {
			return txn.Value{}, after, false
		}
		if !c.Has(0) || string(name) == c.Text(0) {
			return cast.Str(value), after, true
		}
		at = after
	}
}

// value is the last cookie of the name, or the first of all.
func (j jar) value(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
	var at call.Cursor
	var last txn.Value
	found := false
	for {
		v, after, ok := j.next(tx, c, at)
		if !ok {
			return last, found
		}
		if !c.Has(0) {
			return v, true
		}
		last, at, found = v, after, true
	}
}

func (j jar) count(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
	if j.of(tx) == nil {
		return txn.Value{}, false
	}
	var at call.Cursor
	for n := int64(0); ; n++ {
		_, after, ok := j.next(tx, c, at)
		if !ok {
			return cast.Num(n), true
		}
		at = after
	}
}

func (j jar) names(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
	msg := j.of(tx)
	if msg == nil {
		return txn.Value{}, false
	}
	sep := byte(',')
	if c.Has(0) {
		sep = c.Text(0)[0]
	}
	size := 0
	for i := 0; i < msg.Len(); i++ {
		size += len(msg.Value(i)) + 1
	}
	out := tx.Scratch.Take(size)[:0]
	var at call.Cursor
	for {
		name, _, after, ok := j.pair(msg, at)
		if !ok {
			return cast.Str(out), true
		}
		if len(out) > 0 {
			out = append(out, sep)
		}
		out = append(out, name...)
		at = after
	}
}

// CapturedCookie finds the cookie that "capture cookie" asks for, as name=value, in a message's headers of that name
// (configuration.txt §8.7). The configured name is the beginning of the cookie's; one that ends in '=' is the whole.
func CapturedCookie(tx *txn.Txn, m *http1.Message, header string) []byte {
	if tx.Front == nil || m == nil {
		return nil
	}
	want := tx.Front.Model.CaptureCookie
	if want.Name == "" {
		return nil
	}
	for i := m.Find(header, 0); i >= 0; i = m.Find(header, i+1) {
		rest := m.Value(i)
		for more := true; more; {
			var pair []byte
			pair, rest, more = bytes.Cut(rest, []byte{';'})
			pair = cast.TrimBlanks(pair)
			if len(pair) >= len(want.Name) && string(pair[:len(want.Name)]) == want.Name {
				return pair[:min(len(pair), want.Len)]
			}
			more = more && header == "cookie" // in Set-Cookie attributes follow
		}
	}
	return nil
}
