package extract

import (
	"bytes"
	"strings"
)

// headEnd looks for the empty line that ends a head. from is 0, or what an earlier call on a shorter buf gave as next:
// where the first line begins that was not complete. end counts the head's bytes, empty line included; 0: not there yet.
// Lines may end in LF alone, and in several CR before it.
func headEnd(buf []byte, from int) (end, next int) {
	for {
		n := bytes.IndexByte(buf[from:], '\n')
		if n < 0 {
			return 0, from
		}
		blank := true
		for _, b := range buf[from : from+n] {
			if b != '\r' {
				blank = false
				break
			}
		}
		from += n + 1
		if blank {
			return from, from
		}
	}
}

// parseHead reads a head, complete or cut short, and what it says about the body that follows. It finds a sense in
// anything.
func parseHead(raw string, time int64, answer bool) (*Head, framing) {
	h := &Head{Raw: raw, Time: time}
	f := framing{length: -1}
	line, rest := cutLine(raw)
	if answer {
		h.statusLine(line)
	} else {
		h.requestLine(line)
	}
	if n := strings.Count(rest, "\n"); n > 1 {
		h.Headers = make([]Header, 0, min(n-1, maxHeaders))
	}
	for rest != "" {
		from := rest
		if line, rest = cutLine(rest); line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if name = trim(name); !ok || name == "" || isBlank(line[0]) {
			continue // a line that is no header
		}
		folded := false
		for rest != "" && isBlank(rest[0]) {
			_, rest = cutLine(rest)
			folded = true
		}
		if folded {
			_, value, _ = strings.Cut(from[:len(from)-len(rest)], ":")
			value = unfold(value)
		}
		value = trim(value)
		if len(h.Headers) < maxHeaders {
			h.Headers = append(h.Headers, Header{name, value})
		}
		f.note(name, value)
	}
	return h, f
}

// requestLine reads "GET /path HTTP/1.1" (RFC 9112 §3). Targets with blanks in them exist, and so do lines without a
// target or a version.
func (h *Head) requestLine(line string) {
	method, rest := cutBlank(trim(line))
	h.Method = method
	if i := strings.LastIndexAny(rest, " \t"); i >= 0 && isVersion(rest[i+1:]) {
		h.Version = rest[i+1:]
		rest = trim(rest[:i])
	}
	h.Target = rest
}

// statusLine reads "HTTP/1.1 200 OK" (RFC 9112 §4).
func (h *Head) statusLine(line string) {
	version, rest := cutBlank(line)
	code, reason := cutBlank(rest)
	h.Version, h.Reason = version, trim(reason)
	if len(code) != 3 {
		return
	}
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			h.Status = 0
			return
		}
		h.Status = h.Status*10 + int(code[i]-'0')
	}
}

func isVersion(s string) bool { return len(s) >= 5 && equalFold(s[:5], "HTTP/") }

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// cutLine takes the first line, without what ends it, off s.
func cutLine(s string) (line, rest string) {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		line, rest = s[:i], s[i+1:]
	} else {
		line = s
	}
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line, rest
}

// cutBlank takes the first word off s.
func cutBlank(s string) (word, rest string) {
	i := 0
	for i < len(s) && !isBlank(s[i]) {
		i++
	}
	return s[:i], trim(s[i:])
}

func trim(s string) string {
	for len(s) > 0 && isBlank(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && (isBlank(s[len(s)-1]) || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	return s
}

// unfold joins the lines of a value with single spaces.
func unfold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		var line string
		line, s = cutLine(s)
		if line = trim(line); line == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	return b.String()
}
