package listener

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"eddy/internal/config/model"

	"golang.org/x/sys/unix"
)

func unixBind(path string) *model.Bind {
	return &model.Bind{Addr: model.Address{Kind: model.AddrUnix, Path: path, Text: path}, UID: -1, GID: -1}
}

// reach connects and says what the handler answers.
func reach(t *testing.T, network, addr string) string {
	t.Helper()
	c, err := net.DialTimeout(network, addr, 10*time.Second)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	b := make([]byte, 64)
	n, _ := c.Read(b)
	return strings.TrimSpace(string(b[:n]))
}

func TestUnixSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	b := unixBind(path)
	b.Mode, b.UID, b.GID = 0o620, os.Getuid(), os.Getgid()
	l, _ := start(t, b, Options{Backlog: 7})
	if got := reach(t, "unix", path); got != "l socket" {
		t.Errorf("got %q", got)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o620 {
		t.Errorf("%v, %v", fi, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("files beside the socket: %v", files)
	}
	l.Stop()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("after Stop: %v", err)
	}
}

// TestStaleSocket: what a crashed process left is replaced.
func TestStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false)
	old.Close()
	start(t, unixBind(path), Options{})
	if got := reach(t, "unix", path); got != "l socket" {
		t.Errorf("got %q", got)
	}
}

// TestSocketTakenOver: a new listener takes the path of one that still runs, which then leaves it alone.
func TestSocketTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	old, before := start(t, unixBind(path), Options{})
	_, after := start(t, unixBind(path), Options{})
	old.Stop()
	if got := reach(t, "unix", path); got != "l socket" || before.served.Load() != 0 || after.served.Load() != 1 {
		t.Errorf("got %q; the old one served %d, the new one %d", got, before.served.Load(), after.served.Load())
	}
}

func TestAbstractSocket(t *testing.T) {
	name := fmt.Sprintf("eddy-test-%d", os.Getpid())
	b := &model.Bind{Addr: model.Address{Kind: model.AddrAbstract, Path: name, Text: "abns@" + name}}
	start(t, b, Options{})
	padded := "@" + name + strings.Repeat("\x00", 107-len(name))
	if got := reach(t, "unix", padded); got != "l socket" {
		t.Errorf("got %q", got)
	}
}

// TestInherited: a socket that was passed outlives the listener, file and all.
func TestInherited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // bound first, listening the second time
		b := &model.Bind{Addr: model.Address{Kind: model.AddrFD, FD: fd, Text: "fd@"}}
		l, _ := start(t, b, Options{})
		if got := reach(t, "unix", path); got != "l socket" {
			t.Errorf("got %q", got)
		}
		l.Stop()
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("after Stop: %v", err)
		}
	}
}

func TestFamilies(t *testing.T) {
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here")
	} else {
		l.Close()
	}
	tests := []struct {
		name     string
		bind     model.Bind
		ip4, ip6 bool
	}{
		{"nothing", model.Bind{}, true, false},
		{"star", model.Bind{Addr: model.Address{Host: "*"}}, true, false},
		{"all of IPv6", model.Bind{Addr: model.Address{Host: "::"}}, true, true},
		{"v4v6", model.Bind{Addr: model.Address{Host: "::"}, V4V6: true}, true, true},
		{"v6only", model.Bind{Addr: model.Address{Host: "::"}, V6: true, V4V6: true}, false, true},
		{"ipv6@ alone", model.Bind{Addr: model.Address{V6: true}, V6: true}, false, true},
		{"ipv4@ host name", model.Bind{Addr: model.Address{Host: "localhost", V4: true}}, true, false},
		{"one IPv6 address", model.Bind{Addr: model.Address{Host: "::1"}}, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, _ := start(t, &tt.bind, Options{KeepAlive: true})
			port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
			if got := reach(t, "tcp4", "127.0.0.1:"+port) == "l socket"; got != tt.ip4 {
				t.Errorf("IPv4: %v", got)
			}
			if got := reach(t, "tcp6", "[::1]:"+port) == "l socket"; got != tt.ip6 {
				t.Errorf("IPv6: %v", got)
			}
		})
	}
}

func TestSocketOptions(t *testing.T) {
	b := tcpBind()
	b.DeferAccept, b.TFO, b.TCPUserTO, b.Backlog = true, true, 3*time.Second, 9
	l, _ := start(t, b, Options{Backlog: 5})
	raw, err := l.sock.Listener.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		for name, opt := range map[string]struct{ opt, want int }{
			"TCP_DEFER_ACCEPT": {unix.TCP_DEFER_ACCEPT, 1},
			"TCP_FASTOPEN":     {unix.TCP_FASTOPEN, fastOpenQueue},
			"TCP_USER_TIMEOUT": {unix.TCP_USER_TIMEOUT, 3000},
		} {
			if got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, opt.opt); err != nil || got != opt.want {
				t.Errorf("%s: %d, %v; want %d", name, got, err, opt.want)
			}
		}
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err != nil || info.Sacked != 9 {
			t.Errorf("backlog: %+v, %v", info, err) // a listening socket tells it in this field
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
