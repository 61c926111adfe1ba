package stream

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"eddy/internal/fastpath/txn"
)

// client is an http.Client that goes through the rig.
func (r *rig) client() *http.Client {
	tr := &http.Transport{}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// TestBodies sends bodies of all sizes both ways, with a length and in chunks, over kept connections.
func TestBodies(t *testing.T) {
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		if r.URL.Query().Get("te") == "" {
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		}
		_, _ = w.Write(b[:len(b)/2])
		w.(http.Flusher).Flush()
		_, _ = w.Write(b[len(b)/2:])
	})
	r := newRig(t, []string{srv})
	cl := r.client()
	for _, size := range []int{0, 1, 1000, 2047, 2048, 5000, 15000, 16383, 16384, 16385, 40000, 1 << 20, 5 << 20} {
		data := bytes.Repeat([]byte("0123456789abcdef\n"), size/17+1)[:size]
		for _, chunkedUp := range []bool{false, true} {
			for _, down := range []string{"", "?te=1"} {
				var body io.Reader = bytes.NewReader(data)
				if chunkedUp {
					body = struct{ io.Reader }{body}
				}
				res, err := cl.Post("http://"+r.addr+"/"+down, "text/plain", body)
				if err != nil {
					t.Fatalf("%d bytes, chunked up %v, down %q: %v", size, chunkedUp, down, err)
				}
				got, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if err != nil || sum(got) != sum(data) || res.StatusCode != 200 {
					t.Fatalf("%d bytes, chunked up %v, down %q: status %d, %d bytes back, %v", size, chunkedUp, down, res.StatusCode, len(got), err)
				}
			}
		}
	}
	if n := r.front.Proxy.Front.ConnsTot.Load(); n != 1 {
		t.Errorf("%d client connections were used, want 1", n)
	}
}

func sum(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }

// TestPieces sends requests byte by byte, and several at a time.
func TestPieces(t *testing.T) {
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header()["Date"] = nil
		w.Header()["Content-Type"] = nil
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, b)
	})
	r := newRig(t, []string{srv})
	req := "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nX: y\r\n\r\n" +
		"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n" +
		"POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nwxyz"
	want := "POST /1 abcde|GET /2 |POST /3 wxyz|"
	for _, step := range []int{1, 2, 3, 7, 50, len(req)} {
		c := r.dial()
		go func() {
			for p := req; p != ""; {
				n := min(step, len(p))
				if _, err := io.WriteString(c, p[:n]); err != nil {
					return
				}
				p = p[n:]
			}
		}()
		in := bufio.NewReader(c)
		got := ""
		for range 3 {
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("step %d: %v after %q", step, err, got)
			}
			b, _ := io.ReadAll(res.Body)
			got += string(b) + "|"
		}
		if got != want {
			t.Errorf("step %d: got %q, want %q", step, got, want)
		}
		_ = c.Close()
	}
}

// TestBigHead sends heads around the size of the small and the full buffer.
func TestBigHead(t *testing.T) {
	srv := web(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, len(r.Header.Get("X"))) })
	r := newRig(t, []string{srv})
	for _, tt := range []struct {
		size int
		want string
	}{{1900, "200"}, {2048, "200"}, {2100, "200"}, {8000, "200"}, {14000, "200"}, {15400, "4"}, {17000, "4"}, {100000, "4"}} {
		got, _ := r.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: " + strings.Repeat("x", tt.size) + "\r\n\r\nabc")
		if !strings.HasPrefix(got, "HTTP/1.1 "+tt.want) {
			t.Errorf("a header of %d bytes: got %.60q, want %s", tt.size, got, tt.want)
		}
	}
}

// TestExpect100 withholds the body until the server asks for it.
func TestExpect100(t *testing.T) {
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "got %s", b)
	})
	r := newRig(t, []string{srv})
	c := r.dial()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	if got := readHead(c); got != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("got %q", got)
	}
	_, _ = io.WriteString(c, "abc")
	if got, closed := readQuiet(c); !strings.HasSuffix(got, "got abc") || closed {
		t.Errorf("got %q (closed %v)", got, closed)
	}
}

