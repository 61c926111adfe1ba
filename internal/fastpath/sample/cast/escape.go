package cast

import "net/netip"

// Charset says which bytes are written in hexadecimal, and with which mark in front.
type Charset uint8

// The sets.
const (
	// ForHeader: only what a header can't carry, as %XX (configuration.txt §8.2.6).
	ForHeader Charset = iota
	// ForLog: a log's own fields, as #XX: all but 32 to 126, and '#' and '"' (§8.6).
	ForLog
	// ForLogHeader: the same and '{' '|' '}', for captured headers (§8.6).
	ForLogHeader
	// ForLogValue: an expression's value in a log: all but 32 to 126. '#' and '"' stay, since formats write JSON with
	// them.
	ForLogValue
)

func (c Charset) hides(b byte) bool {
	switch c {
	case ForHeader:
		return b < ' ' && b != '\t' || b == 0x7f
	case ForLogValue:
		return b < ' ' || b > '~'
	case ForLogHeader:
		return b < ' ' || b > '~' || b == '#' || b == '"' || b == '{' || b == '|' || b == '}'
	}
	return b < ' ' || b > '~' || b == '#' || b == '"'
}

const upperHex = "0123456789ABCDEF"

// AppendEscaped appends untrusted bytes. With esc (flag E) quotes, backslashes and ']' get a backslash.
func AppendEscaped(dst, b []byte, esc bool, set Charset) []byte {
	mark := byte('#')
	if set == ForHeader {
		mark = '%'
	}
	for _, c := range b {
		switch {
		case set.hides(c):
			dst = append(dst, mark, upperHex[c>>4], upperHex[c&15])
		case esc && (c == '"' || c == '\\' || c == ']'):
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendHex appends n in hexadecimal with at least width digits.
func AppendHex(dst []byte, n uint64, width int) []byte {
	digits := 1
	for v := n >> 4; v != 0; v >>= 4 {
		digits++
	}
	for i := max(digits, width) - 1; i >= 0; i-- {
		dst = append(dst, upperHex[n>>(4*uint(i))&15])
	}
	return dst
}

// AppendAddrHex appends the bytes of an address in hexadecimal.
func AppendAddrHex(dst []byte, a netip.Addr) []byte {
	var room [16]byte
	for _, b := range AppendAddr(room[:0], a) {
		dst = append(dst, upperHex[b>>4], upperHex[b&15])
	}
	return dst
}
