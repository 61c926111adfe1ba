package native

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"eddy/internal/offpath/pool"

	"golang.org/x/sys/unix"
)

// lastGrace is the grace when eddy itself stops. It is short, as eddy does not wait for long, and who is left then lives on.
const lastGrace = 300 * time.Millisecond

// process is one run of a program, in a process group of its own. When run returns, nothing of that group lives any more,
// whether the program ended by itself or not. Only what left the group by setsid(2) escapes.
type process struct {
	cmd    *exec.Cmd
	grace  time.Duration
	stdout *head
	stderr *tail
}

// run waits until the program has ended, or stops it when ctx is over: SIGTERM for the group, and SIGKILL when the grace is
// over. The program is also killed when eddy dies, however it dies.
func (p *process) run(ctx context.Context) error {
	out, err := newStream(p.stdout)
	if err != nil {
		return err
	}
	defer out.close()
	errs, err := newStream(p.stderr)
	if err != nil {
		return err
	}
	defer errs.close()
	p.cmd.Stdout, p.cmd.Stderr = out.write, errs.write
	// Pdeathsig comes when the thread ends that started the program. So this goroutine keeps its thread.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		return cause(err)
	}
	silent := make(chan struct{}) // closed when nobody can write output any more
	go func() {
		defer close(silent)
		var reading sync.WaitGroup
		reading.Go(out.read)
		reading.Go(errs.read)
		reading.Wait()
	}()
	out.write.Close()
	errs.write.Close()

	stopped := p.supervise(ctx, silent)
	err = p.cmd.Wait() // its input, too, at most WaitDelay
	select {           // what left the group may hold its output still
	case <-silent:
	case <-time.After(p.grace):
	}
	out.close()
	errs.close()
	<-silent
	why := context.Cause(ctx)
	switch {
	case stopped && errors.Is(why, context.DeadlineExceeded):
		return p.said(lateError{why})
	case stopped:
		return fmt.Errorf("stopped: %w", why)
	}
	return p.explain(err)
}

// lateError is that of a program whose time was over, which who set the time says better.
type lateError struct{ error }

func (lateError) Error() string   { return "stopped" }
func (e lateError) Unwrap() error { return e.error }

// supervise returns when the program has ended and its group is dead, and says whether that was our doing. The program is
// then still to be waited for: until that is done, nobody else can have its number.
func (p *process) supervise(ctx context.Context, silent <-chan struct{}) (stopped bool) {
	pid := p.cmd.Process.Pid
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		}
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		stopped = true
		if errors.Is(context.Cause(ctx), pool.ErrStopped) {
			p.grace = min(p.grace, lastGrace)
		}
		_ = unix.Kill(-pid, unix.SIGTERM)
		grace := time.NewTimer(p.grace)
		defer grace.Stop()
		select {
		case <-ended: // its children may need their time, too
			select {
			case <-silent:
			case <-grace.C:
			}
		case <-grace.C:
		}
	}
	_ = unix.Kill(-pid, unix.SIGKILL)
	<-ended
	return stopped
}

// explain says how the program ended, with what it said last.
func (p *process) explain(err error) error {
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		err = fmt.Errorf("it ended with status %d", exit.ExitCode())
	case errors.As(err, &exit):
		err = fmt.Errorf("it was killed: %s", exit.ProcessState)
	case errors.Is(err, exec.ErrWaitDelay): // it ended well, and something else holds its input
		return nil
	case err != nil:
		return cause(err)
	default:
		return nil
	}
	return p.said(err)
}

// said puts what the program said last behind an error.
func (p *process) said(err error) error {
	if said := p.stderr.lastLines(5, 600); said != "" {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// cause takes paths, which may come from the network, out of an error of package os.
func cause(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// stream is a pipe for a program's output.
type stream struct {
	in    *os.File
	write *os.File
	to    io.Writer
}

func newStream(to io.Writer) (*stream, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &stream{r, w, to}, nil
}

// read takes all the output, also what is not kept, so that the program never waits.
func (s *stream) read() { _, _ = io.Copy(s.to, s.in) }

func (s *stream) close() {
	s.in.Close()
	s.write.Close()
}

// head keeps the first bytes of what is written.
type head struct {
	most int
	kept []byte
	cut  bool
}

func (h *head) Write(b []byte) (int, error) {
	n := min(len(b), h.most-len(h.kept))
	h.kept = append(h.kept, b[:n]...)
	h.cut = h.cut || n < len(b)
	return len(b), nil
}

// tail keeps the last bytes of what is written.
type tail struct {
	most int
	kept []byte
	cut  bool
}

func (t *tail) Write(b []byte) (int, error) {
	n := len(b)
	if over := len(b) - t.most; over > 0 {
		b, t.cut = b[over:], true
	}
	if over := len(t.kept) + len(b) - t.most; over > 0 {
		t.kept, t.cut = append(t.kept[:0], t.kept[over:]...), true
	}
	t.kept = append(t.kept, b...)
	return n, nil
}

// lastLines gives the last lines on one, visibly.
func (t *tail) lastLines(lines, most int) string {
	all := strings.Split(strings.TrimSpace(string(t.kept)), "\n")
	s := strings.Join(all[max(0, len(all)-lines):], "\n")
	if over := len(s) - most; over > 0 {
		s = "…" + strings.ToValidUTF8(s[over:], "")
	}
	return visible(s, most+len("…"))
}
