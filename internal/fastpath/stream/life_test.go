package stream

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestGracefulStop lets the request that runs end, tells the client so, and closes idle connections. A connection that came a
// moment before is served, too.
func TestGracefulStop(t *testing.T) {
	release := make(chan struct{})
	srv := web(t, func(w http.ResponseWriter, r *http.Request) { <-release; fmt.Fprint(w, "done") })
	r := newRig(t, []string{srv})
	idleConn, silent, active, late := r.dial(), r.dial(), r.dial(), r.dial()
	_, _ = io.WriteString(active, get)
	eventually(t, func() bool { return r.back.Proxy.Servers[0].Conns.Load() == 1 })
	go func() { _, _ = io.WriteString(idleConn, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n") }()
	eventually(t, func() bool { return r.back.Proxy.Servers[0].Conns.Load() == 2 })
	r.front.Stop()
	r.front.Stop()
	_, _ = io.WriteString(late, get)
	eventually(t, func() bool { return r.back.Proxy.Servers[0].Conns.Load() == 3 })
	if b, err := io.ReadAll(silent); len(b) > 0 || err != nil {
		t.Errorf("a connection without a request got %q, %v", b, err)
	}
	eventually(t, func() bool { return r.front.Clients() == 3 })
	close(release)
	for _, c := range []net.Conn{active, idleConn, late} {
		b, err := io.ReadAll(c)
		if !strings.HasPrefix(string(b), "HTTP/1.1 200 ") || !strings.Contains(string(b), "connection: close\r\n") || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if !r.front.Drain(ctx) {
		t.Error("connections are left")
	}
}

// TestRest serves requests on a connection that has rested, and closes one that rests when its time is over, at the
// graceful stop, and at the hard one.
func TestRest(t *testing.T) {
	for _, parked := range []bool{true, false} {
		t.Run(fmt.Sprintf("parked %v", parked), func(t *testing.T) {
			build := func(keepAlive time.Duration) *rig {
				return newRig(t, nil, func(s *setup) {
					s.cfg.HTTPReq = redirect("/ok")
					s.front.Timeouts.HTTPKeepAlive = keepAlive
					if !parked {
						s.cfg.Parking = nil
					}
				})
			}
			rested := func(r *rig) *net.TCPConn {
				c := r.dial()
				_, _ = io.WriteString(c, get)
				if got := readHead(c); got != redirected {
					t.Fatalf("got %q", got)
				}
				if parked {
					n := r.front.Parking.Count()
					eventually(t, func() bool { return r.front.Parking.Count() > n || n > 0 })
				} else {
					time.Sleep(2 * restAfter)
				}
				return c
			}
			closed := func(when string, c *net.TCPConn) {
				if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
					t.Errorf("%s: got %q, %v", when, b, err)
				}
			}
			r := build(time.Minute)
			c := rested(r)
			for range 3 {
				_, _ = io.WriteString(c, get+get)
				if got := readHead(c) + readHead(c); got != redirected+redirected {
					t.Fatalf("got %q", got)
				}
				time.Sleep(2 * restAfter)
			}
			r = build(restWorth)
			closed("when its time is over", rested(r))
			r = build(time.Minute)
			c = rested(r)
			r.front.Stop()
			closed("at the stop", c)
			r = build(time.Minute)
			c = rested(r)
			r.front.Kill()
			closed("at the hard stop", c)
			eventually(t, func() bool { return r.front.Clients() == 0 })
		})
	}
}

// TestStart tells when the connection is closed, and tells rules the addresses it was given.
func TestStart(t *testing.T) {
	r := newRig(t, nil, func(s *setup) {
		s.cfg.HTTPReq = rules(func(tx *txn.Txn) txn.Verdict { return build(tx, 200, tx.Conn.Src.String()) })
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	src, dst := netip.MustParseAddrPort("192.0.2.1:7"), netip.MustParseAddrPort("192.0.2.2:80")
	for _, tt := range []struct {
		src, dst netip.AddrPort
		want     string
	}{
		{src, dst, "192.0.2.1:7"},
		{netip.AddrPort{}, netip.AddrPort{}, "127.0.0.1:"},
	} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		peer, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan struct{})
		r.front.Start(peer, nil, tt.src, tt.dst, func() { close(served) })
		for range 2 {
			_, _ = io.WriteString(c, get)
			if got, _ := readQuiet(c); !strings.Contains(got, "\r\n\r\n"+tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			time.Sleep(2 * restAfter)
		}
		_ = c.Close()
		<-served
	}
}

// TestKill ends connections in all states at once.
func TestKill(t *testing.T) {
	srv := scripted(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	states := map[string]struct {
		req    string
		change func(*setup)
		ready  func(r *rig) bool
	}{
		"idle":         {"", nil, func(r *rig) bool { return r.front.Clients() == 1 }},
		"half a head":  {"GET / HT", nil, func(r *rig) bool { return r.front.Clients() == 1 }},
		"at a server":  {get, nil, func(r *rig) bool { return r.back.Proxy.Servers[0].Conns.Load() == 1 }},
		"uploading":    {"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\nabc", nil, func(r *rig) bool { return r.back.Proxy.Servers[0].Conns.Load() == 1 }},
		"tcp":          {"abc", tcpMode, func(r *rig) bool { return r.back.Proxy.Servers[0].Conns.Load() == 1 }},
		"in the queue": {get, func(s *setup) { s.back.Servers[0].MaxConn = 1 }, func(r *rig) bool { return r.back.Proxy.Queue.Load() == 1 }},
		"tarpitted": {get, func(s *setup) {
			s.front.Timeouts.Tarpit = time.Minute
			s.cfg.HTTPReq = rules(func(tx *txn.Txn) txn.Verdict { tx.Tarpit = true; return txn.Deny })
		}, func(r *rig) bool { return r.front.Proxy.Front.Denied.Load() == 1 }},
	}
	for name, tt := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := tt.change
			if change == nil {
				change = func(*setup) {}
			}
			r := newRig(t, []string{srv}, change)
			if name == "in the queue" {
				first := r.dial()
				_, _ = io.WriteString(first, get)
				eventually(t, func() bool { return r.back.Proxy.Servers[0].Conns.Load() == 1 })
			}
			c := r.dial()
			_, _ = io.WriteString(c, tt.req)
			eventually(t, func() bool { return tt.ready(r) })
			r.front.Kill()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if !r.front.Drain(ctx) {
				t.Error("it goes on")
			}
		})
	}
}

// TestDescriptors leaves no descriptor behind, whatever happened.
func TestDescriptors(t *testing.T) {
	count := func() int {
		d, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(d)
	}
	t.Run("warm", func(t *testing.T) { newRig(t, nil).ask(get) })
	before := count()
	t.Run("work", func(t *testing.T) {
		srv := web(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
		tcp := newRig(t, []string{scripted(t, echo)}, tcpMode)
		r := newRig(t, []string{srv}, func(s *setup) { s.front.Timeouts.Client = 300 * time.Millisecond })
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				r.ask(get)
				r.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\nabc")
				c := tcp.dial()
				go func() { _, _ = c.Write(make([]byte, 300000)); _ = c.CloseWrite() }()
				if i%2 == 0 {
					_, _ = io.CopyN(io.Discard, c, 1000)
				} else {
					_, _ = io.Copy(io.Discard, c)
				}
				_ = c.Close()
			})
		}
		wg.Wait()
	})
	eventually(t, func() bool { return count() <= before })
}

