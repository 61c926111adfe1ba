package stream

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

// tcpMode makes the rig speak tcp.
func tcpMode(s *setup) {
	s.front.Mode, s.back.Mode = model.ModeTCP, model.ModeTCP
	s.cfg.LogFormat = format(func(tx *txn.Txn) string { return string(tx.Err[:]) })
}

// echo sends back what it gets, and closes its side after the client's.
func echo(c *net.TCPConn) {
	_, _ = io.Copy(c, c)
	_ = c.CloseWrite()
}

// TestUpgrade turns connections into tunnels.
func TestUpgrade(t *testing.T) {
	for _, tt := range []struct{ name, req, answer, want string }{
		{"101", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n",
			"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n",
			"HTTP/1.1 101 Switching\r\nconnection: Upgrade\r\nupgrade: foo\r\n\r\n"},
		{"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := scripted(t, func(c *net.TCPConn) {
				readHead(c)
				_, _ = io.WriteString(c, tt.answer+"hello ")
				echo(c)
			})
			r := newRig(t, []string{srv})
			c := r.dial()
			_, _ = io.WriteString(c, tt.req+"early ")
			if got := readHead(c); got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			_, _ = io.WriteString(c, "late")
			_ = c.CloseWrite()
			if b, err := io.ReadAll(c); string(b) != "hello early late" || err != nil {
				t.Errorf("got %q, %v", b, err)
			}
			if l := r.log.wait(t, 1); l[0] != "--" {
				t.Errorf("logged %q", l[0])
			}
		})
	}
}

// TestUpgradeRefused goes on with the connection when the server does not switch.
func TestUpgradeRefused(t *testing.T) {
	rec := record(t, ok, false)
	r := newRig(t, []string{rec.addr})
	c := r.dial()
	for range 2 {
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nConnection: upgrade, keep-alive\r\nUpgrade: foo\r\n\r\n")
		if got, closed := readQuiet(c); got != okOut || closed {
			t.Errorf("got %q (closed %v)", got, closed)
		}
		if got, want := <-rec.got, "GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n"; got != want {
			t.Errorf("the server got %q, want %q", got, want)
		}
	}
}

// TestTCP carries small messages and bulk, and half-closed connections.
func TestTCP(t *testing.T) {
	r := newRig(t, []string{scripted(t, echo)}, tcpMode)
	t.Run("messages", func(t *testing.T) {
		c := r.dial()
		for range 100 {
			_, _ = io.WriteString(c, "ping")
			b := make([]byte, 4)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "ping" {
				t.Fatalf("got %q, %v", b, err)
			}
		}
	})
	t.Run("bulk", func(t *testing.T) {
		c := r.dial()
		data := bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16)
		go func() {
			_, _ = c.Write(data)
			_ = c.CloseWrite()
		}()
		b, err := io.ReadAll(c)
		if err != nil || sum(b) != sum(data) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
	eventually(t, func() bool { return r.front.Proxy.Front.BytesOut.Load() >= 4<<20 })
	for _, l := range r.log.wait(t, 1) {
		if l != "--" {
			t.Errorf("logged %q", l)
		}
	}
}

// TestTCPTimeouts ends tunnels in which nothing moves.
func TestTCPTimeouts(t *testing.T) {
	const long, short = 10 * time.Second, 150 * time.Millisecond
	tests := []struct {
		name   string
		change func(*setup)
		client func(c *net.TCPConn)
		server func(c *net.TCPConn)
		log    string
	}{
		{"client", func(s *setup) { s.front.Timeouts.Client, s.back.Timeouts.Server = short, long }, nil, echo, "cD"},
		{"server", func(s *setup) { s.front.Timeouts.Client, s.back.Timeouts.Server = long, short }, nil, echo, "sD"},
		{"tunnel", func(s *setup) {
			s.front.Timeouts.Client, s.back.Timeouts.Server, s.back.Timeouts.Tunnel = long, long, short
		}, func(c *net.TCPConn) { _, _ = io.WriteString(c, "x") }, echo, "?D"},
		{"client-fin", func(s *setup) {
			s.front.Timeouts.Client, s.back.Timeouts.Server, s.front.Timeouts.ClientFin = long, long, short
		}, func(c *net.TCPConn) { _ = c.CloseWrite() }, func(c *net.TCPConn) {
			_, _ = io.Copy(io.Discard, c)
			buf := make([]byte, 1)
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			_, _ = c.Read(buf)
			time.Sleep(300 * time.Millisecond)
		}, "cD"},
		{"server-fin", func(s *setup) {
			s.front.Timeouts.Client, s.back.Timeouts.Server, s.back.Timeouts.ServerFin = long, long, short
		}, nil, func(c *net.TCPConn) { _ = c.CloseWrite(); _, _ = io.Copy(io.Discard, c) }, "sD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, []string{scripted(t, tt.server)}, tcpMode, tt.change)
			c := r.dial()
			if tt.client != nil {
				tt.client(c)
			}
			if l := r.log.wait(t, 1); l[0] != tt.log && (tt.log[0] != '?' || l[0][1] != tt.log[1]) {
				t.Errorf("logged %q, want %q", l[0], tt.log)
			}
		})
	}
}

