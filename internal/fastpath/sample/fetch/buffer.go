package fetch

import (
	"strings"

	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// bufferFetches look at raw bytes of mode tcp (configuration.txt §7.3.5). While more bytes can come and could change
// the answer, they set tx.Undecided.
func bufferFetches() map[string]call.Fetch {
	req := func(*txn.Txn) txn.Dir { return txn.Req }
	res := func(*txn.Txn) txn.Dir { return txn.Res }
	return map[string]call.Fetch{
		"req.len":        one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return bufferLen(tx, txn.Req) }),
		"res.len":        one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return bufferLen(tx, txn.Res) }),
		"req.payload":    payloadFetch(req),
		"res.payload":    payloadFetch(res),
		"payload":        payloadFetch(direction),
		"req.payload_lv": payloadLVFetch(req),
		"res.payload_lv": payloadLVFetch(res),
		"payload_lv":     payloadLVFetch(direction),
		"req.proto_http": one(protoHTTP),
		"req.rdp_cookie": one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			v, ok := rdpCookie(tx, c.Text(0))
			return cast.Str(v), ok
		}),
		"req.rdp_cookie_cnt": one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			if _, ok := rdpCookie(tx, c.Text(0)); ok {
				return cast.Num(1), true
			}
			return cast.Num(0), true
		}),
	}
}

// payload gives the buffered bytes of mode tcp; final says that there won't be more. It reports false where there is
// nothing to look at.
func payload(tx *txn.Txn, d txn.Dir) (data []byte, final, ok bool) {
	if tx.Mode != model.ModeTCP || tx.Control == nil {
		return nil, true, false
	}
	data, done := tx.Control.Payload(d)
	return data, done || tx.InspectOver, true
}

func bufferLen(tx *txn.Txn, d txn.Dir) (txn.Value, bool) {
	data, final, ok := payload(tx, d)
	tx.Undecided = tx.Undecided || ok && !final
	return cast.Num(int64(len(data))), ok
}

func payloadFetch(dir func(*txn.Txn) txn.Dir) call.Fetch {
	return one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
		data, final, ok := payload(tx, dir(tx))
		if !ok {
			return txn.Value{}, false
		}
		off, n := c.Int(0, 0), c.Int(1, 0)
		if n == 0 { // all there is
			tx.Undecided = tx.Undecided || !final
			if off > int64(len(data)) {
				return txn.Value{}, false
			}
			return cast.Bin(data[off:]), true
		}
		return part(tx, data, final, off, n)
	})
}

// part cuts n bytes out at off, or waits for them.
func part(tx *txn.Txn, data []byte, final bool, off, n int64) (txn.Value, bool) {
	if off < 0 || n < 0 || off > int64(len(data)) || n > int64(len(data))-off {
		tx.Undecided = tx.Undecided || !final && off >= 0 && n >= 0
		return txn.Value{}, false
	}
	return cast.Bin(data[off : off+n]), true
}

func payloadLVFetch(dir func(*txn.Txn) txn.Dir) call.Fetch {
	return one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
		data, final, ok := payload(tx, dir(tx))
		if !ok {
			return txn.Value{}, false
		}
		at, width := c.Int(0, 0), c.Int(1, 0)
		head, ok := part(tx, data, final, at, width)
		if !ok {
			return txn.Value{}, false
		}
		var size int64
		for _, b := range head.B {
			if size > 1<<31 {
				return txn.Value{}, false
			}
			size = size<<8 | int64(b)
		}
		from := at + width
		if c.Has(2) {
			n, err := expr.ParseInt(strings.TrimPrefix(c.Text(2), "+"))
			if err != nil {
				return txn.Value{}, false
			}
			if c.Text(2)[0] == '+' || c.Text(2)[0] == '-' {
				from += n
			} else {
				from = n
			}
		}
		if size == 0 {
			return txn.Value{}, false
		}
		return part(tx, data, final, from, size)
	})
}

// protoHTTP is true in mode http once the request is there; in mode tcp it parses what is buffered.
func protoHTTP(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
	if tx.Mode == model.ModeHTTP {
		return cast.Bool(len(tx.Req.Method()) > 0), true
	}
	data, final, ok := payload(tx, txn.Req)
	if !ok {
		return txn.Value{}, false
	}
	tx.Req.Reset()
	defer tx.Req.Reset()
	n, err := tx.Req.ParseRequest(data, http1.Limits{MaxHeaders: 101, MaxHead: 16384})
	if n == 0 && err == nil && !final {
		tx.Undecided = true
		return txn.Value{}, false
	}
	return cast.Bool(n > 0 && err == nil), true
}

// rdpCookie reads the cookie of an RDP connection request: a TPKT header (RFC 1006), an X.224 CR, "Cookie: NAME=VALUE"
// up to the line end.
func rdpCookie(tx *txn.Txn, name string) ([]byte, bool) {
	const heads = 11 // TPKT and X.224 CR
	data, final, ok := payload(tx, txn.Req)
	if !ok {
		return nil, false
	}
	wait := func() ([]byte, bool) {
		tx.Undecided = tx.Undecided || !final
		return nil, false
	}
	if len(data) <= heads {
		return wait()
	}
	if data[0] != 3 || data[5] != 0xe0 {
		return nil, false
	}
	rest := data[heads:]
	const label = "Cookie:"
	if len(rest) < len(label) {
		return wait()
	}
	if !strings.EqualFold(string(rest[:len(label)]), label) {
		return nil, false
	}
	rest = rest[len(label):]
	for len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	}
	eq, eol := -1, -1
	for i, b := range rest {
		if b == '=' && eq < 0 {
			eq = i
		}
		if b == '\r' || b == '\n' {
			eol = i
			break
		}
	}
	if eol < 0 {
		return wait()
	}
	if eq < 0 || eq > eol || name != "" && !strings.EqualFold(string(rest[:eq]), name) {
		return nil, false
	}
	return rest[eq+1 : eol], true
}
