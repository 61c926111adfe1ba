package native

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"eddy/internal/offpath/job"
)

const (
	maxHeaders  = 100
	maxHeader   = 16 << 10 // bytes of a header's value
	foldAt      = 76       // bytes of a header's line, where there is a space (RFC 5322 §2.1.1)
	longestLine = 998      // bytes of a body's line, without its end
)

// letter is a mail's text: headers, an empty line, a body (RFC 5322, RFC 2045).
type letter struct {
	raw     string // the whole of it, as the job has it; "": the rest counts
	id      job.ID
	pushed  int64 // nanoseconds since 1970
	domain  string
	from    mail.Address
	to      []mail.Address
	subject string
	headers []pair
	body    string
}

// read takes a letter's fields out of a payload.
func (l *letter) read(p *payload) {
	l.raw = p.text("message")
	l.subject = p.header("subject", p.text("subject"))
	l.headers = p.pairs("headers")
	l.body = p.text("body")
	if l.raw != "" && (l.subject != "" || l.headers != nil || l.body != "") {
		p.bad("message", "is a whole mail: there can't be subject, headers or body beside it")
	}
	if len(l.headers) > maxHeaders {
		p.bad("headers", "are %d; at most %d are sent", len(l.headers), maxHeaders)
	}
	seen := map[string]bool{}
	for _, h := range l.headers {
		name := strings.ToLower(h.name)
		switch {
		case !fieldName(h.name):
			p.bad("headers", "have the name %q; a name is made of letters, digits and hyphens", short(h.name, 50))
		case name == "bcc":
			p.bad("headers", "have Bcc, which every recipient would see; put the address into 'to', and a To header into 'headers'")
		case once(name) && seen[name]:
			p.bad("headers", "have %s twice", h.name)
		}
		seen[name] = true
		p.header("headers["+h.name+"]", h.value)
	}
	if seen["subject"] && l.subject != "" {
		p.bad("headers", "have Subject beside 'subject'")
	}
}

// once says of a header in lower case that a mail has it at most once (RFC 5322 §3.6).
func once(name string) bool {
	switch name {
	case "date", "from", "sender", "reply-to", "to", "cc", "message-id", "in-reply-to", "references", "subject",
		"mime-version", "content-type", "content-transfer-encoding":
		return true
	}
	return false
}

// header refuses what could end a header and begin another one.
func (p *payload) header(field, s string) string {
	if i := control(s); i >= 0 {
		p.bad(field, "has a control byte (%#02x) at byte %d, which a header can't have", s[i], i+1)
	}
	if len(s) > maxHeader {
		p.bad(field, "has %d bytes; a header has at most %d", len(s), maxHeader)
	}
	return s
}

// fieldName says that s can be the name of a header: of what RFC 5322 §3.6.8 allows, what is in use.
func fieldName(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return s != "" && len(s) <= 70
}

// bytes gives the text. Its lines end with LF; the client makes CRLF of them and stuffs dots.
func (l *letter) bytes() []byte {
	if l.raw != "" {
		return []byte(l.raw)
	}
	var b bytes.Buffer
	put := func(name, value string) {
		if !l.has(name) {
			writeHeader(&b, name, value)
		}
	}
	put("Date", time.Unix(0, l.pushed).UTC().Format(time.RFC1123Z))
	put("Message-ID", l.messageID())
	put("From", mailboxes(l.from))
	put("To", mailboxes(l.to...))
	if l.subject != "" {
		put("Subject", encoded(l.subject))
	}
	for _, h := range l.headers {
		writeHeader(&b, h.name, h.encoded())
	}
	put("MIME-Version", "1.0")
	put("Content-Type", "text/plain; charset=utf-8")
	body := l.body
	if !l.has("Content-Transfer-Encoding") && !plain(body) {
		put("Content-Transfer-Encoding", "quoted-printable")
		var q bytes.Buffer
		w := quotedprintable.NewWriter(&q)
		_, _ = w.Write([]byte(body)) // a buffer takes everything
		_ = w.Close()
		body = q.String()
	}
	b.WriteByte('\n')
	b.WriteString(body)
	return b.Bytes()
}

func (l *letter) has(name string) bool {
	for _, h := range l.headers {
		if strings.EqualFold(h.name, name) {
			return true
		}
	}
	return false
}

// messageID is the same for every attempt, so that who gets a mail twice can see that it is one.
func (l *letter) messageID() string {
	domain := l.domain
	if domain == "" {
		if i := strings.LastIndexByte(l.from.Address, '@'); i >= 0 {
			domain = l.from.Address[i+1:]
		}
	}
	if domain == "" || strings.ContainsAny(domain, "\"<>()[]\\,; ") {
		domain = "localhost"
	}
	return fmt.Sprintf("<%s.%x@%s>", l.id, l.pushed, domain)
}

// mailboxes writes addresses as headers have them.
func mailboxes(all ...mail.Address) string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = "<" + a.Address + ">"
		if a.Name != "" {
			out[i] = a.String()
		}
	}
	return strings.Join(out, ", ")
}

// encoded gives a header's value as it is sent. In one that has addresses, only their names may be encoded words.
func (h pair) encoded() string {
	switch strings.ToLower(h.name) {
	case "from", "sender", "reply-to", "to", "cc":
		list, err := mail.ParseAddressList(h.value)
		if err != nil {
			break
		}
		all := make([]mail.Address, len(list))
		for i := range list {
			all[i] = *list[i]
		}
		return mailboxes(all...)
	}
	return encoded(h.value)
}

// encoded makes encoded words (RFC 2047) of a text that is not plain ASCII.
func encoded(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return mime.QEncoding.Encode("utf-8", s)
}

// writeHeader writes a header, folded where it has spaces and is long.
func writeHeader(b *bytes.Buffer, name, value string) {
	b.WriteString(name)
	b.WriteByte(':')
	width := len(name) + 1
	for word := range strings.SplitSeq(value, " ") {
		if width+1+len(word) > foldAt && width > len(name)+1 && word != "" {
			b.WriteString("\n")
			width = 0
		}
		b.WriteByte(' ')
		b.WriteString(word)
		width += 1 + len(word)
	}
	b.WriteByte('\n')
}

// plain says that a body can go as it is: ASCII without NUL, in lines that are not too long.
func plain(body string) bool {
	width := 0
	for i := range len(body) {
		switch c := body[i]; {
		case c >= 0x80 || c == 0:
			return false
		case c == '\n' || c == '\r':
			width = 0
		default:
			if width++; width > longestLine {
				return false
			}
		}
	}
	return true
}
