package stream

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
)

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// refusing is an address where nobody listens.
func refusing(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	return ln.Addr().String()
}

// TestServerErrors has servers fail in all ways.
func TestServerErrors(t *testing.T) {
	quick := func(s *setup) { s.back.Timeouts.Server = 100 * time.Millisecond }
	say := func(text string) func(*net.TCPConn) {
		return func(c *net.TCPConn) { readHead(c); _, _ = io.WriteString(c, text) }
	}
	tests := []struct {
		name   string
		server func(*net.TCPConn)
		change func(*setup)
		status string
		log    string
		closed bool
	}{
		{"junk", say("junk\r\n\r\n"), nil, "502", "PH", false},
		{"nothing", say(""), nil, "502", "SH", false},
		{"half a head", say("HTTP/1.1 200 OK\r\nX:"), nil, "502", "SH", false},
		{"head too large", say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20000) + "\r\n\r\n"), nil, "502", "PH", false},
		{"bad length", say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), nil, "502", "PH", false},
		{"switched though nobody asked", say("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), nil, "502", "PH", false},
		{"bad chunks", say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), nil, "502", "PH", false},
		{"silence", func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }, quick, "504", "sH", false},
		{"silence in the head", func(c *net.TCPConn) {
			readHead(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, quick, "504", "sH", false},
		{"reset", func(c *net.TCPConn) { readHead(c); _ = c.SetLinger(0) }, nil, "502", "SH", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changes := []func(*setup){}
			if tt.change != nil {
				changes = append(changes, tt.change)
			}
			r := newRig(t, []string{scripted(t, tt.server)}, changes...)
			got, closed := r.ask(get)
			if !strings.HasPrefix(got, "HTTP/1.1 "+tt.status+" ") || closed != tt.closed {
				t.Errorf("got %q (closed %v)", got, closed)
			}
			if l := r.log.wait(t, 1); l[0] != tt.log {
				t.Errorf("logged %q, want %q", l[0], tt.log)
			}
		})
	}
}

