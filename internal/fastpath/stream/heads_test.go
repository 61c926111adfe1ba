package stream

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/model"
)

// recorder is a server that answers every request with the same bytes and keeps what it was sent.
type recorder struct {
	addr string
	got  chan string
}

// record makes one; with closing set it closes after each answer. A request ends when its sender falls silent.
func record(t testing.TB, answer string, closing bool) *recorder {
	rec := &recorder{got: make(chan string, 16)}
	rec.addr = scripted(t, func(c *net.TCPConn) {
		for {
			req := readHead(c)
			if req == "" {
				return
			}
			if !strings.HasPrefix(req, "GET") && !strings.HasPrefix(req, "HEAD") && !strings.HasPrefix(req, "CONNECT") {
				buf := make([]byte, 64<<10)
				for {
					_ = c.SetReadDeadline(time.Now().Add(60 * time.Millisecond))
					n, err := c.Read(buf)
					req += string(buf[:n])
					if err != nil {
						break
					}
				}
				_ = c.SetReadDeadline(time.Time{})
			}
			rec.got <- req
			_, _ = io.WriteString(c, answer)
			if closing {
				return
			}
		}
	})
	return rec
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Y: z\r\n\r\nhi"
const okOut = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-y: z\r\n\r\nhi"

// TestHeads holds what server and client see against what HAProxy 2.6 was seen to send, but for the rows that say
// otherwise.
func TestHeads(t *testing.T) {
	closeIt := func(s *setup) { s.front.Options.HTTPClose = true }
	serverClose := func(s *setup) { s.back.Options.HTTPServerClose = true }
	forwardFor := func(s *setup) { s.front.Options.ForwardFor = &model.ForwardFor{Header: "x-forwarded-for"} }
	tests := []struct {
		name, req, answer string
		closing           bool // the server closes after its answer
		server, client    string
		closed            bool // the client's connection ends
		change            func(*setup)
	}{
		{name: "plain", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer: ok,
			server: "GET / HTTP/1.1\r\nhost: a\r\n\r\n", client: okOut},
		{name: "keep-alive is said by nobody on 1.1", req: "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nKeep-Alive: 3\r\n\r\n", answer: ok,
			server: "GET / HTTP/1.1\r\nhost: a\r\nkeep-alive: 3\r\n\r\n", client: okOut},
		{name: "client wants close", req: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, x-foo\r\nX-Foo: 1\r\n\r\n", answer: ok,
			server: "GET / HTTP/1.1\r\nhost: a\r\nconnection: x-foo\r\nx-foo: 1\r\n\r\n",
			client: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-y: z\r\nconnection: close\r\n\r\nhi", closed: true},
		{name: "HTTP/1.0", req: "GET / HTTP/1.0\r\n\r\n", answer: ok,
			server: "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
			client: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-y: z\r\nconnection: close\r\n\r\nhi", closed: true},
		{name: "HTTP/1.0 keep-alive", req: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", answer: ok,
			server: "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
			client: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-y: z\r\nconnection: keep-alive\r\n\r\nhi"},
		{name: "1.0 server with a length", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", closing: true,
			server: "GET / HTTP/1.1\r\nhost: a\r\n\r\n", client: "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nhi"},
		{name: "body up to the close", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer: "HTTP/1.1 200 OK\r\n\r\nhi", closing: true,
			server: "GET / HTTP/1.1\r\nhost: a\r\n\r\n", client: "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi", closed: true},
		{name: "chunks to a 1.0 client are undone (HAProxy sends them)", req: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
			answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
			server: "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", client: "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi", closed: true},
		{name: "chunks and trailers", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
			answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nT: 1\r\n\r\n",
			server: "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
			client: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: T\r\n\r\n2\r\nhi\r\n0\r\nt: 1\r\n\r\n"},
		{name: "chunks from the client", req: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nT: 1\r\n\r\n", answer: ok,
			server: "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nt: 1\r\n\r\n", client: okOut},
		{name: "server closes, client stays", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", closing: true,
			server: "GET / HTTP/1.1\r\nhost: a\r\n\r\n", client: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"},
		{name: "204", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer: "HTTP/1.1 204 No Content\r\n\r\n",
			server: "GET / HTTP/1.1\r\nhost: a\r\n\r\n", client: "HTTP/1.1 204 No Content\r\n\r\n"},
		{name: "304 with a length", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
			server: "GET / HTTP/1.1\r\nhost: a\r\n\r\n", client: "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n"},
		{name: "HEAD", req: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
			server: "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", client: "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"},
		{name: "HEAD, chunked", req: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
			server: "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", client: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"},
		{name: "HEAD, no length", req: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", answer: "HTTP/1.1 200 OK\r\n\r\n",
			server: "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", client: "HTTP/1.1 200 OK\r\n\r\n"},
		{name: "interim answers", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + ok,
			server: "GET / HTTP/1.1\r\nhost: a\r\n\r\n", client: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + okOut},
		{name: "interim answers are kept from 1.0 clients", req: "GET / HTTP/1.0\r\n\r\n", answer: "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + ok,
			server: "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
			client: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-y: z\r\nconnection: close\r\n\r\nhi", closed: true},
		{name: "option httpclose", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer: ok, change: closeIt,
			server: "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
			client: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-y: z\r\nconnection: close\r\n\r\nhi", closed: true},
		{name: "option http-server-close", req: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer: ok, change: serverClose,
			server: "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", client: okOut},
		{name: "option forwardfor", req: "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n", answer: ok, change: forwardFor,
			server: "GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 1.2.3.4\r\nx-forwarded-for: 127.0.0.1\r\n\r\n", client: okOut},
		{name: "Expect is the server's", req: "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc", answer: ok,
			server: "POST / HTTP/1.1\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\nabc", client: okOut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rec := record(t, tt.answer, tt.closing)
			change := tt.change
			if change == nil {
				change = func(*setup) {}
			}
			r := newRig(t, []string{rec.addr}, change)
			client, closed := r.ask(tt.req)
			if server := <-rec.got; server != tt.server {
				t.Errorf("the server got  %q\nwant            %q", server, tt.server)
			}
			if client != tt.client || closed != tt.closed {
				t.Errorf("the client got  %q (closed %v)\nwant            %q (closed %v)", client, closed, tt.client, tt.closed)
			}
		})
	}
}

// TestFraming sends malformed and edge requests: what the client sees first, and what reached the server ("" for
// nothing). HAProxy 3.5-dev was seen to do the same, or to be less strict.
func TestFraming(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: a\r\n"
	const post = "POST / HTTP/1.1\r\nHost: a\r\n"
	tests := []struct {
		name, req, status, server string
		closed                    bool
	}{
		{"Content-Length and chunked", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "200",
			"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", true},
		{"two Content-Length that differ", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400", "", true},
		{"signed Content-Length", post + "Content-Length: +4\r\n\r\nabcd", "400", "", true},
		{"xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400", "", true},
		{"chunked, identity", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "400", "", true},
		{"space before the colon", get + "X : a\r\n\r\n", "400", "", true},
		{"obs-fold", get + "X: a\r\n  b\r\n\r\n", "200", "GET / HTTP/1.1\r\nhost: a\r\nx: a    b\r\n\r\n", false},
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", "200", "GET / HTTP/1.1\r\nhost: a\r\n\r\n", false},
		{"bare CR in a value", get + "X: a\rb\r\n\r\n", "400", "", true},
		{"NUL in a value", get + "X: a\x00b\r\n\r\n", "400", "", true},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", "200", "GET / HTTP/1.1\r\n\r\n", false},
		{"two Hosts that differ", get + "Host: b\r\n\r\n", "400", "", true},
		{"chunk extension ended by bare LF", post + "Transfer-Encoding: chunked\r\n\r\n1;x\na\r\n0\r\n\r\n", "400", "", true},
		{"chunk size 0x1", post + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", "400", "", true},
		{"wrong bytes after a chunk", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc0\r\n\r\n", "400", "", true},
		{"Transfer-Encoding on HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "200",
			"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n1\r\na\r\n0\r\n\r\n", true},
		{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "200", "GET / HTTP/1.1\r\nhost: a\r\n\r\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rec := record(t, ok, false)
			r := newRig(t, []string{rec.addr})
			got, closed := r.ask(tt.req)
			if !strings.HasPrefix(got, "HTTP/1.1 "+tt.status+" ") || closed != tt.closed {
				t.Errorf("the client got %q (closed %v), want %s (closed %v)", got, closed, tt.status, tt.closed)
			}
			server := ""
			select {
			case server = <-rec.got:
			default:
			}
			if server != tt.server {
				t.Errorf("the server got %q, want %q", server, tt.server)
			}
		})
	}
}
