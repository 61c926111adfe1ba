package listener

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"

	"golang.org/x/sys/unix"
)

// share gives a listener's socket as a successor gets it.
func share(t *testing.T, l *Listener) *Inherited {
	t.Helper()
	s, ok := l.Share()
	if !ok {
		t.Fatal("not shared")
	}
	in := NewInherited([]Socket{s})
	t.Cleanup(in.Close)
	return in
}

// fixedBind is a bind line with the port that a listener has.
func fixedBind(t *testing.T) *model.Bind {
	t.Helper()
	b := tcpBind()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.Addr.Port = free.Addr().(*net.TCPAddr).Port
	free.Close()
	return b
}

// TestTakenSocket: a successor serves from the same queue; what waits there is not lost when the older one stops.
func TestTakenSocket(t *testing.T) {
	b := fixedBind(t)
	old, before := start(t, b, Options{})
	in := share(t, old)
	changed := *b
	changed.DeferAccept, changed.TFO, changed.TCPUserTO, changed.Backlog = true, true, 3*time.Second, 9
	g := new(greeter)
	next, err := Open(Options{Listener: &proxy.Listener{Model: &changed, Name: "l"}, Handler: g, Inherited: in})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { next.Close(); <-ended })
	if got := in.Taken(); len(got) != 1 {
		t.Errorf("taken: %q", got)
	}
	option := func(opt int) int {
		t.Helper()
		f, err := next.sock.duplicate()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		n := 0
		raw, err := f.SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, opt) })
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := option(unix.TCP_DEFER_ACCEPT); n != 0 {
		t.Errorf("changed before it serves: %d", n)
	}
	in.Close()
	old.Stop()
	waits := dial(t, next)
	if before.served.Load() != 0 {
		t.Error("served by the old one")
	}
	go func() { defer close(ended); next.Run() }()
	eventually(t, "its options are set", func() bool {
		return option(unix.TCP_DEFER_ACCEPT) == 1 && option(unix.TCP_FASTOPEN) == fastOpenQueue && option(unix.TCP_USER_TIMEOUT) == 3000
	})
	if got := waits.line(t); got != "l socket" {
		t.Errorf("what waited got %q", got)
	}
	if s, ok := old.Share(); ok {
		s.File.Close()
		t.Error("a closed socket is shared")
	}
}

// TestOtherOptions: a socket that cannot become what the bind line says is not used.
func TestOtherOptions(t *testing.T) {
	b := fixedBind(t)
	old, _ := start(t, b, Options{})
	for name, edit := range map[string]func(*model.Bind){
		"another address": func(b *model.Bind) { b.Addr.Host = "" },
		"any port":        func(b *model.Bind) { b.Addr.Port = 0 },
		"interface":       func(b *model.Bind) { b.Interface = "lo" },
		"transparent":     func(b *model.Bind) { b.Transparent = true },
		"IPv6":            func(b *model.Bind) { b.Addr.Host = "::1" },
	} {
		in := share(t, old)
		other := *b
		edit(&other)
		l, err := Open(Options{Listener: &proxy.Listener{Model: &other}, Handler: new(greeter), Inherited: in})
		if err == nil {
			l.Close()
		}
		if got := in.Taken(); len(got) > 0 {
			t.Errorf("%s: taken: %q", name, got)
		}
	}
	if _, ok := (&Listener{bind: tcpBind(), sock: &socket{}}).Share(); ok {
		t.Error("shared without a name")
	}
	var none *Inherited
	if l, err := none.Take("x"); l != nil || err != nil || none.Taken() != nil {
		t.Error("none has something")
	}
	none.Close()
}

// TestTakenPath: a socket with a file keeps it while somebody serves it.
func TestTakenPath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	b := unixBind("s")
	old, _ := start(t, b, Options{})
	in := share(t, old)
	full := unixBind(filepath.Join(dir, "s"))
	failed, err := Open(Options{Listener: &proxy.Listener{Model: full}, Handler: new(greeter), Inherited: in})
	if err != nil {
		t.Fatal(err)
	}
	failed.Close()
	next, after := start(t, full, Options{Inherited: in})
	eventually(t, "the new one serves", func() bool { return !next.sock.keepFile.Load() })
	old.Taken("another")
	old.Taken(in.Taken()[0])
	old.Stop()
	if got := reach(t, "unix", "s"); got != "l socket" || after.served.Load() != 1 {
		t.Errorf("got %q", got)
	}
	next.Stop()
	if _, err := os.Lstat("s"); !os.IsNotExist(err) {
		t.Errorf("after the last Stop: %v", err)
	}
}

// TestLostPath: a socket whose file is gone, or is another's, is of no use.
func TestLostPath(t *testing.T) {
	b := unixBind(filepath.Join(t.TempDir(), "s"))
	old, before := start(t, b, Options{})
	in := share(t, old)
	if err := os.Remove(b.Addr.Path); err != nil {
		t.Fatal(err)
	}
	if _, ok := old.Share(); ok {
		t.Error("shared without its file")
	}
	start(t, b, Options{Inherited: in})
	if got := reach(t, "unix", b.Addr.Path); got != "l socket" || before.served.Load() != 0 {
		t.Errorf("got %q", got)
	}
}

// TestTakenByNumber: what was passed under a number is found under it again.
func TestTakenByNumber(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	b := &model.Bind{Addr: model.Address{Kind: model.AddrFD, FD: fd, Text: "fd@"}}
	old, _ := start(t, b, Options{})
	in := share(t, old)
	unix.Close(fd)
	l, _ := start(t, b, Options{Inherited: in, Backlog: 3})
	old.Stop()
	if got := dial(t, l).line(t); got != "l socket" {
		t.Errorf("got %q", got)
	}
	if names := in.Taken(); !slices.Equal(names, []string{l.sock.name}) {
		t.Errorf("taken: %q", names)
	}
}
