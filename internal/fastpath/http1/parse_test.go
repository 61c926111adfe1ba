package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

var testLimits = Limits{MaxHeaders: 101, MaxHead: 15360}

// parseReq parses a whole request head, or gives the error.
func parseReq(t *testing.T, head string) (*Message, error) {
	t.Helper()
	m := new(Message)
	n, err := m.ParseRequest([]byte(head), testLimits)
	if err == nil && n == 0 {
		t.Fatalf("head is not complete: %q", head)
	}
	return m, err
}

func parseRes(t *testing.T, head, method string) (*Message, error) {
	t.Helper()
	m := new(Message)
	n, err := m.ParseResponse([]byte(head), testLimits, []byte(method))
	if err == nil && n == 0 {
		t.Fatalf("head is not complete: %q", head)
	}
	return m, err
}

func statusOf(err error) int {
	var pe *ParseError
	if errors.As(err, &pe) {
		return pe.Status
	}
	return 0
}

func TestParseRequest(t *testing.T) {
	m, err := parseReq(t, "\r\n\nPOST /a?b HTTP/1.1\r\nHost: h\r\nX-Foo: \t bar baz \r\nEMPTY:\r\nContent-Length: 3\r\n\r\nabc")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %s %s %d", m.Method(), m.Target(), m.VersionText(), m.Minor())
	if want := "POST /a?b HTTP/1.1 1"; got != want {
		t.Errorf("start line: got %q, want %q", got, want)
	}
	var headers []string
	for i := range m.Len() {
		headers = append(headers, fmt.Sprintf("%s=%s", m.Name(i), m.Value(i)))
	}
	if got, want := strings.Join(headers, "|"), "Host=h|X-Foo=bar baz|EMPTY=|Content-Length=3"; got != want {
		t.Errorf("headers: got %q, want %q", got, want)
	}
	if got, want := string(m.Raw()), "POST /a?b HTTP/1.1\r\nHost: h\r\nX-Foo: \t bar baz \r\nEMPTY:\r\nContent-Length: 3\r\n\r\n"; got != want {
		t.Errorf("Raw: got %q, want %q", got, want)
	}
	if got, want := string(m.AppendHead(nil)), "POST /a?b HTTP/1.1\r\nhost: h\r\nx-foo: bar baz\r\nempty: \r\ncontent-length: 3\r\n\r\n"; got != want {
		t.Errorf("AppendHead: got %q, want %q", got, want)
	}
}

