package capture

import (
	"io"
)

// window gives a capture's bytes in order, as slices of a buffer that a reader fills.
type window struct {
	buf  []byte
	pos  int       // where the next byte stands in buf
	base int64     // place of buf[0] in the capture
	r    io.Reader // nil before the capture was begun
	err  error     // what the reader ended with; what stands in buf is delivered before it
}

// readSize is how much is asked of a reader at once.
const readSize = 256 << 10

// offset is the place in the capture of the next byte.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// peek gives the next n bytes, which live until the next call, and leaves them where they are. The error is io.EOF
// when nothing is left, io.ErrUnexpectedEOF when it is less than n, or the reader's.
func (w *window) peek(n int) ([]byte, error) {
	if len(w.buf)-w.pos < n {
		if err := w.fill(n); err != nil {
			return nil, err
		}
	}
	return w.buf[w.pos : w.pos+n : w.pos+n], nil
}

// take is peek, and moves on.
func (w *window) take(n int) ([]byte, error) {
	b, err := w.peek(n)
	if err == nil {
		w.pos += n
	}
	return b, err
}

// fill reads until n bytes are there.
func (w *window) fill(n int) error {
	if w.r != nil && w.err == nil {
		w.base += int64(w.pos)
		left := copy(w.buf, w.buf[w.pos:])
		w.pos = 0
		if cap(w.buf) < n {
			grown := make([]byte, left, max(n, 2*readSize))
			copy(grown, w.buf[:left])
			w.buf = grown
		}
		w.buf = w.buf[:left]
		for tries := 0; len(w.buf) < n && w.err == nil; tries++ {
			var got int
			got, w.err = w.r.Read(w.buf[len(w.buf):cap(w.buf)])
			w.buf = w.buf[:len(w.buf)+got]
			switch {
			case got > 0:
				tries = 0
			case tries == 100 && w.err == nil:
				w.err = io.ErrNoProgress
			}
		}
	}
	switch have := len(w.buf) - w.pos; {
	case have >= n:
		return nil
	case w.err != nil && w.err != io.EOF:
		return w.err
	case have > 0:
		return io.ErrUnexpectedEOF
	default:
		return io.EOF
	}
}
