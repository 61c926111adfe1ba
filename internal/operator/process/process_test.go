package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"
)

func TestHandoverText(t *testing.T) {
	for _, h := range []Handover{{}, {Finish: []int{12, 13}}, {Terminate: []int{5}}, {Finish: []int{7}, Terminate: []int{8, 9}}} {
		if got := ParseHandover(h.String()); !reflect.DeepEqual(got, h) {
			t.Errorf("%+v came back as %+v", h, got)
		}
	}
	if got := ParseHandover("f0 f1 x9 f t-3 fabc"); !reflect.DeepEqual(got, Handover{}) {
		t.Errorf("nonsense gave %+v", got)
	}
}

func TestListenWithoutOldProcesses(t *testing.T) {
	calls := 0
	busy := fmt.Errorf("listen: %w", syscall.EADDRINUSE)
	if err := new(Handover).Listen(func() error { calls++; return busy }); err != busy || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestListenWaitsForThePort(t *testing.T) {
	old, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{})
	if err != nil {
		t.Skip(err)
	}
	calls := 0
	h := Handover{Finish: []int{old.Pid}}
	err = h.Listen(func() error {
		if calls++; calls < 4 {
			return syscall.EADDRINUSE
		}
		return nil
	})
	if err != nil || calls != 4 {
		t.Errorf("%v after %d calls", err, calls)
	}
	state, err := old.Wait()
	if err != nil || state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGUSR1 {
		t.Errorf("the old process: %v %v", state, err)
	}
	other := errors.New("other")
	if err := h.Listen(func() error { return other }); err != other {
		t.Errorf("got %v", err)
	}
}

func TestStrangersPort(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	_, taken := net.Listen("tcp4", ln.Addr().String())
	for _, c := range []struct {
		addrs []string
		ours  []int
		want  int
	}{
		{takenAddresses(errors.Join(errors.New("other"), fmt.Errorf("in front: %w", taken))), []int{1 << 30}, os.Getpid()},
		{[]string{"*:" + port}, nil, os.Getpid()},
		{[]string{"[::]:" + port}, nil, os.Getpid()},
		{[]string{"127.0.0.1:" + port}, []int{os.Getpid()}, 0},
		{[]string{"127.0.0.1:" + port}, []int{os.Getppid()}, 0}, // a master's worker
		{[]string{"127.0.0.2:" + port, "[::1]:" + port}, nil, 0},
		{[]string{"127.0.0.1:http", "127.0.0.1", "unix@/x", ""}, nil, 0},
	} {
		if pid, addr := stranger(c.addrs, c.ours); pid != c.want {
			t.Errorf("%v with %v: process %d has %q, want %d", c.addrs, c.ours, pid, addr, c.want)
		}
	}
}

func TestPIDFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	p, err := WritePIDFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != fmt.Sprintln(os.Getpid()) {
		t.Errorf("it holds %q", b)
	}
	if err := os.WriteFile(path, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.Remove()
	if _, err := os.Stat(path); err != nil {
		t.Error("a newer process's file was removed")
	}
	if p, _ = WritePIDFile(path); p != nil {
		p.Remove()
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file stays")
	}
	for _, bad := range []string{filepath.Join(path, "x", "y"), filepath.Dir(path)} {
		if err := CheckPIDFile(bad); err == nil {
			t.Errorf("%s can be written", bad)
		}
	}
	if err := errors.Join(CheckPIDFile(path), CheckPIDFile("")); err != nil {
		t.Error(err)
	}
	if _, err := WritePIDFile(filepath.Join(path, "x", "y")); err == nil {
		t.Error("a file in a missing folder was written")
	}
	if p, err := WritePIDFile(""); p != nil || err != nil {
		t.Errorf("no path: %v %v", p, err)
	}
}

func TestNotifySystemd(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := NotifySystemd("READY=1"); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	if err := NotifySystemd("READY=1"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, _, err := c.ReadFrom(b); err != nil || string(b[:n]) != "READY=1" {
		t.Errorf("got %q %v", b[:n], err)
	}
}

func TestUnknownNames(t *testing.T) {
	for _, p := range []Privileges{{User: "no-such-user", UID: -1, GID: -1}, {Group: "no-such-group", UID: -1, GID: -1},
		{Chroot: "/no/such/folder", UID: -1, GID: -1}, {Chroot: "/dev/null", UID: -1, GID: -1}} {
		if err := p.Check(); err == nil {
			t.Errorf("%+v looks good", p)
		}
		if err := p.Drop(); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
	if err := (Privileges{UID: -1, GID: -1}).Drop(); err != nil {
		t.Error(err)
	}
}
