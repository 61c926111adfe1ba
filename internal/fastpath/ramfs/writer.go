package ramfs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// bufferSize is how much of a file is gathered before it is written, in bytes: a file up to that takes one write.
const bufferSize = 16 << 10

type buffer [bufferSize]byte

// Writer writes one body to a file, or to several when it is longer than Options.PartSize. It belongs to one goroutine,
// and must be ended with Finish or Abort.
type Writer struct {
	store *Store
	path  string // of the whole file
	err   error  // why it was given up
	over  bool   // Finish or Abort was called

	// The part that is being written; of a file that is whole in the end it is the only one.
	offset int64  // where in the body it begins
	size   int64  // bytes so far
	taken  int64  // of these, bytes that were written, and taken from the store
	made   bool   // its file
	fd     int    // -1: not open
	at     string // its path
	buf    *buffer
	n      int // bytes in buf
}

// Create begins a file; none is made before there is a buffer full of bytes, or Finish.
func (s *Store) Create(n Name) *Writer {
	path := s.folder.path + "/" + n.base(s.serial.Add(1))
	return &Writer{store: s, path: path, at: path, fd: -1}
}

// Path is where the file will stand, or would if it were written; those of its parts have ".OFFSET.part" behind it.
func (w *Writer) Path() string { return w.path }

// Write appends to the file. A part that became full, and behind which there is more, is given to full for the time of
// the call, or longer if it holds it; full may be nil. After an error (ErrFull, or of the file system) what was written
// since the last part is gone, and Write gives that error for ever.
func (w *Writer) Write(data []byte, full func(part *File)) error {
	for len(data) > 0 && w.err == nil {
		if w.size == w.store.part {
			w.cut(full)
			continue
		}
		piece := data[:min(int64(len(data)), w.store.part-w.size)]
		data = data[len(piece):]
		w.size += int64(len(piece))
		w.append(piece)
	}
	return w.err
}

// append puts bytes behind those of the part.
func (w *Writer) append(data []byte) {
	if w.buf == nil {
		if w.buf = w.store.takeBuffer(); w.buf == nil {
			w.fail(ErrFull)
			return
		}
	}
	for len(data) > 0 && w.err == nil {
		if w.n == 0 && len(data) >= bufferSize {
			w.write(data)
			return
		}
		n := copy(w.buf[w.n:], data)
		w.n += n
		data = data[n:]
		if w.n == bufferSize {
			w.flush()
		}
	}
}

// flush writes what the buffer has.
func (w *Writer) flush() {
	if w.n > 0 {
		w.write(w.buf[:w.n])
		w.n = 0
	}
}

func (w *Writer) write(data []byte) {
	if !w.store.take(int64(len(data))) {
		w.fail(ErrFull)
		return
	}
	w.taken += int64(len(data))
	w.open()
	for len(data) > 0 && w.err == nil {
		n, err := unix.Write(w.fd, data)
		switch {
		case err == unix.EINTR:
		case err != nil:
			w.fail(&os.PathError{Op: "write", Path: w.at, Err: err})
		default:
			data = data[n:]
		}
	}
	if w.err == nil && w.store.open.Load() > keepOpen {
		if err := w.close(); err != nil {
			w.fail(&os.PathError{Op: "close", Path: w.at, Err: err})
		}
	}
}

// open opens the file of the part, and makes it if it is not there yet.
func (w *Writer) open() {
	flags := unix.O_WRONLY | unix.O_APPEND | unix.O_CLOEXEC
	if !w.made {
		flags |= unix.O_CREAT | unix.O_EXCL
	}
	for w.fd < 0 && w.err == nil {
		fd, err := unix.Open(w.at, flags, 0o600)
		switch {
		case err == unix.EINTR:
		case err != nil:
			w.fail(&os.PathError{Op: "create", Path: w.at, Err: err})
		default:
			w.fd, w.made = fd, true
			w.store.open.Add(1)
		}
	}
}

// close closes the part's file, which may be opened again.
func (w *Writer) close() error {
	if w.fd < 0 {
		return nil
	}
	err := unix.Close(w.fd)
	w.fd = -1
	w.store.open.Add(-1)
	return err
}

// cut ends the part and begins the next.
func (w *Writer) cut(full func(part *File)) {
	f := w.end(partName(w.path, w.offset))
	if f == nil {
		return
	}
	w.offset += w.size
	w.size, w.taken, w.made = 0, 0, false
	w.at = partName(w.path, w.offset)
	if full != nil {
		full(f)
	}
	f.Release()
}

// Finish ends the file and gives it to the caller, who must Release it; partial tells that it is the last part of several.
// After an error it gives nil.
func (w *Writer) Finish() (f *File, partial bool) {
	if w.over {
		return nil, false
	}
	f = w.end(w.at)
	w.stop()
	return f, f != nil && w.offset > 0
}

// end closes the part's file and makes it known by the path that is given.
func (w *Writer) end(path string) *File {
	w.flush()
	if w.err == nil && !w.made {
		w.open() // an empty one
	}
	if w.err != nil {
		return nil
	}
	err := w.close()
	if err == nil && path != w.at {
		err = os.Rename(w.at, path)
	}
	if err != nil {
		w.fail(fmt.Errorf("closing %s: %w", w.at, err))
		return nil
	}
	return w.store.add(path, w.size, w.offset)
}

// Abort drops what was written since the last part. It does nothing after Finish.
func (w *Writer) Abort() {
	if !w.over {
		w.remove()
		w.stop()
	}
}

// fail gives the file up.
func (w *Writer) fail(err error) {
	w.err = err
	w.store.refused.Add(1)
	w.remove()
	w.giveBack()
}

// remove deletes the part.
func (w *Writer) remove() {
	if w.made {
		w.close()
		unix.Unlink(w.at)
		w.made = false
	}
	w.store.used.Add(-w.taken)
	w.taken, w.n = 0, 0
}

// stop ends the writer.
func (w *Writer) stop() {
	w.over = true
	w.err = os.ErrClosed
	w.giveBack()
}

// giveBack returns the buffer.
func (w *Writer) giveBack() {
	if w.buf != nil {
		w.store.putBuffer(w.buf)
		w.buf = nil
	}
}
