package sample

import (
	"bytes"

	"eddy/internal/fastpath/txn"
)

// urlFetches look into the target.
func urlFetches() map[string]fetch {
	param := fetch{
		get:  func(tx *txn.Txn, c *call) (txn.Value, bool) { v, _, ok := urlParam(tx, c, cursor{}); return v, ok },
		next: urlParam,
	}
	return map[string]fetch{
		"urlp":     param,
		"urlp_val": converted(param, toInt),
		"url_ip": one(func(tx *txn.Txn, _ *call) (txn.Value, bool) {
			host, _ := urlHost(tx)
			a, ok := parseAddr(host)
			if !ok {
				return txn.Value{}, false
			}
			return addr(a)
		}),
		"url_port": one(func(tx *txn.Txn, _ *call) (txn.Value, bool) {
			host, port := urlHost(tx)
			if len(host) == 0 {
				return txn.Value{}, false
			}
			if len(port) == 0 {
				return num(80), true
			}
			return num(leadingInt(port)), true
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
func urlParam(tx *txn.Txn, c *call, at cursor) (txn.Value, cursor, bool) {
	m := request(tx)
	if m == nil {
		return txn.Value{}, at, false
	}
	target := m.Target()
	delim := byte('?')
	if c.has(1) {
		delim = c.text(1)[0]
	}
	if at.off == 0 {
		at.off = len(target)
		for i, b := range target {
			if b == '?' || b == delim {
				at.off = i + 1
				break
			}
		}
	}
	return findParam(target, c, at, func(b byte) bool { return b == '&' || b == ';' || b == delim }, c.has(2))
}

// bodyParam is urlParam on an url-encoded body.
func bodyParam(tx *txn.Txn, c *call, at cursor) (txn.Value, cursor, bool) {
	v, ok := body(tx, txn.Req)
	if !ok {
		return txn.Value{}, at, false
	}
	return findParam(v.B, c, at, func(b byte) bool { return b == '&' }, c.has(1))
}

func findParam(text []byte, c *call, at cursor, ends func(byte) bool, noCase bool) (txn.Value, cursor, bool) {
	name := c.bytes(0)
	for at.off < len(text) {
		end := at.off
		for end < len(text) && !ends(text[end]) {
			end++
		}
		key, value, hasValue := bytes.Cut(text[at.off:end], []byte{'='})
		at.off = end + 1
		if !hasValue || len(name) > 0 && string(key) != string(name) && !(noCase && equalFold(key, name)) {
			continue
		}
		return str(value), at, true
	}
	return txn.Value{}, at, false
}
