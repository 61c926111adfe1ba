package stdlib

import (
	"context"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// osFile is an opened file. What Go's poller can wait for (pipes, terminals, FIFOs) is let go of when the context ends.
type osFile struct {
	f        *os.File
	pollable bool
}

func newOSFile(f *os.File) *osFile {
	return &osFile{f: f, pollable: f.SetDeadline(time.Time{}) == nil}
}

// interruptible runs op, which may wait, until ctx ends.
func (o *osFile) interruptible(ctx context.Context, op func() (int, error)) (int, error) {
	if !o.pollable || ctx.Done() == nil {
		return op()
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = o.f.SetDeadline(time.Unix(1, 0))
		close(done)
	})
	n, err := op()
	if !stop() {
		<-done
		_ = o.f.SetDeadline(time.Time{}) // others may still use it
	}
	if n == 0 && ctx.Err() != nil { // the other side may be a child that has just been killed
		err = ctx.Err()
	}
	return n, err
}

func (o *osFile) read(ctx context.Context, p []byte) (int, error) {
	return o.interruptible(ctx, func() (int, error) { return o.f.Read(p) })
}

func (o *osFile) write(ctx context.Context, p []byte) (int, error) {
	return o.interruptible(ctx, func() (int, error) { return o.f.Write(p) })
}

func (o *osFile) seek(off int64, whence int) (int64, error) { return o.f.Seek(off, whence) }

func (o *osFile) shut(context.Context) (outcome, error) { return outcome{}, o.f.Close() }

func (o *osFile) abandon() { _ = o.f.Close() }

func (o *osFile) instant(int) bool { return false }

// openFile opens as fopen does. Opening a FIFO waits for its other side; it ends when ctx does.
func openFile(ctx context.Context, name string, flag int) (*os.File, error) {
	st, err := os.Stat(name)
	if err != nil || st.Mode().Type() != fs.ModeNamedPipe || ctx.Done() == nil {
		return os.OpenFile(name, flag, 0o666)
	}
	opened, done := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		// One more opener of both sides lets the one below through, whether it waits already or is about to.
		if fd, err := unix.Open(name, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err == nil {
			defer unix.Close(fd)
			<-opened
		}
	})
	f, err := os.OpenFile(name, flag, 0o666)
	close(opened)
	if !stop() {
		<-done
		if err == nil {
			f.Close()
		}
		return nil, ctx.Err()
	}
	return f, err
}

// parseMode gives the flags of an fopen mode: [rwa]%+?b*, as Lua checks it.
func parseMode(mode string) (flag int, read, write, ok bool) {
	if mode == "" {
		return 0, false, false, false
	}
	kind, rest := mode[0], mode[1:]
	plus := len(rest) > 0 && rest[0] == '+'
	if plus {
		rest = rest[1:]
	}
	for _, b := range []byte(rest) {
		if b != 'b' {
			return 0, false, false, false
		}
	}
	switch kind {
	case 'r':
		read, write = true, plus
	case 'w':
		read, write, flag = plus, true, os.O_CREATE|os.O_TRUNC
	case 'a':
		read, write, flag = plus, true, os.O_CREATE|os.O_APPEND
	default:
		return 0, false, false, false
	}
	switch {
	case read && write:
		flag |= os.O_RDWR
	case write:
		flag |= os.O_WRONLY
	}
	return flag, read, write, true
}

// inherited is one of the three files that eddy was started with. They are shared with whoever started it, so that
// they cannot be made non-blocking: readiness is asked for instead, and no call takes more than is ready.
type inherited struct {
	f       *os.File
	regular bool
}

const (
	pipeAtom = 4096                  // what a pipe takes once it says that it is writable
	pollTick = 50 * time.Millisecond // between two looks at the context
)

func newInherited(f *os.File) *inherited {
	st, err := f.Stat()
	return &inherited{f: f, regular: err == nil && st.Mode().IsRegular()}
}

// ready waits until the file can do what, at most until ctx ends. It must not be asked of a regular file.
func (o *inherited) ready(ctx context.Context, what int16) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		ok, err := o.poll(what, pollTick)
		if ok || err != nil {
			return err
		}
	}
}

func (o *inherited) poll(what int16, wait time.Duration) (bool, error) {
	raw, err := o.f.SyscallConn()
	if err != nil {
		return false, err
	}
	var n int
	var perr error
	err = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: what}}
		n, perr = unix.Poll(p, int(wait.Milliseconds()))
	})
	if err != nil {
		return false, err
	}
	if perr == unix.EINTR {
		return false, nil
	}
	return n > 0, perr
}

func (o *inherited) read(ctx context.Context, p []byte) (int, error) {
	if !o.regular {
		if err := o.ready(ctx, unix.POLLIN); err != nil {
			return 0, err
		}
	}
	return o.f.Read(p)
}

func (o *inherited) write(ctx context.Context, p []byte) (int, error) {
	if o.regular {
		return o.f.Write(p)
	}
	for n := 0; n < len(p); {
		if err := o.ready(ctx, unix.POLLOUT); err != nil {
			return n, err
		}
		k, err := o.f.Write(p[n:min(len(p), n+pipeAtom)])
		n += k
		if err != nil {
			return n, err
		}
	}
	return len(p), nil
}

func (o *inherited) instant(n int) bool {
	if o.regular {
		return true
	}
	if n > pipeAtom {
		return false
	}
	ok, err := o.poll(unix.POLLOUT, 0)
	return ok && err == nil
}

func (o *inherited) seek(off int64, whence int) (int64, error) { return o.f.Seek(off, whence) }

func (o *inherited) shut(context.Context) (outcome, error) {
	return outcome{}, syscall.EBADF // the standard files are never closed
}

func (o *inherited) abandon() {}