// TestRequestLines holds start lines and header lines against what HAProxy does; rows marked "stricter" are accepted
// by HAProxy 2.6.
func TestRequestLines(t *testing.T) {
	const hd = "\r\nHost: a\r\n\r\n"
	tests := []struct {
		name, head string
		status     int    // 0: accepted
		sent       string // what AppendHead gives, if it is of interest
	}{
		{"plain", "GET / HTTP/1.1" + hd, 0, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"},
		{"HTTP/1.0", "GET / HTTP/1.0" + hd, 0, "GET / HTTP/1.0\r\nhost: a\r\n\r\n"},
		{"HTTP/1.2 is 1.1", "GET / HTTP/1.2" + hd, 0, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"},
		{"HTTP/2.0, stricter", "GET / HTTP/2.0" + hd, 505, ""},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", 505, ""},
		{"HTTP/0.9 with version, stricter", "GET / HTTP/0.9" + hd, 505, ""},
		{"HTTP/1.10", "GET / HTTP/1.10" + hd, 400, ""},
		{"HTTP/1.", "GET / HTTP/1." + hd, 400, ""},
		{"http/1.1", "GET / http/1.1" + hd, 400, ""},
		{"HTTP/0.9", "GET /\r\n\r\n", 400, ""},
		{"blanks between", "GET \t /  HTTP/1.1" + hd, 0, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"},
		{"blank behind the version", "GET / HTTP/1.1 " + hd, 400, ""},
		{"blank in front", " GET / HTTP/1.1" + hd, 400, ""},
		{"bare LF", "GET / HTTP/1.1\nHost: a\nX: y\n\n", 0, "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n\r\n"},
		{"bare CR behind the version", "GET / HTTP/1.1\rX\nHost: a\r\n\r\n", 400, ""},
		{"bare CR as last line", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400, ""},
		{"bare CR in front", "\rGET / HTTP/1.1" + hd, 400, ""},
		{"any method", "g!-t / HTTP/1.1" + hd, 0, ""},
		{"bad method", "G(T / HTTP/1.1" + hd, 400, ""},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00" + hd, 400, ""},
		{"odd target", "GET /\"<>{}|\\^` HTTP/1.1" + hd, 0, "GET /\"<>{}|\\^` HTTP/1.1\r\nhost: a\r\n\r\n"},
		{"fragment", "GET /a#b HTTP/1.1" + hd, 400, ""},
		{"eight bits in the target", "GET /\xc3 HTTP/1.1" + hd, 400, ""},
		{"DEL in the target", "GET /\x7f HTTP/1.1" + hd, 400, ""},
		{"relative target", "GET x HTTP/1.1" + hd, 400, ""},
		{"query only", "GET ?x HTTP/1.1" + hd, 400, ""},
		{"authority for GET, stricter", "GET a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 400, ""},
		{"asterisk", "OPTIONS * HTTP/1.1" + hd, 0, ""},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 0, "GET / HTTP/1.1\r\n\r\n"},
		{"same Host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: A\r\n\r\n", 0, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"},
		{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, ""},

		{"absolute", "GET http://a/x?y HTTP/1.1" + hd, 0, "GET http://a/x?y HTTP/1.1\r\nhost: a\r\n\r\n"},
		{"absolute, other host", "GET http://b/x?y HTTP/1.1" + hd, 400, ""},
		{"absolute, default port", "GET http://A:80/x?y HTTP/1.1" + hd, 0, ""},
		{"absolute, default port in Host", "GET https://a/x?y HTTP/1.1\r\nHost: a:443\r\n\r\n", 0, ""},
		{"absolute, other scheme's port", "GET http://a/x?y HTTP/1.1\r\nHost: a:443\r\n\r\n", 400, ""},
		{"absolute, user", "GET http://u:p@a/x HTTP/1.1" + hd, 0, ""},
		{"absolute, IPv6", "GET http://[::1]/x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0, ""},
		{"absolute, no Host", "GET http://b/x HTTP/1.1\r\n\r\n", 0, "GET http://b/x HTTP/1.1\r\n\r\n"},
		{"absolute, empty Host", "GET http://a HTTP/1.1\r\nHost:\r\n\r\n", 400, ""},
		{"absolute, no path but query", "GET http://a?q HTTP/1.1" + hd, 400, ""},
		{"absolute, no path", "GET http://a HTTP/1.1" + hd, 0, ""},
		{"one slash", "GET http:/a/x HTTP/1.1" + hd, 400, ""},
		{"scheme beginning with a digit", "GET 1http://a/x HTTP/1.1" + hd, 400, ""},

		{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 0, "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n"},
		{"CONNECT, Host without port", "CONNECT a:443 HTTP/1.1" + hd, 0, ""},
		{"CONNECT, other host", "CONNECT b:443 HTTP/1.1" + hd, 400, ""},
		{"CONNECT, no port", "CONNECT a HTTP/1.1" + hd, 400, ""},
		{"CONNECT, port 0", "CONNECT a:0 HTTP/1.1" + hd, 400, ""},
		{"CONNECT, path", "CONNECT /x HTTP/1.1" + hd, 400, ""},
		{"CONNECT with a body, stricter", "CONNECT a:1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd", 400, ""},
		{"CONNECT with chunks, stricter", "CONNECT a:1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, ""},
		{"CONNECT with length 0", "CONNECT a:1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 0, "CONNECT a:1 HTTP/1.1\r\n\r\n"},

		{"no colon", "GET / HTTP/1.1\r\nfoo\r\n\r\n", 400, ""},
		{"no name", "GET / HTTP/1.1\r\n: x\r\n\r\n", 400, ""},
		{"space before the colon", "GET / HTTP/1.1\r\nFoo : x\r\n\r\n", 400, ""},
		{"bad byte in a name", "GET / HTTP/1.1\r\nfo(o: x\r\n\r\n", 400, ""},
		{"eight bits in a name", "GET / HTTP/1.1\r\nfo\xc3o: x\r\n\r\n", 400, ""},
		{"NUL in a name", "GET / HTTP/1.1\r\nfo\x00o: x\r\n\r\n", 400, ""},
		{"NUL in a value, stricter", "GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n", 400, ""},
		{"bare CR in a value", "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400, ""},
		{"CR CR LF", "GET / HTTP/1.1\r\nX: a\r\r\n\r\n", 400, ""},
		{"control bytes in a value", "GET / HTTP/1.1\r\nX: a\x01\x0b\x7f\x80b\r\n\r\n", 0, "GET / HTTP/1.1\r\nx: a\x01\x0b\x7f\x80b\r\n\r\n"},
		{"folds", "GET / HTTP/1.1\r\nX: a\r\n  b\r\n\tc \r\nY: \r\n z\r\n\r\n", 0, "GET / HTTP/1.1\r\nx: a    b  \tc\r\ny: z\r\n\r\n"},
		{"fold ended by LF", "GET / HTTP/1.1\nX: a\n b\n\n", 0, "GET / HTTP/1.1\r\nx: a  b\r\n\r\n"},
		{"fold of blanks", "GET / HTTP/1.1\r\nX: a\r\n \r\n\r\n", 0, "GET / HTTP/1.1\r\nx: a\r\n\r\n"},
		{"fold first", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, ""},
		{"NUL in a fold", "GET / HTTP/1.1\r\nX: a\r\n b\x00\r\n\r\n", 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parseReq(t, tt.head)
			if got := statusOf(err); got != tt.status {
				t.Fatalf("got status %d (%v), want %d", got, err, tt.status)
			}
			if got := string(m.AppendHead(nil)); tt.sent != "" && got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
		})
	}
}

func TestParseResponse(t *testing.T) {
	const ok = "\r\nContent-Length: 2\r\n\r\n"
	tests := []struct {
		name, head, method string
		status             int // of the error
		body               BodyKind
		length             int64
		keep               bool
		sent               string
	}{
		{"plain", "HTTP/1.1 200 OK" + ok, "GET", 0, BodyLength, 2, true, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"},
		{"no reason", "HTTP/1.1 200" + ok, "GET", 0, BodyLength, 2, true, "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n"},
		{"empty reason", "HTTP/1.1 200 " + ok, "GET", 0, BodyLength, 2, true, "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n"},
		{"blanks between", "HTTP/1.1  200  So so " + ok, "GET", 0, BodyLength, 2, true, "HTTP/1.1 200 So so\r\ncontent-length: 2\r\n\r\n"},
		{"lines ended by LF", "\nHTTP/1.1 200 OK\nContent-Length: 2\n\n", "GET", 0, BodyLength, 2, true, ""},
		{"HTTP/1.0", "HTTP/1.0 200 OK" + ok, "GET", 0, BodyLength, 2, false, "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n"},
		{"HTTP/1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive" + ok, "GET", 0, BodyLength, 2, true, ""},
		{"close", "HTTP/1.1 200 OK\r\nConnection: x, CLOSE" + ok, "GET", 0, BodyLength, 2, false, ""},
		{"until close", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", "GET", 0, BodyUntilClose, 0, false, "HTTP/1.1 200 OK\r\nx: y\r\n\r\n"},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", 0, BodyChunked, 0, true, ""},
		{"HTTP/1.0 chunked", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n", "GET", 0, BodyChunked, 0, false,
			"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n"},
		{"both", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", 0, BodyChunked, 0, false,
			"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"},
		{"other coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "GET", 502, 0, 0, false, ""},
		{"coding in front", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "GET", 502, 0, 0, false, ""},
		{"lengths differ", "HTTP/1.1 200 OK\r\nContent-Length: 3" + ok, "GET", 502, 0, 0, false, ""},
		{"HEAD", "HTTP/1.1 200 OK" + ok, "HEAD", 0, BodyNone, 0, true, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"},
		{"HEAD chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", 0, BodyNone, 0, true, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"},
		{"HEAD without", "HTTP/1.1 200 OK\r\n\r\n", "HEAD", 0, BodyNone, 0, true, "HTTP/1.1 200 OK\r\n\r\n"},
		{"204", "HTTP/1.1 204 No" + ok, "GET", 0, BodyNone, 0, true, "HTTP/1.1 204 No\r\n\r\n"},
		{"304", "HTTP/1.1 304 No" + ok, "GET", 0, BodyNone, 0, true, "HTTP/1.1 304 No\r\ncontent-length: 2\r\n\r\n"},
		{"100", "HTTP/1.1 100 Continue\r\n\r\n", "GET", 0, BodyNone, 0, true, ""},
		{"103", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", "GET", 0, BodyNone, 0, true, ""},
		{"101", "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "GET", 0, BodyTunnel, 0, true, ""},
		{"CONNECT", "HTTP/1.1 200 OK" + ok, "CONNECT", 0, BodyTunnel, 0, true, "HTTP/1.1 200 OK\r\n\r\n"},
		{"CONNECT refused", "HTTP/1.1 403 No" + ok, "CONNECT", 0, BodyLength, 2, true, ""},
		{"status 999", "HTTP/1.1 999 x" + ok, "GET", 0, BodyLength, 2, true, ""},
		{"status 099, stricter", "HTTP/1.1 099 x" + ok, "GET", 502, 0, 0, false, ""},
		{"status 20, stricter", "HTTP/1.1 20 x" + ok, "GET", 502, 0, 0, false, ""},
		{"status 2000, stricter", "HTTP/1.1 2000 x" + ok, "GET", 502, 0, 0, false, ""},
		{"HTTP/2.0, stricter", "HTTP/2.0 200 OK" + ok, "GET", 502, 0, 0, false, ""},
		{"junk", "FOO 200 OK" + ok, "GET", 502, 0, 0, false, ""},
		{"CR in the reason", "HTTP/1.1 200 O\rK" + ok, "GET", 502, 0, 0, false, ""},
		{"NUL in the reason, stricter", "HTTP/1.1 200 O\x00K" + ok, "GET", 502, 0, 0, false, ""},
		{"eight bits in the reason", "HTTP/1.1 200 O\x80K" + ok, "GET", 0, BodyLength, 2, true, ""},
		{"space before the colon", "HTTP/1.1 200 OK\r\nX : y" + ok, "GET", 502, 0, 0, false, ""},
		{"too many headers", "HTTP/1.1 200 OK" + strings.Repeat("\r\nX: y", 101) + ok, "GET", 502, 0, 0, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parseRes(t, tt.head, tt.method)
			if got := statusOf(err); got != tt.status {
				t.Fatalf("got error %v, want status %d", err, tt.status)
			}
			if err != nil {
				return
			}
			if m.Body() != tt.body || m.Length() != tt.length || m.KeepAlive() != tt.keep {
				t.Errorf("got body %d, length %d, keep-alive %v; want %d, %d, %v",
					m.Body(), m.Length(), m.KeepAlive(), tt.body, tt.length, tt.keep)
			}
			if got := string(m.AppendHead(nil)); tt.sent != "" && got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	head := func(lines int) string {
		return "GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", lines) + "\r\n"
	}
	if _, err := parseReq(t, head(100)); err != nil {
		t.Errorf("100 headers: %v", err)
	}
	if _, err := parseReq(t, head(101)); statusOf(err) != 400 {
		t.Errorf("101 headers: %v, want 400", err)
	}
	start, end := "GET / HTTP/1.1\r\nX: ", "\r\n\r\n"
	sized := func(n int) string {
		return start + strings.Repeat("y", n-len(start)-len(end)) + end
	}
	if m, err := parseReq(t, sized(15360)); err != nil || len(m.Raw()) != 15360 {
		t.Errorf("head that just fits: %v", err)
	}
	if _, err := parseReq(t, sized(15361)); statusOf(err) != 400 {
		t.Errorf("head one byte too long: %v, want 400", err)
	}
	var m Message
	if n, err := m.ParseRequest([]byte(strings.Repeat("y", 15359)), testLimits); n != 0 || err != nil {
		t.Errorf("unfinished head below the limit: %d, %v", n, err)
	}
	if _, err := m.ParseRequest([]byte(strings.Repeat("y", 15360)), testLimits); statusOf(err) != 400 {
		t.Errorf("unfinished head at the limit: %v, want 400", err)
	}
}

// TestIncremental feeds heads byte by byte, each time in another buffer.
func TestIncremental(t *testing.T) {
	for _, head := range []string{
		"\r\nGET /a HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n  c\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /a HTTP/1.1\nX: a\n b\nContent-Length: 007\n\n",
	} {
		want, err := parseReq(t, head)
		if err != nil {
			t.Fatal(err)
		}
		var m Message
		for i := range len(head) {
			n, err := m.ParseRequest([]byte(head[:i]), testLimits)
			if n != 0 || err != nil {
				t.Fatalf("after %d bytes: %d, %v", i, n, err)
			}
		}
		if n, err := m.ParseRequest([]byte(head+"rest"), testLimits); n != len(head) || err != nil {
			t.Fatalf("whole head: %d, %v", n, err)
		}
		if got, want := string(m.AppendHead(nil)), string(want.AppendHead(nil)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := string(m.Raw()); got != strings.TrimPrefix(head, "\r\n") {
			t.Errorf("Raw: got %q", got)
		}
	}
}

func TestLineStop(t *testing.T) {
	for _, stop := range []byte{0, '\r', '\n'} {
		for n := range 40 {
			line := []byte(strings.Repeat("\t\x01\x0dé\x80\xff z", 8)[:n])
			for i := range line {
				if line[i] == '\r' {
					line[i] = 0x0b
				}
			}
			text := append(append(line, stop), "\n\r\x00........"...)
			if got := lineStop(text, 0); got != n {
				t.Errorf("lineStop(%q) = %d, want %d", text, got, n)
			}
			if got := lineStop(line, 0); got != n {
				t.Errorf("lineStop(%q) = %d, want its length", line, got)
			}
		}
	}
}
