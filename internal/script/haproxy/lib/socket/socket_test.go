package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server listens and gives each connection to serve.
func server(t *testing.T, network, addr string, serve func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l
}

func echo(c net.Conn) { io.Copy(c, c) }

func connect(t *testing.T, address string, port int) *Socket {
	t.Helper()
	s := &Socket{}
	t.Cleanup(func() { s.Close() })
	if err := s.Connect(context.Background(), address, port); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReceive(t *testing.T) {
	ctx := context.Background()
	l := server(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
		io.WriteString(c, "one\r\n\ntw\ro\n12345rest\nof it")
	})
	s := connect(t, l.Addr().String(), 0)
	for _, want := range []string{"one", "", "tw\ro"} {
		if got, err := s.Line(ctx); err != nil || string(got) != want {
			t.Errorf("line %q, %v; want %q", got, err, want)
		}
	}
	if got, err := s.Bytes(ctx, 5); err != nil || string(got) != "12345" {
		t.Errorf("bytes %q, %v", got, err)
	}
	if got, err := s.All(ctx); err != nil || string(got) != "rest\nof it" {
		t.Errorf("all %q, %v", got, err)
	}
	if got, err := s.Line(ctx); err != ErrClosed || len(got) != 0 {
		t.Errorf("after the end: %q, %v", got, err)
	}
}

func TestPartial(t *testing.T) {
	ctx := context.Background()
	l := server(t, "tcp", "127.0.0.1:0", func(c net.Conn) { io.WriteString(c, "abc") })
	s := connect(t, l.Addr().String(), 0)
	if got, err := s.Bytes(ctx, 10); err != nil || string(got) != "abc" {
		t.Errorf("partial %q, %v", got, err)
	}
}

// TestEnd receives until there is nothing more, the way scripts do in a loop.
func TestEnd(t *testing.T) {
	ctx := context.Background()
	ways := map[string]func(*Socket) ([]byte, error){
		"line":  func(s *Socket) ([]byte, error) { return s.Line(ctx) },
		"bytes": func(s *Socket) ([]byte, error) { return s.Bytes(ctx, 4) },
		"all":   func(s *Socket) ([]byte, error) { return s.All(ctx) },
	}
	tests := []struct {
		way, sent string
		want      []string
	}{
		{"line", "a\nlast", []string{"a", "last"}},
		{"bytes", "abcdef", []string{"abcd", "ef"}},
		{"all", "a\nlast", []string{"a\nlast"}},
		{"line", "", nil},
		{"bytes", "", nil},
		{"all", "", nil},
	}
	for _, tt := range tests {
		l := server(t, "tcp", "127.0.0.1:0", func(c net.Conn) { io.WriteString(c, tt.sent) })
		s := connect(t, l.Addr().String(), 0)
		for _, want := range tt.want {
			if got, err := ways[tt.way](s); err != nil || string(got) != want {
				t.Errorf("%s of %q: %q, %v; want %q", tt.way, tt.sent, got, err, want)
			}
		}
		for range 2 {
			if got, err := ways[tt.way](s); err != ErrClosed || len(got) != 0 {
				t.Errorf("%s behind %q: %q, %v; want it to be closed", tt.way, tt.sent, got, err)
			}
		}
	}
}

// TestSilence receives from a server that answers and keeps the connection.
func TestSilence(t *testing.T) {
	ctx := context.Background()
	release := make(chan struct{})
	l := server(t, "tcp", "127.0.0.1:0", func(c net.Conn) { io.WriteString(c, "+PONG\r\n"); <-release })
	defer close(release)
	s := connect(t, l.Addr().String(), 0)
	s.SetTimeout(30 * time.Millisecond)
	if got, err := s.All(ctx); err != nil || string(got) != "+PONG\r\n" {
		t.Errorf("all: %q, %v", got, err)
	}
	if got, err := s.Bytes(ctx, 5); err != ErrTimeout || len(got) != 0 {
		t.Errorf("nothing more: %q, %v", got, err)
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	l := server(t, "tcp", "127.0.0.1:0", func(c net.Conn) { io.WriteString(c, "half"); <-release; io.WriteString(c, " a line\n") })
	s := connect(t, l.Addr().String(), 0)
	s.SetTimeout(30 * time.Millisecond)
	ctx := context.Background()
	got, err := s.Line(ctx)
	if err != ErrTimeout || string(got) != "half" {
		t.Fatalf("%q, %v; want the timeout with what came", got, err)
	}
	s.SetTimeout(0)
	close(release)
	if got, err := s.Line(ctx); err != nil || string(got) != " a line" {
		t.Errorf("after the timeout: %q, %v", got, err)
	}
}

func TestContextBreaksOff(t *testing.T) {
	hold := make(chan struct{})
	l := server(t, "tcp", "127.0.0.1:0", func(c net.Conn) { <-hold })
	defer close(hold)
	s := connect(t, l.Addr().String(), 0)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error)
	go func() { _, err := s.Line(ctx); result <- err }()
	cancel()
	if err := <-result; err != ErrClosed {
		t.Errorf("%v, want closed", err)
	}
}

