package http1

import (
	"strings"
	"testing"
)

// TestRequestFraming has a row for each way in which requests can be framed oddly, with what HAProxy 3.5-dev does;
// none that two readers could take for different requests gets through.
func TestRequestFraming(t *testing.T) {
	const te, cl = "Transfer-Encoding: chunked", "Content-Length: 4"
	tests := []struct {
		name    string
		version string
		lines   string // separated by |
		status  int    // of the refusal, 0: accepted
		body    BodyKind
		length  int64
		keep    bool
		sent    string // headers that are sent, separated by |
	}{
		{"none", "1.1", "", 0, BodyNone, 0, true, ""},
		{"length", "1.1", cl, 0, BodyLength, 4, true, "content-length: 4"},
		{"length 0", "1.1", "Content-Length: 0", 0, BodyLength, 0, true, "content-length: 0"},
		{"chunked", "1.1", te, 0, BodyChunked, 0, true, "transfer-encoding: chunked"},
		{"chunked in capitals", "1.1", "TRANSFER-ENCODING: CHUNKED", 0, BodyChunked, 0, true, "transfer-encoding: CHUNKED"},
		{"length and chunked", "1.1", cl + "|" + te, 0, BodyChunked, 0, false, "transfer-encoding: chunked"},
		{"chunked and length", "1.1", te + "|" + cl, 0, BodyChunked, 0, false, "transfer-encoding: chunked"},
		{"chunked and bad length", "1.1", te + "|Content-Length: x", 400, 0, 0, false, ""},
		{"same length twice", "1.1", cl + "|X: y|" + cl, 0, BodyLength, 4, true, "content-length: 4|x: y"},
		{"same length in a list", "1.1", "Content-Length: 4, 4", 0, BodyLength, 4, true, "content-length: 4"},
		{"same length written differently", "1.1", "Content-Length: 04|" + cl, 0, BodyLength, 4, true, "content-length: 4"},
		{"leading zeros", "1.1", "Content-Length: 004", 0, BodyLength, 4, true, "content-length: 4"},
		{"lengths differ", "1.1", cl + "|Content-Length: 5", 400, 0, 0, false, ""},
		{"lengths in a list differ", "1.1", "Content-Length: 4, 5", 400, 0, 0, false, ""},
		{"empty length", "1.1", "Content-Length:", 400, 0, 0, false, ""},
		{"length with a comma", "1.1", "Content-Length: 4,", 400, 0, 0, false, ""},
		{"plus", "1.1", "Content-Length: +4", 400, 0, 0, false, ""},
		{"minus", "1.1", "Content-Length: -4", 400, 0, 0, false, ""},
		{"hexadecimal", "1.1", "Content-Length: 0x4", 400, 0, 0, false, ""},
		{"two numbers", "1.1", "Content-Length: 4 4", 400, 0, 0, false, ""},
		{"largest", "1.1", "Content-Length: 9223372036854775807", 0, BodyLength, 1<<63 - 1, true, "content-length: 9223372036854775807"},
		{"too big, stricter", "1.1", "Content-Length: 9223372036854775808", 400, 0, 0, false, ""},
		{"far too big", "1.1", "Content-Length: " + strings.Repeat("9", 60), 400, 0, 0, false, ""},
		{"folded length", "1.1", "Content-Length:\r\n 4", 0, BodyLength, 4, true, "content-length: 4"},

		{"xchunked", "1.1", "Transfer-Encoding: xchunked", 400, 0, 0, false, ""},
		{"chunked, identity", "1.1", "Transfer-Encoding: chunked, identity", 400, 0, 0, false, ""},
		{"identity", "1.1", "Transfer-Encoding: identity", 400, 0, 0, false, ""},
		{"gzip", "1.1", "Transfer-Encoding: gzip", 400, 0, 0, false, ""},
		{"gzip, chunked", "1.1", "Transfer-Encoding: gzip, chunked", 422, 0, 0, false, ""},
		{"gzip and chunked", "1.1", "Transfer-Encoding: gzip|" + te, 422, 0, 0, false, ""},
		{"chunked twice", "1.1", te + "|" + te, 400, 0, 0, false, ""},
		{"chunked, chunked", "1.1", te + ", chunked", 400, 0, 0, false, ""},
		{"chunked,", "1.1", te + ",", 400, 0, 0, false, ""},
		{",chunked", "1.1", "Transfer-Encoding: ,chunked", 422, 0, 0, false, ""},
		{"parameter", "1.1", te + ";q=1", 400, 0, 0, false, ""},
		{"empty coding", "1.1", "Transfer-Encoding:", 400, 0, 0, false, ""},
		{"vertical tab", "1.1", "Transfer-Encoding: \vchunked", 400, 0, 0, false, ""},

		{"HTTP/1.0", "1.0", "", 0, BodyNone, 0, false, ""},
		{"HTTP/1.0 keep-alive", "1.0", "Connection: keep-alive", 0, BodyNone, 0, true, "connection: keep-alive"},
		{"HTTP/1.0 chunked", "1.0", "Connection: keep-alive|" + te, 0, BodyChunked, 0, false, "connection: keep-alive|transfer-encoding: chunked"},
		{"HTTP/1.0 length and chunked", "1.0", cl + "|" + te, 0, BodyChunked, 0, false, "transfer-encoding: chunked"},
		{"close", "1.1", "Connection: close", 0, BodyNone, 0, false, "connection: close"},
		{"close and keep-alive", "1.1", "Connection: keep-alive|Connection: foo,close", 0, BodyNone, 0, false, "connection: keep-alive|connection: foo,close"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lines := strings.ReplaceAll(tt.lines, "|", "\r\n")
			if lines != "" {
				lines += "\r\n"
			}
			m, err := parseReq(t, "POST / HTTP/"+tt.version+"\r\n"+lines+"\r\n")
			if got := statusOf(err); got != tt.status {
				t.Fatalf("got %v, want status %d", err, tt.status)
			}
			if err != nil {
				return
			}
			if m.Body() != tt.body || m.Length() != tt.length || m.KeepAlive() != tt.keep {
				t.Errorf("got body %d, length %d, keep-alive %v; want %d, %d, %v",
					m.Body(), m.Length(), m.KeepAlive(), tt.body, tt.length, tt.keep)
			}
			_, sent, _ := strings.Cut(strings.TrimSuffix(string(m.AppendHead(nil)), "\r\n\r\n"), "\r\n")
			if sent = strings.ReplaceAll(sent, "\r\n", "|"); sent != tt.sent {
				t.Errorf("sent %q, want %q", sent, tt.sent)
			}
		})
	}
}

