package wire

import (
	"io"
	"os"
	"syscall"
	"time"
)

// Pipe carries bytes from one socket to another inside the kernel. It belongs to one goroutine.
type Pipe struct {
	r, w int
	held int // bytes in it
}

// SpliceStep is how much a pipe is asked to hold, and so the most that SpliceTo moves at a time. The kernel may give
// less to the unprivileged.
const SpliceStep = 256 << 10

const spliceFlags = 0x1 | 0x2 // SPLICE_F_MOVE | SPLICE_F_NONBLOCK

// NewPipe makes a pipe; Close it.
func NewPipe() (*Pipe, error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(fds[1]), syscall.F_SETPIPE_SZ, SpliceStep)
	return &Pipe{r: fds[0], w: fds[1]}, nil
}

// Close gives the pipe back to the kernel.
func (p *Pipe) Close() {
	_ = syscall.Close(p.r)
	_ = syscall.Close(p.w)
}

// SpliceTo moves up to limit bytes that are there from the socket into the empty pipe, waiting for them as Recv does.
// It gives io.EOF at the end of the stream.
func (c *Conn) SpliceTo(p *Pipe, limit int, until time.Time) (int, error) {
	r := &c.rd
	try := r.try
	defer func() { r.try = try }()
	r.try = func(fd uintptr) bool {
		n, errno := splice(int(fd), p.w, min(limit, SpliceStep))
		switch {
		case errno == syscall.EAGAIN:
			return false
		case errno != nil:
			r.err = os.NewSyscallError("splice", errno)
		case n == 0:
			r.err = io.EOF
		default:
			r.n, r.err = n, nil
		}
		return true
	}
	if err := c.receive(until); err != nil {
		return 0, err
	}
	p.held = r.n
	return r.n, nil
}

// SpliceFrom sends what the pipe holds. idle is as in Send.
func (c *Conn) SpliceFrom(p *Pipe, idle time.Duration) (int, error) {
	w := &c.wr
	try := w.try
	defer func() { w.try = try }()
	w.load(nil)
	w.try = func(fd uintptr) bool {
		start := w.sent
		for p.held > 0 {
			n, errno := splice(p.r, int(fd), p.held)
			if errno == syscall.EAGAIN {
				w.full = true
				return !w.wait || w.sent > start
			}
			if errno != nil {
				w.err = os.NewSyscallError("splice", errno)
				return true
			}
			if n == 0 {
				w.err = io.ErrUnexpectedEOF
				return true
			}
			w.sent += n
			p.held -= n
		}
		return true
	}
	return c.flush(idle)
}

// splice neither sleeps nor touches memory of ours, and SpliceStep bounds how long it works: like recv and send it does
// without telling the scheduler, which would take the thread's place for gone after 20 µs.
func splice(from, to, limit int) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(limit), spliceFlags)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
