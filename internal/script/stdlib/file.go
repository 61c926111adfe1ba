package stdlib

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"
	"time"
)

// device is what is behind a file. Its methods may wait until ctx ends; one goroutine uses it at a time.
type device interface {
	read(ctx context.Context, p []byte) (int, error)  // io.EOF at the end
	write(ctx context.Context, p []byte) (int, error) // all of p, or an error
	seek(off int64, whence int) (int64, error)
	shut(ctx context.Context) (outcome, error) // ends it; later calls fail
	abandon()                                  // ends it without its owner: collected, or the state is closed
	instant(n int) bool                        // a write of n bytes would not wait
}

// outcome is how a child ended; the zero value belongs to what is no child.
type outcome struct {
	what string // "exit" or "signal"
	code int
}

// buffering is how writes are held back: setvbuf's modes.
type buffering uint8

const (
	bufferFull buffering = iota
	bufferLine
	bufferNone
)

const (
	readSize  = 16 << 10
	writeSize = 4 << 10
	maxBuffer = 1 << 20 // what setvbuf may ask for
	lastFlush = time.Second
)

// file is what a script holds as FILE*. Coroutines may share one: whose turn it is uses it.
type file struct {
	lib      *Library
	dev      device
	standard bool // io.stdin and its like cannot be closed
	canRead  bool
	canWrite bool

	turn   // to use what is below, and the device
	closed atomic.Bool
	orphan atomic.Bool // nobody refers to it any more

	in       []byte // read ahead: in[from:to]
	from, to int
	out      []byte // not yet written
	outSize  int
	mode     buffering
}

func (l *Library) newFile(dev device, canRead, canWrite bool) *file {
	return &file{lib: l, dev: dev, canRead: canRead, canWrite: canWrite, outSize: writeSize}
}

// take waits for the file.
func (f *file) take(ctx context.Context) error {
	if err := f.turn.take(ctx); err != nil {
		return err
	}
	if f.closed.Load() {
		f.free()
		return errClosed
	}
	return nil
}

// free lets go of the file.
func (f *file) free() {
	f.turn.free()
	if f.orphan.Load() && f.try() {
		f.bury()
	}
}

// Close is called when Lua has collected the file or the state is closed. It does not wait.
func (f *file) Close() error {
	f.orphan.Store(true)
	if f.try() { // else whoever uses it does the rest
		f.bury()
	}
	return nil
}

// bury ends an orphan that was taken; it stays taken.
func (f *file) bury() {
	if f.closed.Swap(true) {
		return
	}
	f.lib.background(func() {
		ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
		defer cancel()
		_ = f.flush(ctx) // nobody is left to tell
		if !f.standard {
			f.dev.abandon()
			f.lib.opened.Add(-1)
		}
	})
}

// flush writes what is held back. What could not be written is dropped, as C does.
func (f *file) flush(ctx context.Context) error {
	if len(f.out) == 0 {
		return nil
	}
	_, err := f.dev.write(ctx, f.out)
	f.out = f.out[:0]
	return err
}

// put writes p as the mode says.
func (f *file) put(ctx context.Context, p []byte) error {
	if err := f.unread(); err != nil {
		return err
	}
	if f.mode != bufferNone && len(f.out)+len(p) <= f.outSize && !(f.mode == bufferLine && hasNewline(p)) {
		f.out = append(f.out, p...)
		return nil
	}
	f.out = append(f.out, p...)
	err := f.flush(ctx)
	if cap(f.out) > 4*f.outSize {
		f.out = nil
	}
	return err
}

// unread gives back what was read ahead, so that a write goes where the script believes to be.
func (f *file) unread() error {
	n := f.to - f.from
	f.from, f.to = 0, 0
	if n == 0 {
		return nil
	}
	if _, err := f.dev.seek(int64(-n), io.SeekCurrent); err != nil && errno(err) != int(syscall.ESPIPE) {
		return err
	}
	return nil
}

// fill reads ahead when nothing is left of what was.
func (f *file) fill(ctx context.Context) error {
	if f.from < f.to {
		return nil
	}
	if !f.canRead {
		return syscall.EBADF
	}
	if err := f.flush(ctx); err != nil {
		return err
	}
	if f.in == nil {
		f.in = make([]byte, readSize)
	}
	n, err := f.dev.read(ctx, f.in)
	f.from, f.to = 0, n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.EOF
	}
	return err
}

// seek moves to off, counted from whence as io.Seeker does, and tells the new place.
func (f *file) seek(ctx context.Context, off int64, whence int) (int64, error) {
	if err := f.flush(ctx); err != nil {
		return 0, err
	}
	if whence == io.SeekCurrent {
		off -= int64(f.to - f.from)
	}
	n, err := f.dev.seek(off, whence)
	if err == nil {
		f.from, f.to = 0, 0
	}
	return n, err
}

// end closes the file for a script; the file was taken.
func (f *file) end(ctx context.Context) (outcome, error) {
	err := f.flush(ctx)
	f.closed.Store(true)
	f.lib.opened.Add(-1)
	f.in, f.out, f.from, f.to = nil, nil, 0, 0
	how, err2 := f.dev.shut(ctx)
	if err == nil {
		err = err2
	}
	return how, err
}

func (f *file) String() string {
	if f.closed.Load() {
		return "file (closed)"
	}
	return fmt.Sprintf("file (%p)", f)
}