// TestFramingOutlivesEdits: rules may write what they like into the framing headers, the head that is sent frames
// the body as it came.
func TestFramingOutlivesEdits(t *testing.T) {
	tests := []struct {
		name, lines string
		edit        func(m *Message)
		sent        string
	}{
		{"length changed", "Content-Length: 4\r\nX: y\r\n", func(m *Message) { m.SetString("content-length", "9") }, "x: y\r\ncontent-length: 4\r\n"},
		{"length removed", "Content-Length: 4\r\nX: y\r\n", func(m *Message) { m.Del("content-length") }, "x: y\r\ncontent-length: 4\r\n"},
		{"length removed by place", "Content-Length: 4\r\n", func(m *Message) { m.DelAt(0) }, "content-length: 4\r\n"},
		{"length given twice", "Content-Length: 4\r\n", func(m *Message) { m.AddString("Content-Length", "5") }, "content-length: 4\r\n"},
		{"chunked added", "Content-Length: 4\r\n", func(m *Message) { m.AddString("Transfer-Encoding", "chunked") }, "content-length: 4\r\n"},
		{"chunked removed", "Transfer-Encoding: chunked\r\n", func(m *Message) { m.Del("transfer-encoding") }, "transfer-encoding: chunked\r\n"},
		{"chunked changed", "Transfer-Encoding: chunked\r\n", func(m *Message) { m.SetValueAt(0, []byte("gzip")) }, "transfer-encoding: chunked\r\n"},
		{"length where no body is", "X: y\r\n", func(m *Message) { m.AddString("Content-Length", "5") }, "x: y\r\n"},
		{"SetBody", "Transfer-Encoding: chunked\r\nX: y\r\n", func(m *Message) { m.SetBody(BodyLength, 7) }, "content-length: 7\r\nx: y\r\n"},
		{"SetBody, then edited", "X: y\r\n", func(m *Message) { m.SetBody(BodyChunked, 0); m.Del("Transfer-Encoding") }, "x: y\r\ntransfer-encoding: chunked\r\n"},
		{"SetBody to none", "Content-Length: 4\r\nX: y\r\n", func(m *Message) { m.SetBody(BodyNone, 0) }, "x: y\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parseReq(t, "POST / HTTP/1.1\r\n"+tt.lines+"\r\n")
			if err != nil {
				t.Fatal(err)
			}
			tt.edit(m)
			if got, want := string(m.AppendHead(nil)), "POST / HTTP/1.1\r\n"+tt.sent+"\r\n"; got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
		})
	}
}

