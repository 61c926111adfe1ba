package fetch

import (
	"bytes"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// urlFetches look into the target.
func urlFetches() map[string]call.Fetch {
	param := call.Fetch{
		Get: func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			v, _, ok := urlParam(tx, c, call.Cursor{})
			return v, ok
		},
		Next: urlParam,
	}
	return map[string]call.Fetch{
		"urlp":     param,
		"urlp_val": converted(param, cast.ToInt),
		"url_ip": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			host, _ := urlHost(tx)
			a, ok := cast.ParseAddr(host)
			if !ok {
				return txn.Value{}, false
			}
			return cast.Addr(a)
		}),
		"url_port": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			host, port := urlHost(tx)
			if len(host) == 0 {
				return txn.Value{}, false
			}
			if len(port) == 0 {
				return cast.Num(80), true
			}
			return cast.Num(cast.LeadingInt(port)), true
		}),
	}
}

// urlHost splits the authority of an absolute target.
func urlHost(tx *txn.Txn) (host, port []byte) {
	m := request(tx)
	if m == nil {
		return nil, nil
	}
	a := m.Authority()
	i := bytes.LastIndexByte(a, ':')
	if i < 0 || bytes.IndexByte(a[i:], ']') >= 0 {
		return a, nil
	}
	return a[:i], a[i+1:]
}

// urlParam gives the parameter at the cursor whose name is asked for: they begin behind the first '?' or the given
// delimiter and end before '&', ';' or it (configuration.txt §7.3.6 url_param).
func urlParam(tx *txn.Txn, c *call.Call, at call.Cursor) (txn.Value, call.Cursor, bool) {
	m := request(tx)
	if m == nil {
		return txn.Value{}, at, false
	}
	target := m.Target()
	delim := byte('?')
	if c.Has(1) {
		delim = c.Text(1)[0]
	}
	if at.Off == 0 {
		at.Off = len(target)
		for i, b := range target {
			if b == '?' || b == delim {
				at.Off = i + 1
				break
			}
		}
	}
	return findParam(target, c, at, func(b byte) bool { return b == '&' || b == ';' || b == delim }, c.Has(2))
}

// bodyParam is urlParam on an url-encoded body.
func bodyParam(tx *txn.Txn, c *call.Call, at call.Cursor) (txn.Value, call.Cursor, bool) {
	v, ok := body(tx, txn.Req)
	if !ok {
		return txn.Value{}, at, false
	}
	return findParam(v.B, c, at, func(b byte) bool { return b == '&' }, c.Has(1))
}

func findParam(text []byte, c *call.Call, at call.Cursor, ends func(byte) bool, noCase bool) (txn.Value, call.Cursor, bool) {
	name := c.Bytes(0)
	for at.Off < len(text) {
		end := at.Off
		for end < len(text) && !ends(text[end]) {
			end++
		}
		key, value, hasValue := bytes.Cut(text[at.Off:end], []byte{'='})
		at.Off = end + 1
		if !hasValue || len(name) > 0 && string(key) != string(name) && !(noCase && cast.EqualFold(key, name)) {
			continue
		}
		return cast.Str(value), at, true
	}
	return txn.Value{}, at, false
}