// TestTCPActivity keeps a tunnel open while bytes move in one direction only.
func TestTCPActivity(t *testing.T) {
	srv := scripted(t, func(c *net.TCPConn) {
		for range 10 {
			time.Sleep(60 * time.Millisecond)
			_, _ = io.WriteString(c, "x")
		}
	})
	r := newRig(t, []string{srv}, tcpMode, func(s *setup) { s.front.Timeouts.Client = 200 * time.Millisecond })
	b, err := io.ReadAll(r.dial())
	if string(b) != "xxxxxxxxxx" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
}

// TestTCPRules looks into bytes before a server is chosen.
func TestTCPRules(t *testing.T) {
	inspect := rules(func(tx *txn.Txn) txn.Verdict {
		b, done := tx.Control.Payload(txn.Req)
		switch {
		case strings.HasPrefix(string(b), "yes"):
			return txn.Accept
		case len(b) >= 3 || done || tx.InspectOver:
			return txn.Reject
		}
		tx.Undecided = true
		return txn.Wait
	})
	res := rules(func(tx *txn.Txn) txn.Verdict {
		b, _ := tx.Control.Payload(txn.Res)
		switch {
		case strings.HasPrefix(string(b), "yes bad"):
			return txn.Reject
		case len(b) > 0 || tx.InspectOver:
			return txn.Next
		}
		return txn.Wait
	})
	r := newRig(t, []string{scripted(t, echo)}, tcpMode, func(s *setup) {
		s.cfg.TCPContent = inspect
		s.front.TCPInspect = 200 * time.Millisecond
		s.bcfg.TCPRes = res
		s.back.TCPRespInspect = time.Second
	})
	for _, tt := range []struct {
		send []string
		want string
	}{
		{[]string{"yes sir"}, "yes sir"},
		{[]string{"y", "e", "s", " sir"}, "yes sir"},
		{[]string{"no!"}, ""},
		{[]string{"n"}, ""},
		{[]string{"yes bad"}, ""},
	} {
		c := r.dial()
		for _, p := range tt.send {
			_, _ = io.WriteString(c, p)
			time.Sleep(10 * time.Millisecond)
		}
		_ = c.CloseWrite()
		if b, _ := io.ReadAll(c); string(b) != tt.want {
			t.Errorf("%q: got %q, want %q", tt.send, b, tt.want)
		}
	}
}

// TestServerSpeaksFirst needs no byte of the client's.
func TestServerSpeaksFirst(t *testing.T) {
	srv := scripted(t, func(c *net.TCPConn) {
		_, _ = io.WriteString(c, "220 hello\r\n")
		echo(c)
	})
	r := newRig(t, []string{srv}, tcpMode)
	c := r.dial()
	b := make([]byte, 11)
	if _, err := io.ReadFull(c, b); string(b) != "220 hello\r\n" {
		t.Errorf("got %q, %v", b, err)
	}
}

// TestSendProxy tells servers who the client is.
func TestSendProxy(t *testing.T) {
	for _, mode := range []model.Mode{model.ModeTCP, model.ModeHTTP} {
		heads := make(chan string, 4)
		srv := scripted(t, func(c *net.TCPConn) {
			buf := make([]byte, 4096)
			n, _ := c.Read(buf)
			heads <- string(buf[:n])
			_, _ = io.WriteString(c, ok)
		})
		r := newRig(t, []string{srv}, tcpMode, func(s *setup) {
			s.front.Mode, s.back.Mode = mode, mode
			s.back.Servers[0].SendProxy = 1
		})
		c := r.dial()
		_, _ = io.WriteString(c, get)
		local, remote := c.LocalAddr().(*net.TCPAddr), c.RemoteAddr().(*net.TCPAddr)
		want := "PROXY TCP4 127.0.0.1 127.0.0.1 " + itoa(local.Port) + " " + itoa(remote.Port) + "\r\n"
		if got := <-heads; !strings.HasPrefix(got, want) {
			t.Errorf("mode %d: got %q, want %q", mode, got, want)
		}
	}
}
