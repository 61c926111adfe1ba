package cli

import (
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// screen shares a terminal between a line that is rewritten and what is printed meanwhile. Its methods and writers may be
// used from any goroutine.
type screen struct {
	mu      sync.Mutex
	w       io.Writer
	shown   bool // the line stands there
	midLine bool // what was printed last has no line end yet
}

// show puts a line at the bottom in the place of the one before, or takes it away when it is empty.
func (s *screen) show(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.midLine {
		return
	}
	s.erase()
	if line != "" {
		_, _ = io.WriteString(s.w, line)
		s.shown = true
	}
}

func (s *screen) erase() {
	if s.shown {
		_, _ = io.WriteString(s.w, "\r\x1b[K")
		s.shown = false
	}
}

// beside gives a writer to the same terminal, before whose output the line goes away.
func (s *screen) beside(w io.Writer) io.Writer { return besideWriter{s, w} }

type besideWriter struct {
	s *screen
	w io.Writer
}

func (b besideWriter) Write(text []byte) (int, error) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.erase()
	if len(text) > 0 {
		b.s.midLine = text[len(text)-1] != '\n'
	}
	return b.w.Write(text)
}

// columns is the width of the terminal that w is; 80 when it does not tell.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
			return int(size.Col)
		}
	}
	return 80
}

// drainLimit is how long a program that a plugin left running may keep the pipe of standard output open.
const drainLimit = time.Second

// pipe gives a file to the same terminal, for what writes to files only. drain ends it: what was written is shown then.
func (s *screen) pipe(w io.Writer) (f *os.File, drain func(), err error) {
	r, f, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(s.beside(w), r) // it ends with the pipe; a terminal that is gone needs nothing
	}()
	return f, sync.OnceFunc(func() {
		f.Close()
		_ = r.SetReadDeadline(time.Now().Add(drainLimit))
		<-shown
		r.Close()
	}), nil
}

// abandoned says whether w is a pipe that nobody reads from any more.
func abandoned(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(f.Fd())}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents&unix.POLLERR != 0
}
