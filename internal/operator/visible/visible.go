// Package visible makes text that traffic, scripts or clients chose fit to be shown: it cannot move a terminal's cursor, begin
// a new line in a log, or turn the direction of what stands beside it.
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text shows what does not print as \xNN or \u{N}, and cuts what is longer than limit characters.
func Text(s string, limit int) string {
	if plain(s) && len(s) <= limit {
		return s
	}
	var b strings.Builder
	for n := 0; s != ""; n++ {
		if n == limit {
			b.WriteString("…")
			break
		}
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1, r < utf8.RuneSelf && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
		s = s[size:]
	}
	return b.String()
}

// plain says that s is of ASCII characters that print.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// JSON appends well-formed JSON to dst, with every character that does not print written as \uNNNN: it means the same.
func JSON(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n' || r == '\t', r != utf8.RuneError && unicode.IsPrint(r):
			dst = append(dst, text[:size]...) // newlines and tabs stand between values only
		default:
			dst = appendEscape(dst, r)
		}
		text = text[size:]
	}
	return dst
}

// appendEscape writes a character as JSON escapes; one outside of the first 65536 as two (RFC 8259, section 7).
func appendEscape(dst []byte, r rune) []byte {
	if r < 0x10000 {
		return fmt.Appendf(dst, `\u%04x`, r)
	}
	r -= 0x10000
	return fmt.Appendf(dst, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
}
