package extract

import (
	"strings"

	"eddy/internal/fastpath/flow"
)

// framing is what the headers of a message say about its body.
type framing struct {
	length  int64 // Content-Length; -1: none, or none that can be understood
	chunked bool
	close   bool // the sender says that it closes the connection behind the message,
	keep    bool // or that it does not
	expect  bool // the client waits for a 100 before it sends the body (RFC 9110 §10.1.1)
	codings codings
}

// kind says how the end of a body is found.
type kind uint8

const (
	kindNone kind = iota
	kindLength
	kindChunked
	kindUntilEnd // of the connection
	kindTunnel   // no body and no HTTP from here
)

// note looks at a header.
func (f *framing) note(name, value string) {
	switch len(name) {
	case len("expect"):
		if equalFold(name, "expect") && equalFold(value, "100-continue") {
			f.expect = true
		}
	case len("connection"):
		if equalFold(name, "connection") {
			f.connection(value)
		}
	case len("content-length"):
		// Of several lengths the first counts.
		if f.length < 0 && equalFold(name, "content-length") {
			f.length = parseLength(value)
		}
	case len("content-encoding"):
		if equalFold(name, "content-encoding") {
			f.codings.add(value)
		}
	case len("transfer-encoding"):
		if equalFold(name, "transfer-encoding") {
			f.transfer(value)
		}
	}
}

// connection reads Connection (RFC 9112 §9.3).
func (f *framing) connection(list string) {
	for list != "" {
		var item string
		item, list, _ = strings.Cut(list, ",")
		item = trim(item)
		f.close = f.close || equalFold(item, "close")
		f.keep = f.keep || equalFold(item, "keep-alive")
	}
}

// last tells whether a message with that head is the last of its connection.
func (f *framing) last(h *Head) bool { return f.close || h.Version == "HTTP/1.0" && !f.keep }

// transfer reads Transfer-Encoding: chunked, which may stand behind a coding of the content (RFC 9112 §7).
func (f *framing) transfer(list string) {
	for list != "" {
		var item string
		item, list, _ = strings.Cut(list, ",")
		if item = trim(item); equalFold(item, "chunked") {
			f.chunked = true
			continue
		}
		f.codings.add(item)
	}
}

// parseLength reads the first number of a Content-Length, or gives -1.
func parseLength(s string) int64 {
	s, _, _ = strings.Cut(s, ",")
	if s = trim(s); s == "" || len(s) > 18 {
		return -1
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n
}

// kind decides how the body of x's message in that direction ends (RFC 9112 §6.3).
func (f *framing) kind(x *Exchange, dir flow.Dir) kind {
	if dir == flow.ToClient {
		asked := ""
		if x.Request != nil {
			asked = x.Request.Method
		}
		switch s := x.Response.Status; {
		case s == 101, s/100 == 2 && asked == "CONNECT":
			return kindTunnel
		case s/100 == 1, s == 204, s == 304, asked == "HEAD":
			return kindNone
		}
	}
	switch {
	case f.chunked:
		return kindChunked
	case f.length == 0:
		return kindNone
	case f.length > 0:
		return kindLength
	case dir == flow.ToClient:
		return kindUntilEnd
	}
	return kindNone
}