// TestReuse tells how many server connections requests take, by reuse mode.
func TestReuse(t *testing.T) {
	tests := []struct {
		name  string
		mode  model.Reuse
		other func(*setup)
		want  int64 // connections for two clients, one after the other, with three requests each
	}{
		{"safe", model.ReuseSafe, nil, 2},
		{"never", model.ReuseNever, nil, 2},
		{"aggressive", model.ReuseAggressive, nil, 1},
		{"always", model.ReuseAlways, nil, 1},
		{"server-close", model.ReuseAlways, func(s *setup) { s.back.Options.HTTPServerClose = true }, 6},
		{"no pool", model.ReuseAlways, func(s *setup) { s.back.Servers[0].PoolPurge = 0 }, 6},
		{"max-reuse 1", model.ReuseAlways, func(s *setup) { s.back.Servers[0].MaxReuse = 1 }, 3},
		{"send-proxy", model.ReuseAlways, func(s *setup) { s.back.Servers[0].SendProxy = 1 }, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := scripted(t, func(c *net.TCPConn) {
				for req := readHead(c); req != ""; req = readHead(c) {
					_, _ = io.WriteString(c, ok)
					if strings.Contains(req, "connection: close") {
						return
					}
				}
			})
			if tt.name == "send-proxy" {
				srv = scripted(t, func(c *net.TCPConn) {
					one := make([]byte, 1)
					for one[0] != '\n' {
						if _, err := c.Read(one); err != nil {
							return
						}
					}
					for readHead(c) != "" {
						_, _ = io.WriteString(c, ok)
					}
				})
			}
			r := newRig(t, []string{srv}, func(s *setup) {
				s.back.HTTPReuse = tt.mode
				if tt.other != nil {
					tt.other(s)
				}
			})
			for range 2 {
				c := r.dial()
				for range 3 {
					_, _ = io.WriteString(c, get)
					if got := readHead(c); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
						t.Fatalf("got %q", got)
					}
					_, _ = io.CopyN(io.Discard, c, 2)
				}
				_ = c.Close()
				eventually(t, func() bool { return r.front.Clients() == 0 })
			}
			if n := r.back.Proxy.Servers[0].ConnsTot.Load(); n != tt.want {
				t.Errorf("%d server connections, want %d", n, tt.want)
			}
		})
	}
}

