package convert

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// cutConverters take a piece out of their input; they build nothing new.
func cutConverters() map[string]call.Converter {
	return map[string]call.Converter{
		"bytes": does(bytesOf),
		"field": does(field),
		"word":  does(word),
		"cut_crlf": does(func(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			if i := bytes.IndexAny(v.B, "\r\n"); i >= 0 {
				return cast.Str(v.B[:i]), true
			}
			return v, true
		}),
		"ltrim": does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			b := v.B
			for len(b) > 0 && isOneOf(b[0], c.Text(0)) {
				b = b[1:]
			}
			return cast.Str(b), true
		}),
		"rtrim": does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			b := v.B
			for len(b) > 0 && isOneOf(b[len(b)-1], c.Text(0)) {
				b = b[:len(b)-1]
			}
			return cast.Str(b), true
		}),
		"param": {Apply: param, Prepare: prepareParam},
		"host_only": does(func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			host, _ := splitHostPort(v.B)
			return cast.Str(cast.AppendLower(tx.Scratch.Take(len(host))[:0], host)), true
		}),
		"port_only": does(func(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			_, port := splitHostPort(v.B)
			return cast.Num(cast.LeadingInt(port)), true
		}),
	}
}

func isOneOf(c byte, set string) bool { return strings.IndexByte(set, c) >= 0 }

// bytesOf gives an empty value for offsets and lengths that make no sense (configuration.txt §7.3.1 bytes).
func bytesOf(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	off, ok := c.IntVar(tx, 0)
	n := int64(len(v.B))
	if ok && c.Has(1) {
		n, ok = c.IntVar(tx, 1)
	}
	if !ok || off < 0 || n < 0 || off >= int64(len(v.B)) {
		return cast.Bin(nil), true
	}
	return cast.Bin(v.B[off : off+min(n, int64(len(v.B))-off)]), true
}

// field cuts at each delimiter, so that fields may be empty. There is no value behind the last field.
func field(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	index, set, n := c.Int(0, 1), c.Text(1), c.Int(2, 1)
	b := v.B
	if index > 0 {
		for ; index > 1; index-- {
			i := indexOneOf(b, set)
			if i < 0 {
				return txn.Value{}, false
			}
			b = b[i+1:]
		}
		return cast.Str(b[:countTo(b, set, n)]), true
	}
	for ; index < -1; index++ {
		i := lastOneOf(b, set)
		if i < 0 {
			return txn.Value{}, false
		}
		b = b[:i]
	}
	return cast.Str(b[countFrom(b, set, n):]), true
}

func indexOneOf(b []byte, set string) int {
	for i, c := range b {
		if isOneOf(c, set) {
			return i
		}
	}
	return -1
}

func lastOneOf(b []byte, set string) int {
	for i := len(b) - 1; i >= 0; i-- {
		if isOneOf(b[i], set) {
			return i
		}
	}
	return -1
}

// countTo is where the n-th field ends; n 0 means all of them.
func countTo(b []byte, set string, n int64) int {
	for i, c := range b {
		if isOneOf(c, set) {
			if n--; n == 0 {
				return i
			}
		}
	}
	return len(b)
}

// countFrom is where the n-th field from the end begins.
func countFrom(b []byte, set string, n int64) int {
	for i := len(b) - 1; i >= 0; i-- {
		if isOneOf(b[i], set) {
			if n--; n == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// word is field with empty fields passed over; a missing word is no value.
func word(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	index, set, n := c.Int(0, 1), c.Text(1), c.Int(2, 1)
	b := v.B
	if index > 0 {
		for {
			for len(b) > 0 && isOneOf(b[0], set) {
				b = b[1:]
			}
			if len(b) == 0 {
				return txn.Value{}, false
			}
			if index--; index == 0 {
				break
			}
			for len(b) > 0 && !isOneOf(b[0], set) {
				b = b[1:]
			}
		}
		return cast.Str(b[:wordsTo(b, set, n)]), true
	}
	for {
		for len(b) > 0 && isOneOf(b[len(b)-1], set) {
			b = b[:len(b)-1]
		}
		if len(b) == 0 {
			return txn.Value{}, false
		}
		if index++; index == 0 {
			break
		}
		for len(b) > 0 && !isOneOf(b[len(b)-1], set) {
			b = b[:len(b)-1]
		}
	}
	return cast.Str(b[wordsFrom(b, set, n):]), true
}

// wordsTo is where the n-th word ends; b begins with a word.
func wordsTo(b []byte, set string, n int64) int {
	for i := 1; i < len(b); i++ {
		if isOneOf(b[i], set) && !isOneOf(b[i-1], set) {
			if n--; n == 0 {
				return i
			}
		}
	}
	return len(b)
}

// wordsFrom is where the n-th word from the end begins; b ends with a word.
func wordsFrom(b []byte, set string, n int64) int {
	for i := len(b) - 2; i >= 0; i-- {
		if isOneOf(b[i], set) && !isOneOf(b[i+1], set) {
			if n--; n == 0 {
				return i + 1
			}
		}
	}
	// With too few words: all of them, without delimiters in front.
	i := 0
	for i < len(b) && isOneOf(b[i], set) {
		i++
	}
	return i
}

func prepareParam(c *call.Call) error {
	delim := byte('&')
	if c.Has(1) {
		t := c.Text(1)
		switch {
		case len(t) == 1:
			delim = t[0]
		case len(t) == 4 && strings.HasPrefix(t, "0x"):
			b, err := hex.DecodeString(t[2:])
			if err != nil {
				return err
			}
			delim = b[0]
		default:
			return fmt.Errorf("the delimiter %q is to be one character or 0xHH", t)
		}
	}
	c.Data = []byte{delim}
	return nil
}

// param finds name=value; without '=' the value is empty.
func param(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	rest := v.B
	for more := true; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, c.Data.([]byte))
		name, value, _ := bytes.Cut(part, []byte{'='})
		if string(name) == c.Text(0) && len(part) > 0 {
			return cast.Str(value), true
		}
	}
	return txn.Value{}, false
}

// splitHostPort cuts a Host value at its port; the brackets of IPv6 stay.
func splitHostPort(b []byte) (host, port []byte) {
	i := bytes.LastIndexByte(b, ':')
	if i < 0 || bytes.IndexByte(b[i:], ']') >= 0 {
		return b, nil
	}
	return b[:i], b[i+1:]
}