// TestNoServer has no server that could answer.
func TestNoServer(t *testing.T) {
	t.Run("refusing", func(t *testing.T) {
		r := newRig(t, []string{refusing(t)}, func(s *setup) {
			s.back.Retries = 1
			s.back.Timeouts.Connect = 50 * time.Millisecond
		})
		if got, closed := r.ask(get); !strings.HasPrefix(got, "HTTP/1.1 503 ") || closed {
			t.Errorf("got %q (closed %v)", got, closed)
		}
		if l := r.log.wait(t, 1); l[0] != "SC" {
			t.Errorf("logged %q", l[0])
		}
		if n := r.back.Proxy.Back.Retries.Load(); n != 1 {
			t.Errorf("%d retries, want 1", n)
		}
	})
	t.Run("none", func(t *testing.T) {
		r := newRig(t, nil)
		if got, _ := r.ask(get); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("all in maintenance", func(t *testing.T) {
		r := newRig(t, []string{refusing(t)})
		r.back.Proxy.Servers[0].Admin.Store(int32(proxy.Maint))
		if got, _ := r.ask(get); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("redispatch to the one that works", func(t *testing.T) {
		rec := record(t, ok, false)
		r := newRig(t, []string{refusing(t), rec.addr})
		for range 4 {
			if got, _ := r.ask(get); got != okOut {
				t.Errorf("got %q", got)
			}
			<-rec.got
		}
	})
}

// TestRetryOn repeats requests as retry-on says.
func TestRetryOn(t *testing.T) {
	tests := []struct {
		name  string
		first string
		hang  bool
		on    model.RetryOn
		req   string
		want  string
	}{
		{"empty-response", "", false, model.RetryOn{EmptyResponse: true}, get, "200"},
		{"junk-response", "junk\r\n\r\n", false, model.RetryOn{JunkResponse: true}, get, "200"},
		{"response-timeout", "", true, model.RetryOn{ResponseTimeout: true}, get, "200"},
		{"status", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", false, model.RetryOn{Status: []int{503}}, get, "200"},
		{"status, with a body", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", false, model.RetryOn{Status: []int{503}},
			"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "200"},
		{"other status", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", false, model.RetryOn{Status: []int{504}}, get, "503"},
		{"status, to the end", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", false, model.RetryOn{Status: []int{503}},
			"GET /never HTTP/1.1\r\n\r\n", "503"},
		{"conn-failure only", "", false, model.RetryOn{ConnFailure: true}, get, "502"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			srv := scripted(t, func(c *net.TCPConn) {
				req := readHead(c)
				if strings.HasPrefix(req, "POST") {
					b := make([]byte, 3)
					if _, _ = io.ReadFull(c, b); string(b) != "abc" {
						return
					}
				}
				if n.Add(1) > 2 && !strings.Contains(req, "/never") {
					_, _ = io.WriteString(c, ok)
					return
				}
				_, _ = io.WriteString(c, tt.first)
				if tt.hang {
					_, _ = io.Copy(io.Discard, c)
				}
			})
			r := newRig(t, []string{srv}, func(s *setup) {
				s.back.RetryOn = tt.on
				s.back.Timeouts.Server = 200 * time.Millisecond
			})
			if got, _ := r.ask(tt.req); !strings.HasPrefix(got, "HTTP/1.1 "+tt.want+" ") {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
}

// TestClientErrors has clients that do not send a request.
func TestClientErrors(t *testing.T) {
	quick := func(s *setup) { s.front.Timeouts.HTTPRequest = 100 * time.Millisecond }
	tests := []struct {
		name, req string
		change    func(*setup)
		want      string
		log       string
	}{
		{"nonsense", "nonsense\r\n\r\n", nil, "HTTP/1.1 400 ", "PR"},
		{"slow head", "GET / HTTP/1.1\r\n", quick, "HTTP/1.1 408 ", "cR"},
		{"silence", "", quick, "HTTP/1.1 408 ", "cR"},
		{"silence, only timeout client", "", func(s *setup) { s.front.Timeouts.Client = 100 * time.Millisecond }, "HTTP/1.1 408 ", "cR"},
		{"too many headers", "GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 150) + "\r\n", nil, "HTTP/1.1 4", "PR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changes := []func(*setup){}
			if tt.change != nil {
				changes = append(changes, tt.change)
			}
			r := newRig(t, nil, changes...)
			got, closed := r.ask(tt.req)
			if !strings.HasPrefix(got, tt.want) || !closed || !strings.Contains(got, "connection: close\r\n") {
				t.Errorf("got %q (closed %v)", got, closed)
			}
			if l := r.log.wait(t, 1); l[0] != tt.log {
				t.Errorf("logged %q, want %q", l[0], tt.log)
			}
		})
	}
}

// TestIdleTimeout closes idle connections without a word.
func TestIdleTimeout(t *testing.T) {
	r := newRig(t, nil, func(s *setup) {
		s.cfg.HTTPReq = redirect("/ok")
		s.front.Timeouts.HTTPKeepAlive = 100 * time.Millisecond
		s.front.Timeouts.HTTPRequest = 5 * time.Second
	})
	c := r.dial()
	for range 3 {
		_, _ = io.WriteString(c, get)
		readHead(c)
	}
	b, err := io.ReadAll(c)
	if len(b) > 0 || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	if l := r.log.wait(t, 3); len(l) != 3 {
		t.Errorf("%d log lines", len(l))
	}
}

// TestErrorAnswers replaces the standard pages.
func TestErrorAnswers(t *testing.T) {
	r := newRig(t, nil, func(s *setup) {
		s.cfg.Errors = map[int]*ErrorAnswer{
			503: {Raw: []byte("HTTP/1.0 503 Busy\r\nContent-Type: text/plain\r\n\r\ncome back later")},
			400: {},
			408: {Answer: rules(func(tx *txn.Txn) txn.Verdict {
				tx.Res.BuildResponse(418, "Slow")
				tx.ResBody = []byte("zzz")
				tx.HasRes, tx.Local = true, true
				return txn.Answer
			})},
		}
		s.front.Timeouts.HTTPRequest = 100 * time.Millisecond
		s.cfg.HTTPAfter = rules(func(tx *txn.Txn) txn.Verdict { tx.Res.AddString("x-after", "1"); return txn.Next })
	})
	for _, tt := range []struct{ req, want string }{
		{get, "HTTP/1.0 503 Busy\r\ncontent-type: text/plain\r\ncontent-length: 15\r\nx-after: 1\r\nconnection: keep-alive\r\n\r\ncome back later"},
		{"nonsense\r\n\r\n", ""},
		{"GET ", "HTTP/1.1 418 Slow\r\ncontent-length: 3\r\nx-after: 1\r\nconnection: close\r\n\r\nzzz"},
	} {
		if got, _ := r.ask(tt.req); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.req, got, tt.want)
		}
	}
}
