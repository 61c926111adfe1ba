// Package cast makes values of samples out of Go's and turns them into each other and into text (configuration.txt §7.1).
// Room for new bytes comes from the transaction's scratch space. Its functions may be called from any goroutine.
package cast

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"eddy/internal/fastpath/txn"
)

// Str makes a string.
func Str(b []byte) txn.Value { return txn.Value{Type: txn.TypeStr, B: b} }

// Bin makes a block of bytes.
func Bin(b []byte) txn.Value { return txn.Value{Type: txn.TypeBin, B: b} }

// Num makes an integer.
func Num(n int64) txn.Value { return txn.Value{Type: txn.TypeInt, Int: n} }

// Meth makes a method.
func Meth(b []byte) txn.Value { return txn.Value{Type: txn.TypeMeth, B: b} }

// Bool makes a boolean.
func Bool(b bool) txn.Value {
	v := txn.Value{Type: txn.TypeBool}
	if b {
		v.Int = 1
	}
	return v
}

// Addr makes an address; it reports false for the zero one.
func Addr(a netip.Addr) (txn.Value, bool) {
	return txn.Value{Type: txn.TypeAddr, Addr: a}, a.IsValid()
}

// Append appends the value as text: numbers in decimal, booleans as 1 and 0, binary up to its first zero byte,
// as HAProxy's casts do.
func Append(dst []byte, v txn.Value) []byte {
	switch v.Type {
	case txn.TypeBool, txn.TypeInt:
		return strconv.AppendInt(dst, v.Int, 10)
	case txn.TypeAddr:
		return v.Addr.AppendTo(dst)
	case txn.TypeBin:
		return append(dst, CString(v.B)...)
	case txn.TypeStr, txn.TypeMeth:
		return append(dst, v.B...)
	}
	return dst
}

// CString cuts at the first zero byte.
func CString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// To turns a value into another type (configuration.txt §7.1's matrix). Room for new bytes comes from s.
func To(v txn.Value, to txn.ValueType, s *txn.Scratch) (txn.Value, bool) {
	if v.Type == to || to == txn.TypeNone {
		return v, true
	}
	switch to {
	case txn.TypeStr:
		return toStr(v, s)
	case txn.TypeBin:
		return toBin(v, s)
	case txn.TypeInt:
		return ToInt(v)
	case txn.TypeBool:
		switch v.Type {
		case txn.TypeInt:
			return Bool(v.Int != 0), true
		case txn.TypeStr:
			return Bool(LeadingInt(v.B) != 0), true
		}
	case txn.TypeAddr:
		return ToAddr(v)
	case txn.TypeMeth:
		if v.Type == txn.TypeStr {
			return Meth(v.B), true
		}
	}
	return txn.Value{}, false
}

func toStr(v txn.Value, s *txn.Scratch) (txn.Value, bool) {
	switch v.Type {
	case txn.TypeBool, txn.TypeInt, txn.TypeAddr:
		room := s.Take(48)
		return Str(Append(room[:0], v)), true
	case txn.TypeBin:
		return Str(CString(v.B)), true
	case txn.TypeMeth:
		return Str(v.B), true
	}
	return txn.Value{}, false
}

func toBin(v txn.Value, s *txn.Scratch) (txn.Value, bool) {
	switch v.Type {
	case txn.TypeBool, txn.TypeInt:
		b := s.Take(8)
		binary.BigEndian.PutUint64(b, uint64(v.Int))
		return Bin(b), true
	case txn.TypeAddr:
		return Bin(AppendAddr(s.Take(16)[:0], v.Addr)), true
	case txn.TypeStr, txn.TypeMeth:
		return Bin(v.B), true
	}
	return txn.Value{}, false
}

// AppendAddr appends the 4 or 16 bytes of an address.
func AppendAddr(dst []byte, a netip.Addr) []byte {
	if a.Is4() {
		b := a.As4()
		return append(dst, b[:]...)
	}
	b := a.As16()
	return append(dst, b[:]...)
}

// ToInt turns a value into an integer: text by the number it begins with, IPv4 by its 32 bits.
func ToInt(v txn.Value) (txn.Value, bool) {
	switch v.Type {
	case txn.TypeInt, txn.TypeBool:
		return Num(v.Int), true
	case txn.TypeStr:
		return Num(LeadingInt(v.B)), true
	case txn.TypeAddr:
		if v.Addr.Is4() {
			b := v.Addr.As4()
			return Num(int64(binary.BigEndian.Uint32(b[:]))), true
		}
	}
	return txn.Value{}, false
}

// ToAddr turns a value into an address.
func ToAddr(v txn.Value) (txn.Value, bool) {
	switch v.Type {
	case txn.TypeInt:
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(v.Int))
		return Addr(netip.AddrFrom4(b))
	case txn.TypeStr:
		a, ok := ParseAddr(v.B)
		if !ok {
			return txn.Value{}, false
		}
		return Addr(a)
	case txn.TypeBin:
		switch len(v.B) {
		case 4:
			return Addr(netip.AddrFrom4([4]byte(v.B)))
		case 16:
			return Addr(netip.AddrFrom16([16]byte(v.B)))
		}
	}
	return txn.Value{}, false
}

// ParseAddr reads an address as X-Forwarded-For has it: "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80".
func ParseAddr(b []byte) (netip.Addr, bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || len(b) > 64 {
		return netip.Addr{}, false
	}
	if b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || !isPortTail(b[end+1:]) {
			return netip.Addr{}, false
		}
		a, ok := ParseIP(b[1:end])
		return a, ok && a.Is6()
	}
	if i := bytes.IndexByte(b, ':'); i >= 0 && bytes.IndexByte(b, '.') >= 0 && bytes.IndexByte(b, '.') < i {
		if !isPortTail(b[i:]) {
			return netip.Addr{}, false
		}
		b = b[:i]
	}
	return ParseIP(b)
}

func isPortTail(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if b[0] != ':' || len(b) < 2 || len(b) > 6 {
		return false
	}
	n := 0
	for _, c := range b[1:] {
		if c < '0' || c > '9' {
			return false
		}
		n = 10*n + int(c-'0')
	}
	return n <= 65535
}

// ParseIP is netip.ParseAddr on bytes, without an allocation for what is an address.
func ParseIP(b []byte) (netip.Addr, bool) {
	if a, ok := ParseIPv4(b); ok {
		return a, true
	}
	if bytes.IndexByte(b, ':') < 0 || bytes.IndexByte(b, '%') >= 0 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(string(b))
	return a, err == nil
}

// ParseIPv4 reads four numbers of 0 to 255, without needless zeros.
func ParseIPv4(b []byte) (netip.Addr, bool) {
	var ip [4]byte
	part, digits, n := 0, 0, 0
	for i := 0; i <= len(b); i++ {
		if i == len(b) || b[i] == '.' {
			if digits == 0 || part > 3 {
				return netip.Addr{}, false
			}
			ip[part] = byte(n)
			part, digits, n = part+1, 0, 0
			continue
		}
		c := b[i]
		if c < '0' || c > '9' || digits > 0 && n == 0 {
			return netip.Addr{}, false
		}
		n = 10*n + int(c-'0')
		digits++
		if n > 255 {
			return netip.Addr{}, false
		}
	}
	return netip.AddrFrom4(ip), part == 4
}

// LeadingInt reads the number that text begins with, and 0 when it begins with none.
func LeadingInt(b []byte) int64 {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		if n > (1<<63-1-9)/10 {
			n = 1<<63 - 1
			break
		}
		n = 10*n + uint64(c-'0')
	}
	if neg {
		return -int64(n)
	}
	return int64(n)
}
