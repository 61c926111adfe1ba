package eve

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// line is JSON text under construction: objects and lists are opened and closed, and members added in between. Commas
// follow from what stands before.
type line struct{ text []byte }

func (l *line) comma() {
	if n := len(l.text); n > 0 && l.text[n-1] != '{' && l.text[n-1] != '[' && l.text[n-1] != '\n' {
		l.text = append(l.text, ',')
	}
}

// name begins a member of an object. It is one of ours, or was made of letters, digits and the like.
func (l *line) name(name string) {
	l.comma()
	l.text = append(l.text, '"')
	l.text = append(l.text, name...)
	l.text = append(l.text, '"', ':')
}

func (l *line) open(name string) {
	l.name(name)
	l.text = append(l.text, '{')
}

func (l *line) openList(name string) {
	l.name(name)
	l.text = append(l.text, '[')
}

// item begins an object in a list.
func (l *line) item() {
	l.comma()
	l.text = append(l.text, '{')
}

func (l *line) close()     { l.text = append(l.text, '}') }
func (l *line) closeList() { l.text = append(l.text, ']') }

func (l *line) string(name, value string) {
	l.name(name)
	l.text = appendString(l.text, value)
}

// stringIf leaves out what is empty.
func (l *line) stringIf(name, value string) {
	if value != "" {
		l.string(name, value)
	}
}

// element adds a string to a list.
func (l *line) element(value string) {
	l.comma()
	l.text = appendString(l.text, value)
}

func (l *line) int(name string, value int64) {
	l.name(name)
	l.text = strconv.AppendInt(l.text, value, 10)
}

func (l *line) uint(name string, value uint64) {
	l.name(name)
	l.text = strconv.AppendUint(l.text, value, 10)
}

func (l *line) bool(name string, value bool) {
	l.name(name)
	l.text = strconv.AppendBool(l.text, value)
}

// boolIf leaves out what is false.
func (l *line) boolIf(name string, value bool) {
	if value {
		l.bool(name, true)
	}
}

// float writes null for what JSON has no number for.
func (l *line) float(name string, value float64) {
	l.name(name)
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		l.text = append(l.text, "null"...)
	case math.Abs(value) < 1e21:
		l.text = strconv.AppendFloat(l.text, value, 'f', -1, 64)
	default:
		l.text = strconv.AppendFloat(l.text, value, 'e', -1, 64)
	}
}

// time writes nanoseconds since 1970 with microseconds, in UTC. Events have up to three times, so this is done by hand.
func (l *line) time(name string, ns int64) {
	l.name(name)
	t := time.Unix(0, ns).UTC() // the years that fit are 1677 to 2262
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	l.text = append(l.text, '"')
	l.digits(year, 4, '-')
	l.digits(int(month), 2, '-')
	l.digits(day, 2, 'T')
	l.digits(hour, 2, ':')
	l.digits(minute, 2, ':')
	l.digits(second, 2, '.')
	l.digits(t.Nanosecond()/1000, 6, '+')
	l.text = append(l.text, "0000\""...)
}

// digits writes the last n decimal digits of a number that is not negative, n at most 6, and what follows.
func (l *line) digits(v, n int, then byte) {
	var d [6]byte
	for i := n - 1; i >= 0; i-- {
		d[i] = '0' + byte(v%10)
		v /= 10
	}
	l.text = append(append(l.text, d[:n]...), then)
}

// seconds writes seconds since 1970, in UTC and without a zone, as Suricata does for certificates.
func (l *line) seconds(name string, s int64) {
	l.name(name)
	l.text = append(l.text, '"')
	l.text = time.Unix(s, 0).UTC().AppendFormat(l.text, "2006-01-02T15:04:05")
	l.text = append(l.text, '"')
}

func (l *line) hex(name, prefix string, value uint64, digits int) {
	l.name(name)
	l.text = append(l.text, '"')
	l.text = append(l.text, prefix...)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		l.text = append(l.text, hexDigits[value>>shift&0xf])
	}
	l.text = append(l.text, '"')
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string (RFC 8259 §7). Strings come from the network: what is not UTF-8 becomes U+FFFD, and
// all control characters are escaped, also those that JSON would let pass but a terminal obeys.
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	done := 0 // s[done:i] needs no escape
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b < 0x7f && b != '"' && b != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= 0xa0 && r != 0x2028 && r != 0x2029 && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		out = append(out, s[done:i]...)
		out = appendEscape(out, r)
		i += size
		done = i
	}
	out = append(out, s[done:]...)
	return append(out, '"')
}

func appendEscape(out []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(out, '\\', byte(r))
	case '\n':
		return append(out, '\\', 'n')
	case '\r':
		return append(out, '\\', 'r')
	case '\t':
		return append(out, '\\', 't')
	}
	return append(out, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}
