package listener

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eventually waits for a condition; the time is only there to fail.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not happen: %s", what)
		}
	}
}

// greeter tells each client who it is thought to be, and holds it until it sends a line or goes.
type greeter struct{ served atomic.Int64 }

func (g *greeter) Start(c net.Conn, l *proxy.Listener, src, dst netip.AddrPort, over func()) {
	who := "socket"
	if src.IsValid() {
		who = src.String() + " " + dst.String()
	}
	go func() {
		defer over()
		g.greet(c, l, who)
	}()
}

func (g *greeter) greet(c net.Conn, l *proxy.Listener, who string) {
	defer c.Close()
	g.served.Add(1)
	fmt.Fprintf(c, "%s %s\n", l.Name, who)
	_, _ = bufio.NewReader(c).ReadString('\n')
}

func tcpBind() *model.Bind {
	return &model.Bind{Pos: diag.Pos{File: "x.cfg", Line: 3, Col: 8}, Addr: model.Address{Host: "127.0.0.1"}, UID: -1, GID: -1}
}

// start opens and runs a listener until the test ends.
func start(t *testing.T, b *model.Bind, o Options) (*Listener, *greeter) {
	t.Helper()
	g := new(greeter)
	o.Listener, o.Handler = &proxy.Listener{Model: b, Name: "l"}, g
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); l.Run() }()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return l, g
}

// client is a connection to a listener.
type client struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, l *Listener) client {
	t.Helper()
	c, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return client{c, bufio.NewReader(c)}
}

// line reads what the handler says; "" at the end of the connection.
func (c client) line(t *testing.T) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	s, err := c.r.ReadString('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("no answer")
	}
	return strings.TrimSuffix(s, "\n")
}

func TestServe(t *testing.T) {
	l, _ := start(t, tcpBind(), Options{})
	if got := dial(t, l).line(t); got != "l socket" {
		t.Errorf("got %q", got)
	}
}

func TestAcceptProxy(t *testing.T) {
	b := tcpBind()
	b.AcceptProxy = true
	var mu sync.Mutex
	var reports []string
	l, _ := start(t, b, Options{HeaderTimeout: time.Hour, Report: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, err.Error())
	}})
	tests := []struct{ send, want string }{
		{"PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\r\n", "l 192.0.2.1:4321 192.0.2.2:80"},
		{"PROXY UNKNOWN\r\n", "l socket"},
		{"GET / HTTP/1.1\r\n", ""},
	}
	for _, tt := range tests {
		c := dial(t, l)
		_, _ = io.WriteString(c, tt.send)
		if got := c.line(t); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.send, got, tt.want)
		}
	}
	eventually(t, "the bad header is reported", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(reports) == 1 && strings.Contains(reports[0], "no PROXY protocol header")
	})
	if n := l.opts.Listener.ErrConn.Load(); n != 1 {
		t.Errorf("%d connection errors counted", n)
	}
}

func TestHeaderTimeout(t *testing.T) {
	b := tcpBind()
	b.AcceptProxy = true
	l, g := start(t, b, Options{HeaderTimeout: time.Millisecond})
	if got := dial(t, l).line(t); got != "" || g.served.Load() != 0 {
		t.Errorf("got %q, served %d", got, g.served.Load())
	}
}

// TestCloseEndsHeaders: Close does not wait for clients that owe their header.
func TestCloseEndsHeaders(t *testing.T) {
	b := tcpBind()
	b.AcceptProxy = true
	l, _ := start(t, b, Options{HeaderTimeout: time.Hour})
	c := dial(t, l)
	eventually(t, "the connection is accepted", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.early) == 1
	})
	l.Close()
	if got := c.line(t); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestMaxConn(t *testing.T) {
	process, front := NewLimit(0), NewLimit(5)
	b := tcpBind()
	b.MaxConn = 2
	l, g := start(t, b, Options{Limits: []*Limit{front, nil, process}})
	one, two, three := dial(t, l), dial(t, l), dial(t, l)
	one.line(t)
	two.line(t)
	own := l.limits[0]
	eventually(t, "the third waits", func() bool { return own.waiting.Load() == 1 })
	if g.served.Load() != 2 || front.Used() != 2 || process.Used() != 2 {
		t.Errorf("served %d, front %d, process %d", g.served.Load(), front.Used(), process.Used())
	}
	one.Close()
	three.line(t)
	two.Close()
	three.Close()
	eventually(t, "all slots are free", func() bool { return own.Used()+front.Used()+process.Used() == 0 })
}

// TestSharedLimit: a listener that waits for clients takes nothing from the others.
func TestSharedLimit(t *testing.T) {
	process := NewLimit(1)
	a, _ := start(t, tcpBind(), Options{Limits: []*Limit{process}})
	b, _ := start(t, tcpBind(), Options{Limits: []*Limit{process}})
	c := dial(t, b)
	if got := c.line(t); got != "l socket" {
		t.Errorf("got %q", got)
	}
	d := dial(t, a)
	eventually(t, "the second waits", func() bool { return process.waiting.Load() == 1 })
	process.SetMax(2)
	if got := d.line(t); got != "l socket" {
		t.Errorf("after the limit was raised: got %q", got)
	}
}