// TestLocalAnswerToBody answers without reading the body.
func TestLocalAnswerToBody(t *testing.T) {
	r := newRig(t, nil, func(s *setup) { s.cfg.HTTPReq = redirect("/ok") })
	for _, tt := range []struct {
		name, req string
		closed    bool
	}{
		{"whole body at hand", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", false},
		{"whole chunked body at hand", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false},
		{"body to come", "POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\nabc", true},
		{"body withheld", "POST / HTTP/1.1\r\nContent-Length: 30\r\nExpect: 100-continue\r\n\r\n", true},
	} {
		got, closed := r.ask(tt.req)
		if !strings.HasPrefix(got, "HTTP/1.1 302 Found\r\n") || strings.Contains(got, "connection: close") != tt.closed || closed != tt.closed {
			t.Errorf("%s: got %q (closed %v)", tt.name, got, closed)
		}
	}
}

// TestLingering keeps the answer readable for a client that is still sending when it is made.
func TestLingering(t *testing.T) {
	r := newRig(t, nil, func(s *setup) { s.cfg.HTTPReq = redirect("/ok") })
	c := r.dial()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n")
	head := readHead(c)
	for range 30 {
		if _, err := c.Write(make([]byte, 10000)); err != nil {
			t.Fatalf("the connection was torn down while the body was sent: %v", err)
		}
	}
	if !strings.HasPrefix(head, "HTTP/1.1 302 ") {
		t.Errorf("got %q", head)
	}
}

// TestEarlyAnswer has a server answer before it was sent the whole body.
func TestEarlyAnswer(t *testing.T) {
	t.Run("and close", func(t *testing.T) {
		srv := scripted(t, func(c *net.TCPConn) {
			readHead(c)
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
			_ = c.CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		})
		r := newRig(t, []string{srv})
		c := r.dial()
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc")
		got, closed := readQuiet(c)
		if !strings.HasPrefix(got, "HTTP/1.1 413 ") || !strings.HasSuffix(got, "no") || !closed {
			t.Errorf("got %q (closed %v)", got, closed)
		}
	})
	t.Run("and go on reading", func(t *testing.T) {
		srv := scripted(t, func(c *net.TCPConn) {
			for readHead(c) != "" {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
				if _, err := io.CopyN(io.Discard, c, 100000); err != nil {
					return
				}
			}
		})
		r := newRig(t, []string{srv})
		c := r.dial()
		for range 2 {
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc")
			if got := readHead(c); !strings.HasPrefix(got, "HTTP/1.1 200 ") || strings.Contains(got, "close") {
				t.Fatalf("got %q", got)
			}
			_, _ = io.CopyN(io.Discard, c, 2)
			_, _ = c.Write(make([]byte, 100000-3))
		}
	})
}

// TestBrokenUpload has clients break off or misbehave while their body is on its way.
func TestBrokenUpload(t *testing.T) {
	gone := make(chan string, 4)
	srv := scripted(t, func(c *net.TCPConn) {
		b, _ := io.ReadAll(c)
		gone <- string(b)
	})
	tests := []struct {
		name, rest, client, log string
		abort                   bool
	}{
		{"bad chunk", "zz\r\n", "HTTP/1.1 400 ", "PD", false},
		{"client closes", "", "", "CD", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, []string{srv})
			c := r.dial()
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
			time.Sleep(20 * time.Millisecond) // so that the request is on its way when the rest comes
			_, _ = io.WriteString(c, tt.rest)
			if tt.abort {
				_ = c.Close()
			} else if got, closed := readQuiet(c); !strings.HasPrefix(got, tt.client) || !closed {
				t.Errorf("got %q (closed %v)", got, closed)
			}
			if got := <-gone; !strings.HasSuffix(got, "3\r\nabc\r\n") {
				t.Errorf("the server got %q", got)
			}
			if l := r.log.wait(t, 1); l[0] != tt.log {
				t.Errorf("logged %q, want %q", l[0], tt.log)
			}
		})
	}
}

// TestWaitBody lets a rule wait for the body, which is then still forwarded.
func TestWaitBody(t *testing.T) {
	rec := record(t, ok, false)
	seen := make(chan string, 1)
	r := newRig(t, []string{rec.addr}, func(s *setup) {
		s.cfg.HTTPReq = rules(func(tx *txn.Txn) txn.Verdict {
			if _, err := tx.Control.WaitBody(txn.Req, 0, time.Second); err != nil {
				return txn.Abort
			}
			b, all := tx.Control.Body(txn.Req)
			seen <- fmt.Sprintf("%s %v", b, all)
			return txn.Next
		})
	})
	c := r.dial()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
	if got := readHead(c); got != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("got %q", got)
	}
	_, _ = io.WriteString(c, "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
	if got, _ := readQuiet(c); got != okOut {
		t.Errorf("got %q", got)
	}
	if got := <-seen; got != "abc true" {
		t.Errorf("the rule saw %q", got)
	}
	if got, want := <-rec.got, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"; got != want {
		t.Errorf("the server got %q, want %q", got, want)
	}
}

// TestBufferRequest holds slow bodies back, up to the size of the buffer.
func TestBufferRequest(t *testing.T) {
	srv := web(t, func(w http.ResponseWriter, r *http.Request) { n, _ := io.Copy(io.Discard, r.Body); fmt.Fprint(w, n) })
	r := newRig(t, []string{srv}, func(s *setup) {
		s.front.Options.HTTPBufferRequest = true
		s.front.Timeouts.HTTPRequest = 300 * time.Millisecond
	})
	if got, _ := r.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("x", 40000)); !strings.HasSuffix(got, "\r\n\r\n40000") {
		t.Errorf("got %q", got)
	}
	if got, closed := r.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\nabc"); !strings.HasPrefix(got, "HTTP/1.1 408 ") || !closed {
		t.Errorf("got %q (closed %v)", got, closed)
	}
}

// TestCutShort has servers end their answers too early: the client must be able to tell.
func TestCutShort(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n|zz\r\n",
	} {
		srv := scripted(t, func(c *net.TCPConn) {
			readHead(c)
			now, later, _ := strings.Cut(answer, "|")
			_, _ = io.WriteString(c, now)
			time.Sleep(30 * time.Millisecond) // so that the rest comes after the client has something
			_, _ = io.WriteString(c, later)
		})
		r := newRig(t, []string{srv})
		got, closed := r.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if !closed || strings.HasSuffix(got, "0\r\n\r\n") || !strings.Contains(got, "abc") {
			t.Errorf("%q: got %q (closed %v)", answer, got, closed)
		}
		if l := r.log.wait(t, 1); l[0] != "SD" {
			t.Errorf("%q: logged %q", answer, l[0])
		}
	}
}
