package convert

import (
	"strconv"
	"unicode/utf8"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// jsonConverters write and read JSON.
func jsonConverters() map[string]call.Converter {
	return map[string]call.Converter{
		"json":       {Apply: jsonEscape, Prepare: prepareJSON},
		"json_query": {Apply: jsonQuery, Prepare: prepareQuery},
	}
}

// decoding is how json reads its input (configuration.txt §7.3.1 json).
type decoding struct {
	utf8       bool
	silent     bool // s: leave out what is wrong, instead of failing
	permissive bool // p: take forms that are longer than they need be
}

func prepareJSON(c *call.Call) error {
	switch c.Text(0) {
	case "utf8":
		c.Data = decoding{utf8: true}
	case "utf8s":
		c.Data = decoding{utf8: true, silent: true}
	case "utf8p":
		c.Data = decoding{utf8: true, permissive: true}
	case "utf8ps":
		c.Data = decoding{utf8: true, silent: true, permissive: true}
	default:
		c.Data = decoding{}
	}
	return nil
}

func jsonEscape(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	d := c.Data.(decoding)
	out := tx.Scratch.Take(len(v.B) + 16)[:0]
	for b := v.B; len(b) > 0; {
		r, n, ok := d.next(b)
		b = b[n:]
		if !ok {
			if !d.silent {
				return txn.Value{}, false
			}
			continue
		}
		if out = appendJSONRune(out, r); len(out) > maxText {
			return txn.Value{}, false
		}
	}
	return cast.Str(out), true
}

// next reads one character. Those beyond 0xffff do not fit \uXXXX and count as wrong.
func (d decoding) next(b []byte) (r rune, size int, ok bool) {
	if !d.utf8 || b[0] < 0x80 {
		return rune(b[0]), 1, true
	}
	r, size = utf8.DecodeRune(b)
	if r != utf8.RuneError || size > 1 {
		return r, size, r <= 0xffff
	}
	if !d.permissive {
		return 0, 1, false
	}
	return overlong(b)
}

// overlong reads two and three byte forms whatever they stand for.
func overlong(b []byte) (rune, int, bool) {
	tail := func(c byte) bool { return c&0xc0 == 0x80 }
	switch {
	case b[0]&0xe0 == 0xc0 && len(b) >= 2 && tail(b[1]):
		return rune(b[0]&0x1f)<<6 | rune(b[1]&0x3f), 2, true
	case b[0]&0xf0 == 0xe0 && len(b) >= 3 && tail(b[1]) && tail(b[2]):
		r := rune(b[0]&0x0f)<<12 | rune(b[1]&0x3f)<<6 | rune(b[2]&0x3f)
		return r, 3, r < 0xd800 || r > 0xdfff
	}
	return 0, 1, false
}

func appendJSONRune(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\', '/':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if r >= ' ' && r < 0x7f {
		return append(dst, byte(r))
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// queryPlan is a json_query's path and type.
type queryPlan struct {
	path  []pathStep
	asInt bool
}

func prepareQuery(c *call.Call) error {
	path, err := parseJSONPath(c.Text(0))
	c.Data = &queryPlan{path, c.Text(1) == "int"}
	return err
}

// jsonQuery gives a string, a boolean, a number as text or integer, or an array as its JSON text.
func jsonQuery(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	q := c.Data.(*queryPlan)
	raw, ok := findJSON(v.B, q.path)
	if !ok || len(raw) == 0 {
		return txn.Value{}, false
	}
	switch b := raw[0]; {
	case b == '"':
		text, ok := unquoteJSON(tx.Scratch.Take(len(raw))[:0], raw)
		if q.asInt {
			n, err := strconv.ParseInt(string(text), 10, 64)
			return cast.Num(n), ok && err == nil
		}
		return cast.Str(text), ok
	case b == 't':
		return cast.Bool(true), true
	case b == 'f':
		return cast.Bool(false), true
	case b == '[' && !q.asInt:
		return cast.Str(raw), true
	case b == '-' || '0' <= b && b <= '9':
		if !q.asInt {
			return cast.Str(raw), true
		}
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return cast.Num(n), true
		}
		f, err := strconv.ParseFloat(string(raw), 64)
		return cast.Num(int64(f)), err == nil && f > -(1<<63) && f < 1<<63
	}
	return txn.Value{}, false
}