func TestStop(t *testing.T) {
	b := tcpBind()
	b.MaxConn = 1
	l, g := start(t, b, Options{})
	c, held := dial(t, l), dial(t, l)
	c.line(t)
	eventually(t, "the second waits", func() bool { return l.limits[0].waiting.Load() == 1 })
	l.Stop()
	l.Stop()
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("it still listens")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if l.Drain(over) || g.served.Load() != 1 {
		t.Errorf("drained, or served %d", g.served.Load())
	}
	if _, err := io.WriteString(c, "go on\n"); err != nil {
		t.Errorf("the accepted connection: %v", err)
	}
	if got := held.line(t); got != "l socket" {
		t.Errorf("the connection held back got %q", got)
	}
	held.Close()
	if !l.Drain(t.Context()) {
		t.Error("not drained")
	}
}

// TestCloseHeldBack: Close does not wait for a slot.
func TestCloseHeldBack(t *testing.T) {
	b := tcpBind()
	b.MaxConn = 1
	l, g := start(t, b, Options{})
	c, held := dial(t, l), dial(t, l)
	c.line(t)
	eventually(t, "the second waits", func() bool { return l.limits[0].waiting.Load() == 1 })
	l.Close()
	if got := held.line(t); got != "" || g.served.Load() != 1 {
		t.Errorf("the connection held back got %q, served %d", got, g.served.Load())
	}
}

// TestStopBeforeRun: a listener that never ran leaves nothing behind.
func TestStopBeforeRun(t *testing.T) {
	l, err := Open(Options{Listener: &proxy.Listener{Model: tcpBind()}, Handler: new(greeter)})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	l.Run()
}

func TestLimitUnderLoad(t *testing.T) {
	lim := NewLimit(3)
	stop := make(chan struct{})
	var now, most atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				if !lim.Acquire(stop) {
					t.Error("stopped")
					return
				}
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				now.Add(-1)
				lim.Release()
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 || lim.Used() != 0 || lim.Max() != 3 {
		t.Errorf("at most %d at a time, %d left", most.Load(), lim.Used())
	}
	for range 3 {
		lim.Acquire(stop)
	}
	close(stop)
	if lim.Acquire(stop) {
		t.Error("a slot too many")
	}
	var none *Limit
	if !none.Acquire(nil) {
		t.Error("no limit refused")
	}
	none.Release()
}

// failing is a socket that refuses some times.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return nil, net.ErrClosed
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

// TestAcceptErrors: trouble is reported once, and accepting goes on.
func TestAcceptErrors(t *testing.T) {
	l, err := Open(Options{Listener: &proxy.Listener{Model: tcpBind()}, Handler: new(greeter)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var reports []string
	l.opts.Report = func(err error) { reports = append(reports, err.Error()) }
	inner := l.sock.Listener
	defer inner.Close()
	l.sock = &socket{Listener: &failing{inner, []error{syscall.ECONNABORTED, syscall.EMFILE, syscall.EMFILE, syscall.ECONNABORTED}}}
	l.Run()
	want := "cannot accept connections on 127.0.0.1:0: too many open files; raise the limit on open files (ulimit -n), or lower maxconn in the global section"
	if len(reports) != 1 || reports[0] != want {
		t.Errorf("got %q, want %q", reports, want)
	}
}

func TestBindErrors(t *testing.T) {
	taken, _ := start(t, tcpBind(), Options{})
	port := taken.Addr().(*net.TCPAddr).Port
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		edit func(b *model.Bind)
		want string
	}{
		{"in use", func(b *model.Bind) { b.Addr.Port = port },
			fmt.Sprintf("x.cfg:3:8: cannot bind 127.0.0.1:%d: address already in use; another process listens there", port)},
		{"in use, any address", func(b *model.Bind) { b.Addr.Port, b.Addr.Host = port, "" },
			fmt.Sprintf("x.cfg:3:8: cannot bind *:%d: address already in use; ", port)},
		{"not ours", func(b *model.Bind) { b.Addr.Host = "192.0.2.1" }, "x.cfg:3:8: cannot bind 192.0.2.1:0: cannot assign requested address; this machine has no such address"},
		{"file in the way", func(b *model.Bind) { b.Addr = model.Address{Kind: model.AddrUnix, Path: file, Text: "unix@" + file} },
			"x.cfg:3:8: cannot bind unix@" + file + ": the file exists and is not a socket; move the file away"},
		{"no folder", func(b *model.Bind) {
			b.Addr = model.Address{Kind: model.AddrUnix, Path: file + ".d/s", Text: "unix@" + file + ".d/s"}
		}, "no such file or directory; make the folder first"},
		{"no descriptor", func(b *model.Bind) { b.Addr = model.Address{Kind: model.AddrFD, FD: 1 << 20, Text: "fd@1048576"} },
			"cannot bind fd@1048576: bad file descriptor; the parent process must pass"},
		{"no interface", func(b *model.Bind) { b.Interface = "nosuchif0" }, "interface nosuchif0"},
		{"UDP", func(b *model.Bind) { b.Addr.Kind, b.Addr.Text = model.AddrUDP, "udp@:1" }, `connections cannot be accepted on "udp@:1"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := tcpBind()
			tt.edit(b)
			l, err := Open(Options{Listener: &proxy.Listener{Model: b}, Handler: new(greeter)})
			if err == nil {
				l.Close()
				t.Fatal("bound")
			}
			var be *BindError
			if !errors.As(err, &be) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the file in the way: %v", err)
	}
}
