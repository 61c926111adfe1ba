package process

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"eddy/internal/fastpath/listener"
)

// served is a process with a gate: this one.
type served struct {
	*Gate
	mu    sync.Mutex
	taken []string
	left  []syscall.Signal
}

func serveGate(t *testing.T, sockets func() []listener.Socket) *served {
	t.Helper()
	s := new(served)
	g, err := OpenGate(sockets, func(name string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taken = append(s.taken, name)
	}, func(sig syscall.Signal) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.left = append(s.left, sig)
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Serve()
	t.Cleanup(g.Close)
	s.Gate = g
	return s
}

func (s *served) told() ([]string, []syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken), slices.Clone(s.left)
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not happen: %s", what)
		}
	}
}

// TestGate: listening sockets go from one process to the other, which tells what it took when it serves.
func TestGate(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	share := func() []listener.Socket {
		var out []listener.Socket
		for _, name := range []string{"one", "two"} {
			f, err := ln.(*net.TCPListener).File()
			if err != nil {
				t.Error(err)
			}
			out = append(out, listener.Socket{Name: name, File: f})
		}
		return out
	}
	old := serveGate(t, share)
	// A start that fails: nothing happens.
	failed := Handover{Finish: []int{os.Getpid()}}
	if _, err := failed.Ask(); err != nil {
		t.Fatal(err)
	}
	failed.Close()

	h := Handover{Terminate: []int{os.Getpid()}}
	in, err := h.Ask()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	got, err := in.Take("two")
	if err != nil || got == nil {
		t.Fatal(got, err)
	}
	defer got.Close()
	ln.Close() // the old one lets go; the queue stays
	c, err := net.Dial("tcp", got.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if over, err := got.Accept(); err != nil {
		t.Error(err)
	} else {
		over.Close()
	}
	if err := h.TellSilent(); err != nil {
		t.Error(err)
	}
	if taken, left := old.told(); len(taken)+len(left) > 0 {
		t.Errorf("told too early: %v %v", taken, left)
	}
	for range 2 {
		if err := h.Tell(); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "it is told", func() bool { _, left := old.told(); return len(left) > 0 })
	if taken, left := old.told(); !slices.Equal(taken, []string{"two"}) || !slices.Equal(left, []syscall.Signal{syscall.SIGTERM}) {
		t.Errorf("told: %v %v", taken, left)
	}
	old.Close()
	if _, err := os.Lstat(old.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
	if visits, _, err := visitGates(os.Getpid()); len(visits) > 0 || err != nil {
		t.Errorf("nobody is there: %v %v", visits, err)
	}
}

// TestGateOfChild: of a master, the workers are asked; the master tells them to leave.
func TestGateOfChild(t *testing.T) {
	worker := serveGate(t, func() []listener.Socket { return nil })
	visits, _, err := visitGates(os.Getppid())
	if err != nil || len(visits) != 1 || visits[0].pid != os.Getpid() {
		t.Fatal(visits, err)
	}
	if err := visits[0].leave([]string{"x"}, 0); err != nil {
		t.Error(err)
	}
	eventually(t, "it is told", func() bool { taken, left := worker.told(); return len(taken) == 1 && len(left) == 1 && left[0] == 0 })
	SignalSelf(0)
}

// TestGateRefuses: nonsense ends the talk, and so does a newer one when there are too many.
func TestGateRefuses(t *testing.T) {
	old := serveGate(t, func() []listener.Socket { return nil })
	dial := func() *net.UnixConn {
		t.Helper()
		c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: old.path, Net: "unixpacket"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	ended := func(c *net.UnixConn) bool {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		for {
			text, err := receive(c, 10*time.Second)
			if err != nil {
				return !errors.Is(err, os.ErrDeadlineExceeded)
			}
			if text != sayEnd {
				t.Errorf("got %q", text)
			}
		}
	}
	for _, words := range [][]string{{"eddy 9 sockets"}, {askSockets, "leave now"}, {askSockets, "leave 9"}, {askSockets, "hello"}} {
		c := dial()
		for _, w := range words {
			if err := send(c, w, nil); err != nil {
				t.Fatal(err)
			}
		}
		if words[len(words)-1] == "leave 9" {
			if text, err := receive(c, time.Second); text != sayEnd || err != nil {
				t.Error(text, err)
			}
			if text, err := receive(c, time.Second); text != sayOK || err != nil {
				t.Error(text, err)
			}
		}
		if !ended(c) {
			t.Errorf("%q: the talk goes on", words)
		}
	}
	first := dial()
	eventually(t, "the first is there", func() bool { old.Gate.mu.Lock(); defer old.Gate.mu.Unlock(); return len(old.conns) == 1 })
	for range maxWaiting {
		if err := send(dial(), askSockets, nil); err != nil {
			t.Fatal(err)
		}
	}
	if !ended(first) {
		t.Error("the oldest talk goes on")
	}
	if _, left := old.told(); len(left) != 0 {
		t.Errorf("told to leave by %v", left)
	}
}

// TestNoGate: who has none is told by a signal.
func TestNoGate(t *testing.T) {
	old, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{})
	if err != nil {
		t.Skip(err)
	}
	h := Handover{Finish: []int{old.Pid}}
	if in, err := h.Ask(); err != nil || in.Taken() != nil {
		t.Errorf("%v", err)
	}
	defer h.Close()
	if err := h.TellSilent(); err != nil {
		t.Error(err)
	}
	state, err := old.Wait()
	if err != nil || state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGUSR1 {
		t.Errorf("the old process: %v %v", state, err)
	}
	if err := h.Tell(); err != nil {
		t.Error(err)
	}
}

// TestSilentGate: a process that does not answer holds nobody up for long, and another one under its name is found out.
func TestSilentGate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, _, err := visitGate(1, path); err == nil {
		t.Error("another process's answer is taken")
	}
	go func() {
		for {
			c, err := ln.AcceptUnix()
			if err != nil {
				return
			}
			_, _ = receive(c, time.Second)
			_ = send(c, "socket without a descriptor", nil)
			_ = c.Close()
		}
	}()
	if _, _, err := visitGate(os.Getpid(), path); err == nil {
		t.Error("nonsense is taken")
	}
}

func TestRunDir(t *testing.T) {
	dir := t.TempDir()
	open, link, file := filepath.Join(dir, "open"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	for _, err := range []error{os.Mkdir(open, 0o700), os.Chmod(open, 0o770), os.Symlink(dir, link), os.WriteFile(file, nil, 0o600), os.Chmod(dir, 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := checkRunDir(dir); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{open, link, file, filepath.Join(dir, "none")} {
		if err := checkRunDir(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	dead, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
	if err != nil {
		t.Skip(err)
	}
	if _, err := dead.Wait(); err != nil {
		t.Fatal(err)
	}
	left, ours := filepath.Join(dir, strconv.Itoa(dead.Pid)+gateSuffix), filepath.Join(dir, strconv.Itoa(os.Getpid())+gateSuffix)
	for _, f := range []string{left, ours} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sweep(dir)
	if _, err := os.Stat(left); err == nil {
		t.Error("what a dead process left is still there")
	}
	if _, err := os.Stat(ours); err != nil {
		t.Error(err)
	}
}

// TestPassedFiles: descriptors that nobody asked for are closed.
func TestPassedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c, err := ln.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := send(out, "x", w); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if text, err := receive(c, time.Second); text != "x" || err != nil {
		t.Error(text, err)
	}
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the pipe is still open: %v", err)
	}
	if err := send(out, string(make([]byte, maxPacket+1)), nil); err == nil {
		t.Error("too long a packet is sent")
	}
	if _, err := out.Write(make([]byte, maxPacket+1)); err != nil {
		t.Fatal(err)
	}
	if _, err := receive(c, time.Second); err == nil {
		t.Error("too long a packet is taken")
	}
}
