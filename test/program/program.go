// Package program runs the eddy binary for tests that look at it from outside.
package program

import (
	"bufio"
	"context"
	"errors"
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
	bin, err := BuildIn(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// BuildIn builds eddy into a folder and gives the binary's path, for tests that share it.
func BuildIn(dir string) (string, error) {
	bin := filepath.Join(dir, "eddy")
	if out, err := exec.Command("go", "build", "-o", bin, "eddy/cmd/eddy").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
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

// Alone waits until no test of another package, which runs at the same time, has what name stands for, and keeps it to the
// test's end.
func Alone(t testing.TB, name string) {
	t.Helper()
	path := filepath.Join(os.TempDir(), "eddy-test-"+name+".lock")
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o666)
	if errors.Is(err, os.ErrPermission) {
		f, err = os.Open(path) // another user has made it
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}

// Eddy is a running program.
type Eddy struct {
	cmd  *exec.Cmd
	done chan error // what Wait gave; nil after Stop

	mu   sync.Mutex
	said strings.Builder
	news chan struct{} // a line came
}

// Result is what a program that ran to its end has left.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Run runs bin with args in a folder to its end. env is added to the test's own.
func Run(t testing.TB, bin, dir string, env []string, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, bin, args...)
	var out, errs strings.Builder
	c.Dir, c.Env, c.Stdout, c.Stderr = dir, append(os.Environ(), env...), &out, &errs
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%s %q: %v, %v\n%s", bin, args, err, ctx.Err(), errs.String())
	}
	return Result{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// Start is Launch, and waits until addr takes connections.
func Start(t testing.TB, bin, dir, addr string, env []string, args ...string) *Eddy {
	t.Helper()
	e := Launch(t, bin, dir, env, args...)
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return e
		}
		if time.Now().After(end) || len(e.done) > 0 { // it has ended
			t.Fatalf("eddy does not listen: %v\n%s", err, e.Said())
		}
	}
}

// Launch runs bin with args in a folder. The test's end stops it as an operator would, and demands a clean exit; Stop does
// so earlier. env is added to the test's own.
func Launch(t testing.TB, bin, dir string, env []string, args ...string) *Eddy {
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
	return e
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
	e.WaitForTimes(t, part, 1)
}

// WaitForTimes waits until it has printed part n times.
func (e *Eddy) WaitForTimes(t testing.TB, part string, n int) {
	t.Helper()
	limit := time.After(patience)
	for strings.Count(e.Said(), part) < n {
		select {
		case <-e.news:
		case <-limit:
			t.Fatalf("not %d times %q in what eddy said:\n%s", n, part, e.Said())
		}
	}
}

// WaitEnd waits until it has ended by itself, with exit code 0.
func (e *Eddy) WaitEnd(t testing.TB) {
	t.Helper()
	if e.done == nil {
		return
	}
	done := e.done
	e.done = nil
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("eddy ended with %v\n%s", err, e.Said())
		}
	case <-time.After(patience):
		_ = e.cmd.Process.Kill()
		t.Errorf("eddy does not end\n%s", e.Said())
	}
}

// Kill ends it with SIGKILL, and waits until it is gone.
func (e *Eddy) Kill(t testing.TB) {
	t.Helper()
	if e.done == nil {
		return
	}
	done := e.done
	e.done = nil
	_ = e.cmd.Process.Kill()
	select {
	case <-done:
	case <-time.After(patience):
		t.Errorf("eddy does not die\n%s", e.Said())
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
