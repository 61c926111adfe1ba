// Package program runs the eddy binary for tests that look at it from outside.
package program

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take before a test gives up; nothing is expected to.
const patience = 60 * time.Second

// Build builds eddy for the test and gives the binary's path.
func Build(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "eddy")
	out, err := exec.Command("go", "build", "-o", bin, "eddy/cmd/eddy").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// FreePort finds a port of the loopback address that nobody has at the moment.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// Eddy is a running program.
type Eddy struct {
	cmd  *exec.Cmd
	done chan error // what Wait gave; nil after Stop

	mu   sync.Mutex
	said strings.Builder
	news chan struct{} // a line came
}

// Start runs bin with args in a folder, and waits until addr takes connections. The test's end stops it as an operator
// would, and demands a clean exit; Stop does so earlier. env is added to the test's own.
func Start(t testing.TB, bin, dir, addr string, env []string, args ...string) *Eddy {
	t.Helper()
	e := &Eddy{cmd: exec.Command(bin, args...), done: make(chan error, 1), news: make(chan struct{}, 1)}
	e.cmd.Dir = dir
	e.cmd.Env = append(os.Environ(), env...)
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	e.cmd.Stderr = e.cmd.Stdout
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := e.done
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			e.mu.Lock()
			e.said.WriteString(lines.Text() + "\n")
			e.mu.Unlock()
			select {
			case e.news <- struct{}{}:
			default:
			}
		}
		done <- e.cmd.Wait()
	}()
	t.Cleanup(func() { e.Stop(t) })
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return e
		}
		if time.Now().After(end) {
			t.Fatalf("eddy does not listen: %v\n%s", err, e.Said())
		}
	}
}

// PID is the process's.
func (e *Eddy) PID() int { return e.cmd.Process.Pid }

// Said is what it has printed so far.
func (e *Eddy) Said() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.said.String()
}

// WaitFor waits until it has printed part.
func (e *Eddy) WaitFor(t testing.TB, part string) {
	t.Helper()
	limit := time.After(patience)
	for !strings.Contains(e.Said(), part) {
		select {
		case <-e.news:
		case <-limit:
			t.Fatalf("no %q in what eddy said:\n%s", part, e.Said())
		}
	}
}

// Stop ends it with SIGTERM and demands exit code 0. A second call does nothing.
func (e *Eddy) Stop(t testing.TB) {
	t.Helper()
	if e.done == nil {
		return
	}
	done := e.done
	e.done = nil
	_ = e.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which Wait tells
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("eddy ended with %v\n%s", err, e.Said())
		}
	case <-time.After(patience):
		_ = e.cmd.Process.Kill()
		t.Errorf("eddy does not stop\n%s", e.Said())
	}
}
