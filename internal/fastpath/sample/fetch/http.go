package fetch

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/sample/hash32"
	"eddy/internal/fastpath/txn"
)

// requestFetches look at the request (configuration.txt §7.3.6).
func requestFetches() map[string]call.Fetch {
	head := func(get func(m *http1.Message) []byte) call.Fetch {
		return text(func(tx *txn.Txn, _ *call.Call) []byte {
			if m := request(tx); m != nil {
				return get(m)
			}
			return nil
		})
	}
	method := one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
		m := request(tx)
		if m == nil {
			return txn.Value{}, false
		}
		return cast.Meth(m.Method()), true
	})
	return map[string]call.Fetch{
		"method": method,
		"path":   one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return requestPath(tx, (*http1.Message).Path) }),
		"pathq":  one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return requestPath(tx, (*http1.Message).PathQuery) }),
		"url":    head((*http1.Message).Target),
		"query":  one(queryFetch),
		"base": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			return hostAnd(tx, (*http1.Message).Path)
		}),
		"baseq": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			return hostAnd(tx, (*http1.Message).PathQuery)
		}),
		"base32": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			h, ok := hashed(tx, (*http1.Message).Path)
			return cast.Num(int64(h)), ok
		}),
		"url32": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			h, ok := hashed(tx, (*http1.Message).PathQuery)
			return cast.Num(int64(h)), ok
		}),
		"base32+src": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return hashSrc(tx, (*http1.Message).Path) }),
		"url32+src":  one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return hashSrc(tx, (*http1.Message).PathQuery) }),

		"capture.req.method": text(func(tx *txn.Txn, _ *call.Call) []byte { return some(tx.Req.Received().Method) }),
		"capture.req.uri":    text(func(tx *txn.Txn, _ *call.Call) []byte { return some(tx.Req.Received().PathQuery) }),
		"capture.req.ver":    text(func(tx *txn.Txn, _ *call.Call) []byte { return some(tx.Req.VersionText()) }),
		"capture.req.hdr":    one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) { return captured(tx.Captures.Req, c) }),
		"req.ver":            head(func(m *http1.Message) []byte { return versionDigits(m) }),
		"http_first_req": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			return cast.Bool(tx.Conn != nil && tx.Conn.Reqs <= 1), tx.Conn != nil
		}),
		"req.body":      one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return body(tx, txn.Req) }),
		"req.body_len":  one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return bodyLen(tx, txn.Req) }),
		"req.body_size": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return bodySize(tx, txn.Req) }),
		"req.body_param": {Get: func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			v, _, ok := bodyParam(tx, c, call.Cursor{})
			return v, ok
		}, Next: bodyParam},
	}
}

// responseFetches look at the response.
func responseFetches() map[string]call.Fetch {
	res := func(get func(tx *txn.Txn) (txn.Value, bool)) call.Fetch {
		return one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			if !tx.HasRes {
				return txn.Value{}, false
			}
			return get(tx)
		})
	}
	statusFetch := res(func(tx *txn.Txn) (txn.Value, bool) { return cast.Num(int64(tx.Res.Status())), true })
	return map[string]call.Fetch{
		"status":     statusFetch,
		"txn.status": statusFetch,
		"server_status": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			return cast.Num(int64(tx.ServerStatus)), tx.ServerStatus > 0
		}),
		"res.ver":         res(func(tx *txn.Txn) (txn.Value, bool) { v := versionDigits(&tx.Res); return cast.Str(v), v != nil }),
		"capture.res.ver": res(func(tx *txn.Txn) (txn.Value, bool) { v := some(tx.Res.VersionText()); return cast.Str(v), v != nil }),
		"capture.res.hdr": one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) { return captured(tx.Captures.Res, c) }),
		"res.body":        res(func(tx *txn.Txn) (txn.Value, bool) { return body(tx, txn.Res) }),
		"res.body_len":    res(func(tx *txn.Txn) (txn.Value, bool) { return bodyLen(tx, txn.Res) }),
		"res.body_size":   res(func(tx *txn.Txn) (txn.Value, bool) { return bodySize(tx, txn.Res) }),
		"res.comp":        fixed(cast.Bool(false)),
	}
}

// Status is the status the client gets, or -1.
func Status(tx *txn.Txn) int64 {
	if !tx.HasRes {
		return -1
	}
	return int64(tx.Res.Status())
}

