package syslog

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// maxJSONName bounds a tag's and a host's text in JSON lines with a bound, so that the rest fits in.
const maxJSONName = 100

// appendJSON appends a line that is one object (RFC 8259) and a newline:
//
//	{"time":"2026-11-02T06:18:55.231591+00:00","level":"info","facility":"local0","tag":"eddy","pid":123,"host":"web1","message":"text"}
//
// host is there if a name was given. A message that is too long is cut; the object stays whole.
func (f *formatter) appendJSON(dst []byte, now time.Time, level int, tag string, msg []byte) []byte {
	const unbound = int(^uint(0) >> 1)
	start := len(dst)
	limit, name := unbound, func() int { return unbound }
	if f.maxLen > 0 {
		limit, name = start+f.maxLen-len("\"}\n"), func() int { return len(dst) + maxJSONName }
	}
	dst = append(dst, `{"time":"`...)
	dst = now.AppendFormat(dst, isoMicro)
	dst = append(dst, `","level":"`...)
	dst = append(dst, f.levels[level]...)
	dst = append(dst, `","facility":"`...)
	dst = append(dst, f.facilityName...)
	dst = append(dst, `","tag":"`...)
	dst = appendJSONText(dst, tag, name())
	dst = append(dst, `","pid":`...)
	dst = append(dst, f.pid...)
	if f.host != "" {
		dst = append(dst, `,"host":"`...)
		dst = appendJSONText(dst, f.host, name())
		dst = append(dst, '"')
	}
	dst = append(dst, `,"message":"`...)
	dst = appendJSONText(dst, trimNewlines(msg), limit)
	return append(dst, "\"}\n"...)
}

// appendJSONText appends the inside of a JSON string while dst stays within limit. Quotes, backslashes and control
// characters, those above ASCII too, are escaped as JSON has it. Bytes that are no UTF-8 become #XX, as control bytes
// do in the other formats.
func appendJSONText[T string | []byte](dst []byte, s T, limit int) []byte {
	const hex = "0123456789ABCDEF"
	plain, used := 0, len(dst) // used: dst with s[plain:i]
	for i := 0; i < len(s); {
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = decodeRune(s[i:])
		}
		var esc [6]byte
		out := esc[:0]
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', byte(c))
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < 0x20 || c >= 0x7f && c < 0xa0:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c == utf8.RuneError && size == 1:
			out = append(out, '#', hex[s[i]>>4], hex[s[i]&15])
		default:
			if used += size; used > limit {
				return append(dst, s[plain:i]...)
			}
			i += size
			continue
		}
		dst = append(dst, s[plain:i]...)
		if used += len(out); used > limit {
			return dst
		}
		dst = append(dst, out...)
		i += size
		plain = i
	}
	return append(dst, s[plain:]...)
}

// decodeRune is utf8.DecodeRune for either kind of text.
func decodeRune[T string | []byte](s T) (rune, int) {
	var b [utf8.UTFMax]byte
	n := copy(b[:], s)
	return utf8.DecodeRune(b[:n])
}

// facilityText is the facility's name.
func facilityText(facility int) string {
	if names := FacilityNames(); facility >= 0 && facility < len(names) {
		return names[facility]
	}
	return strconv.Itoa(facility)
}
