package syslog

import (
	"strconv"
	"time"
)

const isoMicro = "2006-01-02T15:04:05.000000-07:00"

// formatter writes lines for one target. It remembers the text of the current second, so it belongs to one
// goroutine at a time.
type formatter struct {
	format   Format
	facility int
	tag      string
	host     string
	pid      string
	maxLen   int // newline included; 0: unlimited

	levels       []string // by level, and the facility, as JSON lines name them
	facilityName string

	second int64
	stamp  []byte // "Nov  2 15:04:05" of that second
}

func newFormatter(t Target, o Options) *formatter {
	f := &formatter{format: t.Format, facility: t.Facility, tag: o.Tag, host: o.Host, pid: strconv.Itoa(o.PID),
		levels: LevelNames(), facilityName: facilityText(t.Facility)}
	if t.Network != "fd" {
		f.maxLen = t.MaxLen
		if f.maxLen == 0 {
			f.maxLen = DefaultMaxLen
		}
	}
	switch {
	case f.host != "" || f.format == JSON:
	case f.format == RFC3164:
		f.host = "localhost"
	default:
		f.host = "-"
	}
	return f
}

// appendLine appends one whole line with its newline.
func (f *formatter) appendLine(dst []byte, now time.Time, level int, tag string, msg []byte) []byte {
	if tag == "" {
		tag = f.tag
	}
	start := len(dst)
	switch f.format {
	case JSON:
		return f.appendJSON(dst, now, level, tag, msg)
	case Local, RFC3164:
		dst = f.pri(dst, f.facility*8+level)
		dst = append(dst, f.second3164(now)...)
		dst = append(dst, ' ')
		if f.format == RFC3164 {
			dst = append(dst, f.host...)
			dst = append(dst, ' ')
		}
		dst = append(dst, tag...)
		dst = append(dst, '[')
		dst = append(dst, f.pid...)
		dst = append(dst, "]: "...)
	case RFC5424:
		dst = f.pri(dst, f.facility*8+level)
		dst = append(dst, "1 "...)
		dst = now.AppendFormat(dst, isoMicro)
		for _, s := range [...]string{f.host, tag, f.pid} {
			dst = append(dst, ' ')
			dst = append(dst, s...)
		}
		dst = append(dst, " - - "...)
	case Priority:
		dst = f.pri(dst, f.facility*8+level)
	case Short:
		dst = f.pri(dst, level)
	case Timed:
		dst = f.pri(dst, level)
		dst = now.AppendFormat(dst, isoMicro)
		dst = append(dst, ' ')
	case ISO:
		dst = now.AppendFormat(dst, isoMicro)
		dst = append(dst, ' ')
	}
	limit := int(^uint(0) >> 1)
	if f.maxLen > 0 {
		limit = start + f.maxLen - 1
	}
	dst = appendEscaped(dst, msg, limit)
	if len(dst) > limit {
		dst = dst[:limit] // a tag longer than the line
	}
	return append(dst, '\n')
}

func (f *formatter) pri(dst []byte, n int) []byte {
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '>')
}

func (f *formatter) second3164(now time.Time) []byte {
	if s := now.Unix(); s != f.second || f.stamp == nil {
		f.second = s
		f.stamp = now.AppendFormat(f.stamp[:0], time.Stamp)
	}
	return f.stamp
}

// appendEscaped appends msg while dst stays within limit. Trailing newlines are dropped, other control bytes except
// the tab become #XX, as HAProxy writes them in captured headers. So do the bytes of U+0080 to U+009F: to a terminal, U+009B
// is what ESC and '[' are.
func appendEscaped(dst, msg []byte, limit int) []byte {
	msg = trimNewlines(msg)
	if room := limit - len(dst); len(msg) > room {
		msg = msg[:max(room, 0)]
	}
	plain := 0
	for i, c := range msg {
		switch {
		case c < 0x20 && c != '\t' || c == 0x7f:
		case c == 0xc2 && i+1 < len(msg) && upperControl(msg[i+1]):
		case upperControl(c) && i > 0 && msg[i-1] == 0xc2:
		default:
			continue
		}
		dst = append(dst, msg[plain:i]...)
		plain = i + 1
		if len(dst)+3 > limit {
			return dst
		}
		const hex = "0123456789ABCDEF"
		dst = append(dst, '#', hex[c>>4], hex[c&15])
	}
	dst = append(dst, msg[plain:]...)
	return dst[:min(len(dst), max(limit, 0))]
}

// upperControl says of a byte behind 0xC2, which only leads characters of two bytes, that they are U+0080 to U+009F.
func upperControl(c byte) bool { return c >= 0x80 && c <= 0x9f }

func trimNewlines(msg []byte) []byte {
	for len(msg) > 0 && (msg[len(msg)-1] == '\n' || msg[len(msg)-1] == '\r') {
		msg = msg[:len(msg)-1]
	}
	return msg
}
