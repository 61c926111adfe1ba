package cast

import (
	"bytes"

	"eddy/internal/fastpath/txn"
)

// Keep copies s into the transaction's scratch space.
func Keep(tx *txn.Txn, s string) txn.Value {
	b := tx.Scratch.Take(len(s))
	copy(b, s)
	return Str(b)
}

// TrimBlanks takes spaces and tabs off both ends.
func TrimBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// AppendLower appends b in ASCII lower case.
func AppendLower(dst, b []byte) []byte {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// EqualFold compares in ASCII, either in any case.
func EqualFold(a, b []byte) bool { return len(a) == len(b) && bytes.EqualFold(a, b) }

// HexDigit is the value of a hexadecimal digit, or -1.
func HexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// AppendExpanded appends a replacement in which \0 to \9 stand for what the groups of a regular expression matched in
// src, \xHH for a byte, and a backslash makes any other character plain. at is what Regexp.FindSubmatchIndex gave.
func AppendExpanded(dst, replacement, src []byte, at []int) []byte {
	for i := 0; i < len(replacement); i++ {
		c := replacement[i]
		if c != '\\' || i+1 == len(replacement) {
			dst = append(dst, c)
			continue
		}
		i++
		switch c = replacement[i]; {
		case '0' <= c && c <= '9':
			if g := 2 * int(c-'0'); g+1 < len(at) && at[g] >= 0 {
				dst = append(dst, src[at[g]:at[g+1]]...)
			}
		case c == 'x' && i+2 < len(replacement) && HexDigit(replacement[i+1]) >= 0 && HexDigit(replacement[i+2]) >= 0:
			dst = append(dst, byte(HexDigit(replacement[i+1])<<4|HexDigit(replacement[i+2])))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