func TestSend(t *testing.T) {
	l := server(t, "tcp", "127.0.0.1:0", echo)
	s := connect(t, "127.0.0.1", l.Addr().(*net.TCPAddr).Port)
	ctx := context.Background()
	if n, err := s.Send(ctx, []byte("hello\n")); n != 6 || err != nil {
		t.Fatalf("send %d, %v", n, err)
	}
	if got, err := s.Line(ctx); err != nil || string(got) != "hello" {
		t.Errorf("echo %q, %v", got, err)
	}
	peer, own, ok := s.Names()
	if !ok || peer != l.Addr().String() || !strings.HasPrefix(own, "127.0.0.1:") {
		t.Errorf("names %q %q %v", peer, own, ok)
	}
	s.Close()
	if _, err := s.Send(ctx, []byte("x")); err != ErrClosed {
		t.Errorf("send after close: %v", err)
	}
	if _, err := s.Line(ctx); err != ErrClosed {
		t.Errorf("receive after close: %v", err)
	}
	if err := s.Connect(ctx, l.Addr().String(), 0); err == nil || !strings.Contains(err.Error(), "used before") {
		t.Errorf("second connect: %v", err)
	}
}

func TestUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	server(t, "unix", path, echo)
	server(t, "unix", "@eddy-socket-test-"+filepath.Base(filepath.Dir(path)), echo)
	for _, address := range []string{path, "unix@" + path, "abns@eddy-socket-test-" + filepath.Base(filepath.Dir(path))} {
		s := connect(t, address, 0)
		s.Send(context.Background(), []byte("x\n"))
		if got, err := s.Line(context.Background()); err != nil || string(got) != "x" {
			t.Errorf("%s: %q, %v", address, got, err)
		}
		s.Close()
	}
}

func TestTarget(t *testing.T) {
	tests := []struct {
		address       string
		port          int
		network, addr string
	}{
		{"127.0.0.1", 25, "tcp", "127.0.0.1:25"},
		{"127.0.0.1:25", 0, "tcp", "127.0.0.1:25"},
		{"::1", 25, "tcp", "[::1]:25"},
		{"[::1]:25", 0, "tcp", "[::1]:25"},
		{"::1:25", 0, "tcp", "[::1]:25"},
		{"ipv4@10.0.0.1:1", 0, "tcp4", "10.0.0.1:1"},
		{"ipv6@::1", 2, "tcp6", "[::1]:2"},
		{"localhost", 0, "", ""},
		{"a:b", 0, "", ""},
		{"a:70000", 0, "", ""},
	}
	for _, tt := range tests {
		network, addr, err := target(tt.address, tt.port)
		if network != tt.network || addr != tt.addr || (err != nil) != (tt.network == "") {
			t.Errorf("%s %d: %q %q %v", tt.address, tt.port, network, addr, err)
		}
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s := &Socket{}
	if err := s.Connect(context.Background(), addr, 0); err == nil || !strings.Contains(err.Error(), "can't connect to "+addr) {
		t.Errorf("refused: %v", err)
	}
	if err := s.Connect(context.Background(), "fd@x", 0); err == nil {
		t.Error("fd@x was taken")
	}
	if errors.Is(err, ErrTimeout) {
		t.Error("a refusal is no timeout")
	}
}
