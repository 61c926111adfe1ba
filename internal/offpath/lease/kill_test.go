package lease

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"eddy/internal/offpath/job"
)

// A child is a process of its own, which can be killed. It obeys lines on its standard input: "take PID", "open", "push NAME",
// "release NAME", and says "ok" or what is wrong; when a job begins it says "begin NAME".
const childVar = "EDDY_LEASE_TEST_CHILD" // the folder

func child() bool {
	dir := os.Getenv(childVar)
	if dir == "" {
		return false
	}
	t := new(testing.T)
	b := newBook()
	b.say = func(what string) { fmt.Println(what) }
	p := newProc(t, "child", dir, b)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		verb, arg, _ := strings.Cut(in.Text(), " ")
		var err error
		switch verb {
		case "take":
			pid, _ := strconv.Atoi(arg)
			p.h, err = Take(context.Background(), p.options(pid))
		case "open":
			err = p.open()
		case "push":
			err = offer(p.q, arg)
		case "release":
			p.release(arg)
		}
		if err != nil {
			fmt.Println("error", err)
			continue
		}
		fmt.Println("ok")
	}
	return true
}

type childProc struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Scanner
	was []string // lines that nobody has waited for
}

func startChild(t *testing.T, dir string) *childProc {
	t.Helper()
	c := &childProc{t: t, cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), childVar+"="+dir)
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd.Stderr = os.Stderr
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.in, c.out = in, bufio.NewScanner(out)
	t.Cleanup(c.kill)
	return c
}

func (c *childProc) tell(line string) { fmt.Fprintln(c.in, line) }

// hear waits for a line; others may come before it.
func (c *childProc) hear(want string) {
	c.t.Helper()
	if at := slices.Index(c.was, want); at >= 0 {
		c.was = slices.Delete(c.was, at, at+1)
		return
	}
	for c.out.Scan() {
		if c.out.Text() == want {
			return
		}
		if strings.HasPrefix(c.out.Text(), "error") {
			c.t.Fatal(c.out.Text())
		}
		c.was = append(c.was, c.out.Text())
	}
	c.t.Fatalf("the child did not say %q", want)
}

func (c *childProc) do(lines ...string) {
	c.t.Helper()
	for _, l := range lines {
		c.tell(l)
		c.hear("ok")
	}
}

func (c *childProc) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// TestOldKilled: the old process is killed at several moments; what it had runs again, once.
func TestOldKilled(t *testing.T) {
	for _, moment := range []string{"before", "while it is asked", "when it has given", "as a guest"} {
		t.Run(moment, func(t *testing.T) {
			b, dir := newBook(), t.TempDir()
			old := startChild(t, dir)
			old.do("take 0", "open")
			old.tell("push one")
			old.hear("begin one")
			next := newProc(t, "new", dir, b)
			taken := make(chan error, 1)
			take := func() {
				h, err := Take(t.Context(), next.options(old.cmd.Process.Pid))
				next.h = h
				taken <- err
			}
			switch moment {
			case "before":
				old.kill()
				take()
			case "while it is asked":
				if err := old.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				go take()
				old.kill()
			default:
				take()
				if n := next.h.Leased(); n != 1 {
					t.Errorf("%d leased", n)
				}
			}
			if err := <-taken; err != nil {
				t.Fatal(err)
			}
			if moment == "when it has given" {
				old.kill()
			}
			if err := next.open(); err != nil {
				t.Fatal(err)
			}
			if moment == "as a guest" {
				if b.has(true, "new one") {
					t.Error("it runs twice at once")
				}
				old.kill()
			}
			next.began("one")
			next.release("one")
			next.empty()
			if s := next.q.Stats(); s.Redelivered != 1 || s.Done != 1 {
				t.Errorf("%d redelivered, %d done", s.Redelivered, s.Done)
			}
			next.stop()
			b.check(t, "new one")
		})
	}
}

// TestNewKilled: the new process is killed at several moments; the old one goes on.
func TestNewKilled(t *testing.T) {
	for _, moment := range []string{"when it has taken", "when it has opened", "with jobs"} {
		t.Run(moment, func(t *testing.T) {
			b, dir := newBook(), t.TempDir()
			old := newProc(t, "old", dir, b).start()
			old.push("one", "two")
			old.began("one", "two")
			next := startChild(t, dir)
			next.do(fmt.Sprint("take ", os.Getpid()))
			if moment != "when it has taken" {
				next.do("open")
			}
			if moment == "with jobs" {
				next.tell("push three")
				next.hear("begin three")
				next.hear("ok")
				old.release("one")
				old.ended("one")
				old.push("four")
			}
			next.kill()
			eventually(t, "the queues are back", func() bool { return old.hasSaid("the queues are back") })
			if moment != "with jobs" {
				old.push("three", "four")
			}
			if moment != "with jobs" {
				old.release("one")
			}
			old.release("three", "four")
			old.ended("three", "four")
			eventually(t, "at most two run", func() bool { return old.q.Stats().Totals.Jobs[job.Running] <= 2 }) // ends are written a moment later
			old.release("two")
			old.empty()
			want := uint64(0)
			if moment == "with jobs" {
				want = old.q.Stats().Redelivered // three, four where it had begun, one where its end was not on the disk yet
				if want < 1 || want > 3 {
					t.Errorf("%d redelivered", want)
				}
			}
			if s := old.q.Stats(); s.Redelivered != want {
				t.Errorf("%d redelivered", s.Redelivered)
			}
			old.stop()
			begun := []string{"old one", "old two", "old three", "old four"}
			if moment == "with jobs" && b.times("old one") == 2 { // told to the new process, which died before it had written that
				begun = append(begun, "old one")
			}
			b.check(t, begun...)
		})
	}
}