func TestConnectionFacts(t *testing.T) {
	m, err := parseReq(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, Upgrade\r\nUpgrade: websocket\r\nExpect: 100-Continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if !m.Upgrade() || !m.ExpectContinue() || !m.KeepAlive() || string(m.HostOf()) != "a" {
		t.Errorf("upgrade %v, expect %v, keep-alive %v, host %q", m.Upgrade(), m.ExpectContinue(), m.KeepAlive(), m.HostOf())
	}
	m.SetString("Connection", "close")
	m.Del("expect")
	m.SetString("host", "b")
	if m.Upgrade() || m.ExpectContinue() || m.KeepAlive() || string(m.HostOf()) != "b" {
		t.Errorf("after edits: upgrade %v, expect %v, keep-alive %v, host %q", m.Upgrade(), m.ExpectContinue(), m.KeepAlive(), m.HostOf())
	}
	for _, head := range []string{
		"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n",
		"GET / HTTP/1.1\r\nConnection: upgrade\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\nExpect: 100-continue\r\n\r\n",
	} {
		if m, _ := parseReq(t, head); m.Upgrade() || m.ExpectContinue() {
			t.Errorf("%q: upgrade %v, expect %v", head, m.Upgrade(), m.ExpectContinue())
		}
	}
}

func TestSetKeepAlive(t *testing.T) {
	tests := []struct {
		head string
		keep bool
		want string
	}{
		{"GET / HTTP/1.1\r\nConnection: keep-alive\r\nX: y\r\n\r\n", true, "GET / HTTP/1.1\r\nx: y\r\n\r\n"},
		{"GET / HTTP/1.1\r\nConnection: close\r\nX: y\r\n\r\n", true, "GET / HTTP/1.1\r\nx: y\r\n\r\n"},
		{"GET / HTTP/1.1\r\nConnection: close, Upgrade,, te\r\nX: y\r\n\r\n", true, "GET / HTTP/1.1\r\nconnection: Upgrade, te\r\nx: y\r\n\r\n"},
		{"GET / HTTP/1.1\r\nX: y\r\n\r\n", false, "GET / HTTP/1.1\r\nx: y\r\nconnection: close\r\n\r\n"},
		{"GET / HTTP/1.0\r\nX: y\r\n\r\n", true, "GET / HTTP/1.0\r\nx: y\r\nconnection: keep-alive\r\n\r\n"},
		{"GET / HTTP/1.0\r\nConnection: close\r\n\r\n", false, "GET / HTTP/1.0\r\nconnection: close\r\n\r\n"},
	}
	for _, tt := range tests {
		m, err := parseReq(t, tt.head)
		if err != nil {
			t.Fatal(err)
		}
		m.SetKeepAlive(tt.keep)
		if got := string(m.AppendHead(nil)); got != tt.want {
			t.Errorf("%q, keep %v: sent %q, want %q", tt.head, tt.keep, got, tt.want)
		}
	}
}