// TestAuthenticatedConnection is not shared once its server authenticates it.
func TestAuthenticatedConnection(t *testing.T) {
	srv := scripted(t, func(c *net.TCPConn) {
		for readHead(c) != "" {
			_, _ = io.WriteString(c, "HTTP/1.1 401 Who\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n")
		}
	})
	r := newRig(t, []string{srv}, func(s *setup) { s.back.HTTPReuse = model.ReuseAlways })
	a, b := r.dial(), r.dial()
	for range 2 {
		for _, c := range []net.Conn{a, b} {
			_, _ = io.WriteString(c, get)
			readHead(c)
		}
	}
	if n := r.back.Proxy.Servers[0].ConnsTot.Load(); n != 2 {
		t.Errorf("%d server connections for two clients, want 2", n)
	}
}

// TestDeadIdle has the server close connections while they are idle, or at the next request.
func TestDeadIdle(t *testing.T) {
	t.Run("while idle", func(t *testing.T) {
		rec := record(t, ok, true)
		r := newRig(t, []string{rec.addr}, func(s *setup) { s.back.HTTPReuse = model.ReuseAlways })
		for _, req := range []string{get, get, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", get} {
			if got, _ := r.ask(req); got != okOut {
				t.Errorf("got %q", got)
			}
			<-rec.got
		}
	})
	for _, tt := range []struct{ method, want string }{{"GET", "HTTP/1.1 200 "}, {"POST", ""}} {
		t.Run("at the second request, "+tt.method, func(t *testing.T) {
			srv := scripted(t, func(c *net.TCPConn) {
				readHead(c)
				_, _ = io.WriteString(c, ok)
				readHead(c)
			})
			r := newRig(t, []string{srv})
			c := r.dial()
			_, _ = io.WriteString(c, get)
			readHead(c)
			_, _ = io.CopyN(io.Discard, c, 2)
			_, _ = io.WriteString(c, tt.method+" / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
			// Of a request that may not be repeated nobody knows whether it was done: the client's connection closes.
			if got, closed := readQuiet(c); !strings.HasPrefix(got, tt.want) || closed != (tt.want == "") || tt.want == "" && got != "" {
				t.Errorf("got %q (closed %v)", got, closed)
			}
		})
	}
}

// TestStaleAnswer has the server send something on a connection that is idle: it must not become the answer to the next
// request.
func TestStaleAnswer(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		stale := make(chan struct{})
		var first atomic.Bool
		srv := scripted(t, func(c *net.TCPConn) {
			readHead(c)
			_, _ = io.WriteString(c, ok)
			if first.CompareAndSwap(false, true) {
				time.Sleep(20 * time.Millisecond) // so that the connection is idle by then
				_, _ = io.WriteString(c, "HTTP/1.1 408 Too Late\r\nContent-Length: 0\r\n\r\n")
				close(stale)
			}
			_, _ = io.Copy(io.Discard, c)
		})
		r := newRig(t, []string{srv})
		c := r.dial()
		_, _ = io.WriteString(c, get)
		readHead(c)
		_, _ = io.CopyN(io.Discard, c, 2)
		<-stale
		_, _ = io.WriteString(c, method+" / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		if got, _ := readQuiet(c); got != okOut {
			t.Errorf("%s: got %q", method, got)
		}
	}
}

