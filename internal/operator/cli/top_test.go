package cli_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"eddy/internal/operator/admin"

	"golang.org/x/sys/unix"
)

// openTerminal makes a terminal: what is written to its far end are keys, what is read from there is the screen.
func openTerminal(t *testing.T) (far, near *os.File) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { far.Close() })
	if err := unix.IoctlSetPointerInt(int(far.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	n, err := unix.IoctlGetInt(int(far.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	near, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { near.Close() })
	return far, near
}

// resize sets a terminal's size; the process on it gets to know.
func resize(t *testing.T, far *os.File, width, height int) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(far.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(width), Row: uint16(height)}); err != nil {
		t.Fatal(err)
	}
}

// screen keeps what was drawn.
type screen struct {
	mu   sync.Mutex
	text string
}

func (s *screen) read(far *os.File) {
	var b [4096]byte
	for {
		n, err := far.Read(b[:])
		s.mu.Lock()
		s.text += string(b[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// shows waits until something is drawn, and forgets what was drawn up to there.
func (s *screen) shows(t *testing.T, what string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		at := strings.Index(s.text, what)
		if at >= 0 {
			s.text = s.text[at+len(what):]
		}
		text := s.text
		s.mu.Unlock()
		if at >= 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %q in %q", what, text)
		}
	}
}

// stats is a stats socket of an eddy with two queues. What is done to queues and jobs is told to said.
func stats(t *testing.T, path string, said chan<- string) *admin.Server {
	t.Helper()
	answer := func(text string) func(context.Context, []string, admin.Conn) error {
		return func(_ context.Context, _ []string, c admin.Conn) error {
			_, err := io.WriteString(c, text+"\n")
			return err
		}
	}
	does := func(text string) func(context.Context, []string, admin.Conn) error {
		return func(ctx context.Context, args []string, c admin.Conn) error {
			said <- args[0]
			return answer(text)(ctx, args, c)
		}
	}
	s := &admin.Server{Commands: []admin.Command{
		{Words: []string{"show", "info"}, Run: answer(`[{"field":{"name":"Name"},"value":{"value":"eddy"}}]`)},
		{Words: []string{"show", "queues"}, Run: answer(`{"at":"2026-11-03T10:00:00Z","queues":[{"name":"email","state":"running"},{"name":"default","state":"running"}]}`)},
		{Words: []string{"show", "lua"}, Run: answer(`{"states":[]}`)},
		{Words: []string{"pause", "queue"}, Run: does(`{"done":1,"text":"it is paused now"}`)},
		{Words: []string{"delete", "job"}, Run: does(`{"done":1,"text":"it is gone"}`)},
		{Words: []string{"purge", "queue"}, Run: does(`{"done":3,"text":"3 are gone"}`)},
	}}
	if err := s.Open([]admin.Listen{{Network: "unix", Addr: path, UID: -1, GID: -1, Level: admin.Admin}}); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	return s
}

func TestTopOnATerminal(t *testing.T) {
	far, near := openTerminal(t)
	resize(t, far, 100, 30)
	path := filepath.Join(t.TempDir(), "s.sock")
	said := make(chan string, 100)
	server := stats(t, path, said)
	before, err := unix.IoctlGetTermios(int(near.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	eddy := exec.Command("eddy", "top", "-S", path, "-d", "100ms")
	eddy.Env = append(os.Environ(), "TERM=xterm", "GORACE=atexit_sleep_ms=0")
	eddy.Stdin, eddy.Stdout, eddy.Stderr = near, near, near
	eddy.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := eddy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = eddy.Process.Kill() }()
	ended := make(chan error, 1)
	go func() { ended <- eddy.Wait() }()
	var s screen
	go s.read(far)

	s.shows(t, "\x1b[?1049h\x1b[?25l\x1b[?7l")
	s.shows(t, "\x1b[7memail")
	_, _ = io.WriteString(far, "\x1b[B")
	s.shows(t, "\x1b[7mdefault")
	_, _ = io.WriteString(far, "p")
	if name := <-said; name != "default" {
		t.Errorf("p paused %s", name)
	}
	s.shows(t, "it is paused now")
	resize(t, far, 20, 5)
	s.shows(t, "\x1b[1mQUEUE    READY  DEAD\x1b[0m")
	resize(t, far, 200, 40)
	s.shows(t, "REFUSED/S")
	server.Close()
	s.shows(t, "trying again")
	server = stats(t, path, said)
	defer server.Close()
	s.shows(t, "connections,")
	_, _ = io.WriteString(far, "q")
	s.shows(t, "\x1b[?7h\x1b[?25h\x1b[?1049l")
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	after, err := unix.IoctlGetTermios(int(near.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal was left as %+v, %v; it was %+v", after, err, before)
	}
}