func some(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// versionDigits is "1.1" of "HTTP/1.1".
func versionDigits(m *http1.Message) []byte {
	v := m.VersionText()
	if len(v) <= len("HTTP/") {
		return nil
	}
	return v[len("HTTP/"):]
}

// requestPath has no value for "*" and the authority form.
func requestPath(tx *txn.Txn, part func(*http1.Message) []byte) (txn.Value, bool) {
	m := request(tx)
	if m == nil {
		return txn.Value{}, false
	}
	p := part(m)
	return cast.Str(p), len(p) > 0
}

func queryFetch(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
	m := request(tx)
	if m == nil {
		return txn.Value{}, false
	}
	q, ok := m.Query()
	if ok && c.Has(0) && len(q) > 0 { // with_qm
		out := tx.Scratch.Take(len(q) + 1)
		out[0] = '?'
		copy(out[1:], q)
		q = out
	}
	return cast.Str(q), ok
}

func hostHeader(m *http1.Message) []byte {
	i := m.Find("host", 0)
	if i < 0 {
		return nil
	}
	return m.Value(i)
}

// hostAnd joins the first Host header and a part of the target.
func hostAnd(tx *txn.Txn, part func(*http1.Message) []byte) (txn.Value, bool) {
	m := request(tx)
	if m == nil {
		return txn.Value{}, false
	}
	host, p := hostHeader(m), part(m)
	out := tx.Scratch.Take(len(host) + len(p))[:0]
	out = append(append(out, host...), p...)
	return cast.Str(out), len(out) > 0
}

func hashed(tx *txn.Txn, part func(*http1.Message) []byte) (uint32, bool) {
	v, ok := hostAnd(tx, part)
	return hash32.Avalanche(hash32.SDBM(v.B)), ok
}

func hashSrc(tx *txn.Txn, part func(*http1.Message) []byte) (txn.Value, bool) {
	h, ok := hashed(tx, part)
	if !ok || tx.Conn == nil || !tx.Conn.Src.IsValid() {
		return txn.Value{}, false
	}
	out := binary.BigEndian.AppendUint32(tx.Scratch.Take(20)[:0], h)
	return cast.Bin(cast.AppendAddr(out, tx.Conn.Src.Addr())), true
}

func captured(list [][]byte, c *call.Call) (txn.Value, bool) {
	i := c.Int(0, 0)
	if i >= int64(len(list)) || list[i] == nil {
		return txn.Value{}, false
	}
	return cast.Str(list[i]), true
}

func body(tx *txn.Txn, d txn.Dir) (txn.Value, bool) {
	if tx.Control == nil || messageOf(tx, d) == nil {
		return txn.Value{}, false
	}
	if d == txn.Res && tx.Local {
		return cast.Bin(tx.ResBody), true
	}
	data, _ := tx.Control.Body(d)
	return cast.Bin(data), true
}

func bodyLen(tx *txn.Txn, d txn.Dir) (txn.Value, bool) {
	v, ok := body(tx, d)
	return cast.Num(int64(len(v.B))), ok
}

// bodySize is the announced length, or with chunks what is there.
func bodySize(tx *txn.Txn, d txn.Dir) (txn.Value, bool) {
	m := messageOf(tx, d)
	if m == nil {
		return txn.Value{}, false
	}
	if m.Body() == http1.BodyLength {
		return cast.Num(m.Length()), true
	}
	return bodyLen(tx, d)
}

// authFetches take the Authorization header apart (RFC 7617, RFC 6750); nothing is checked.
func authFetches() map[string]call.Fetch {
	return map[string]call.Fetch{
		"http_auth_type": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			scheme, _, ok := credentials(tx, "authorization")
			return cast.Str(scheme), ok
		}),
		"http_auth_bearer": one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			name := "authorization"
			if c.Has(0) {
				name = c.Text(0)
			}
			scheme, token, ok := credentials(tx, name)
			return cast.Str(token), ok && cast.EqualFold(scheme, []byte("bearer"))
		}),
		"http_auth_user": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			user, _, ok := basicAuth(tx)
			return cast.Str(user), ok
		}),
		"http_auth_pass": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			_, pass, ok := basicAuth(tx)
			return cast.Str(pass), ok
		}),
	}
}

func credentials(tx *txn.Txn, header string) (scheme, rest []byte, ok bool) {
	m := request(tx)
	if m == nil {
		return nil, nil, false
	}
	i := m.Find(header, 0)
	if i < 0 {
		return nil, nil, false
	}
	scheme, rest, ok = bytes.Cut(m.Value(i), []byte{' '})
	return scheme, cast.TrimBlanks(rest), ok && len(scheme) > 0
}

func basicAuth(tx *txn.Txn) (user, pass []byte, ok bool) {
	scheme, rest, ok := credentials(tx, "authorization")
	if !ok || !cast.EqualFold(scheme, []byte("basic")) {
		return nil, nil, false
	}
	out := tx.Scratch.Take(base64.StdEncoding.DecodedLen(len(rest)))
	n, err := base64.StdEncoding.Decode(out, rest)
	if err != nil {
		return nil, nil, false
	}
	return bytes.Cut(out[:n], []byte{':'})
}
