package convert

import (
	"bytes"
	"net/netip"
	"strconv"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// forwardedConverters take Forwarded headers (RFC 7239) apart and put them together.
func forwardedConverters() map[string]call.Converter {
	return map[string]call.Converter{
		"rfc7239_is_valid": does(func(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			return cast.Bool(validForwarded(v.B)), true
		}),
		"rfc7239_field": does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			if !validForwarded(v.B) {
				return txn.Value{}, false
			}
			f, ok := forwardedField(v.B, c.Text(0))
			return cast.Str(f), ok
		}),
		"rfc7239_n2nn": does(nodeName),
		"rfc7239_n2np": does(nodePort),
		"rfc7239_nn":   call.Converter{Apply: makeNodeName},
		"rfc7239_np":   call.Converter{Apply: makeNodePort},
	}
}

// pairs walks through "name=value;name=value" of the header's first element and stops at the first false.
func pairs(b []byte, each func(name, value []byte) bool) bool {
	for {
		eq := bytes.IndexByte(b, '=')
		if eq <= 0 {
			return false
		}
		name := cast.TrimBlanks(b[:eq])
		b = b[eq+1:]
		var value []byte
		if len(b) > 0 && b[0] == '"' {
			end := bytes.IndexByte(b[1:], '"')
			if end < 0 {
				return false
			}
			value, b = b[1:end+1], b[end+2:]
		} else {
			end := bytes.IndexAny(b, ";,")
			if end < 0 {
				end = len(b)
			}
			value, b = cast.TrimBlanks(b[:end]), b[end:]
		}
		if !each(name, value) {
			return false
		}
		b = cast.TrimBlanks(b)
		if len(b) == 0 || b[0] == ',' {
			return true
		}
		if b[0] != ';' {
			return false
		}
		if b = cast.TrimBlanks(b[1:]); len(b) == 0 {
			return true
		}
	}
}

func validForwarded(b []byte) bool {
	var seen [4]bool
	return pairs(b, func(name, value []byte) bool {
		k := fieldNumber(name)
		if k < 0 || seen[k] || len(value) == 0 {
			return false
		}
		seen[k] = true
		switch k {
		case 0:
			return string(value) == "http" || string(value) == "https"
		case 1:
			return !bytes.ContainsAny(value, " \t/?#\\")
		}
		_, _, ok := splitNode(value)
		return ok
	})
}

func fieldNumber(name []byte) int {
	for i, n := range [...]string{"proto", "host", "for", "by"} {
		if cast.EqualFold(name, []byte(n)) {
			return i
		}
	}
	return -1
}

func forwardedField(b []byte, want string) (found []byte, ok bool) {
	pairs(b, func(name, value []byte) bool {
		if cast.EqualFold(name, []byte(want)) {
			found, ok = value, true
			return false
		}
		return true
	})
	return found, ok
}

// splitNode cuts a node (RFC 7239 §6) into name and port; brackets are taken off.
func splitNode(b []byte) (name, port []byte, ok bool) {
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 {
			return nil, nil, false
		}
		a, valid := cast.ParseIP(b[1:end])
		if !valid || !a.Is6() {
			return nil, nil, false
		}
		name, b = b[1:end], b[end+1:]
	} else {
		end := bytes.IndexByte(b, ':')
		if end < 0 {
			end = len(b)
		}
		name, b = b[:end], b[end:]
		if !validNodeName(name) {
			return nil, nil, false
		}
	}
	if len(b) == 0 {
		return name, nil, true
	}
	port = b[1:]
	return name, port, b[0] == ':' && validNodePort(port)
}

func validNodeName(b []byte) bool {
	if string(b) == "unknown" || isObfuscated(b) {
		return true
	}
	_, ok := cast.ParseIPv4(b)
	return ok
}

func validNodePort(b []byte) bool {
	if isObfuscated(b) {
		return true
	}
	n, err := strconv.ParseUint(string(b), 10, 16)
	return err == nil && n <= 65535
}

// isObfuscated is "_" and letters, digits, '.', '_', '-' (RFC 7239 §6.3).
func isObfuscated(b []byte) bool {
	return len(b) > 1 && b[0] == '_' && isObfText(b[1:])
}

func isObfText(b []byte) bool {
	for _, c := range b {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

func nodeName(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
	name, _, ok := splitNode(v.B)
	if !ok {
		return txn.Value{}, false
	}
	if a, isAddr := cast.ParseIP(name); isAddr {
		return cast.Addr(a)
	}
	return cast.Str(name), true
}

func nodePort(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
	_, port, ok := splitNode(v.B)
	if !ok || port == nil {
		return txn.Value{}, false
	}
	if port[0] == '_' {
		return cast.Str(port), true
	}
	return cast.Num(cast.LeadingInt(port)), true
}

func makeNodeName(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
	out := tx.Scratch.Take(64 + len(v.B))[:0]
	switch {
	case v.Type == txn.TypeAddr && v.Addr.Is4():
		return cast.Str(v.Addr.AppendTo(out)), true
	case v.Type == txn.TypeAddr:
		out = append(out, '[')
		out = netip.Addr.AppendTo(v.Addr, out)
		return cast.Str(append(out, ']')), true
	case len(v.B) == 0:
		return cast.Str(append(out, "unknown"...)), true
	}
	return cast.Str(append(append(out, '_'), v.B...)), isObfText(v.B)
}

func makeNodePort(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
	if v.Type == txn.TypeInt {
		if v.Int < 0 || v.Int > 65535 {
			return txn.Value{}, false
		}
		return cast.Str(strconv.AppendInt(tx.Scratch.Take(8)[:0], v.Int, 10)), true
	}
	out := append(tx.Scratch.Take(1 + len(v.B))[:0], '_')
	return cast.Str(append(out, v.B...)), len(v.B) > 0 && isObfText(v.B)
}