// TestQueue has more requests than the server takes at a time.
func TestQueue(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
	})
	r := newRig(t, []string{srv}, func(s *setup) { s.back.Servers[0].MaxConn = 2 })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got, _ := r.ask(get); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
				t.Errorf("got %q", got)
			}
		})
	}
	wg.Wait()
	if most != 2 {
		t.Errorf("%d requests at a time, want 2", most)
	}
	if n := r.back.Proxy.Queue.Load() + r.back.Proxy.Servers[0].Conns.Load(); n != 0 {
		t.Errorf("%d streams are still counted", n)
	}
}

// TestQueueTimeout gives up after timeout queue.
func TestQueueTimeout(t *testing.T) {
	srv := scripted(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	r := newRig(t, []string{srv}, func(s *setup) {
		s.back.Servers[0].MaxConn = 1
		s.back.Timeouts.Queue = 100 * time.Millisecond
	})
	first := r.dial()
	_, _ = io.WriteString(first, get)
	eventually(t, func() bool { return r.back.Proxy.Servers[0].Conns.Load() == 1 })
	if got, _ := r.ask(get); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("got %q", got)
	}
	if l := r.log.wait(t, 1); l[0] != "sQ" {
		t.Errorf("logged %q", l[0])
	}
}

// TestAbortOnClose gives up what waits for a client that left.
func TestAbortOnClose(t *testing.T) {
	srv := scripted(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	r := newRig(t, []string{srv}, func(s *setup) {
		s.back.Servers[0].MaxConn = 1
		s.back.Options.AbortOnClose = true
	})
	first, second := r.dial(), r.dial()
	_, _ = io.WriteString(first, get)
	eventually(t, func() bool { return r.back.Proxy.Servers[0].Conns.Load() == 1 })
	_, _ = io.WriteString(second, get)
	eventually(t, func() bool { return r.back.Proxy.Queue.Load() == 1 })
	_ = second.Close()
	if l := r.log.wait(t, 1); l[0] != "CQ" {
		t.Errorf("logged %q", l[0])
	}
	_ = first.Close() // the server sees the end of the stream and closes: no answer
	if l := r.log.wait(t, 2); l[1] != "SH" {
		t.Errorf("logged %q", l[1])
	}
}

// TestUnixServer reaches a server by its path.
func TestUnixServer(t *testing.T) {
	path := t.TempDir() + "/s"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "unix") })}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	r := newRig(t, []string{path})
	if got, _ := r.ask(get); !strings.HasSuffix(got, "unix") {
		t.Errorf("got %q", got)
	}
}
