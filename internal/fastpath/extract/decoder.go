package extract

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/andybalholm/brotli"
)

// About how many bytes of memory a decoder takes.
const (
	outSize       = 32 << 10
	decoderMemory = outSize + 4<<10
	inflateMemory = 44 << 10
	brotliMemory  = 256 << 10 // without its window
)

// errStopped ends a decoder whose body is not wanted any more.
var errStopped = errors.New("decoding was given up")

// decoder undoes the codings of a body as it comes.
//
// The libraries' readers pull, while traffic pushes. So they run in a coroutine: it hands over what it has decoded, and
// when the reader wants more than is there the coroutine waits for the next piece. It runs only within feed and finish, and
// stop ends it, which must be called for each start.
type decoder struct {
	in   []byte // coded bytes not read yet; the caller's
	last bool   // nothing comes behind in
	out  [outSize]byte
	err  error // why it ended: io.EOF when all is well

	yield func(int) bool          // the coroutine's side: so many bytes are in out, or 0: it waits for more in
	next  func() (n int, ok bool) // the caller's side
	end   func()

	// Readers are kept for the next body.
	buffer *bufio.Reader
	gzip   *gzip.Reader
	flate  io.ReadCloser

	memory int64 // what was taken from the pool's budget
}

// start makes d ready for a body.
func (d *decoder) start(c codings) {
	d.in, d.last, d.err = nil, false, nil
	d.next, d.end = iter.Pull(func(yield func(int) bool) {
		d.yield = yield
		d.err = d.run(c)
	})
}

// feed decodes the next piece and gives what comes out to sink, in pieces valid during the call, until sink says false.
// It tells whether decoding goes on; when not, d.err says why.
func (d *decoder) feed(coded []byte, sink func(decoded []byte) bool) bool {
	d.in = coded
	for {
		n, ok := d.next()
		if !ok {
			return false
		}
		if n == 0 {
			return true
		}
		if !sink(d.out[:n]) {
			d.stop()
			d.err = errStopped
			return false
		}
	}
}

// finish tells that the body is over, and gives what is left to sink.
func (d *decoder) finish(sink func(decoded []byte) bool) {
	d.last = true
	d.feed(nil, sink)
}

// whole tells, of a decoder that has ended, whether it came to the end of the coded bytes.
func (d *decoder) whole() bool { return d.err == io.EOF }

// stop ends the coroutine.
func (d *decoder) stop() {
	d.end()
	d.in = nil
}

// run is the coroutine.
func (d *decoder) run(c codings) (err error) {
	// The bytes are hostile and the libraries' own: what fails in them is a broken body, never more.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoding failed: %v", p)
		}
	}()
	r, err := d.open(c)
	if err != nil {
		return err
	}
	for {
		n, err := r.Read(d.out[:])
		if n > 0 && !d.yield(n) {
			return errStopped
		}
		if err != nil {
			return err
		}
	}
}

// Read gives coded bytes to the innermost reader, on the coroutine.
func (d *decoder) Read(p []byte) (int, error) {
	for len(d.in) == 0 {
		if d.last {
			return 0, io.EOF
		}
		if !d.yield(0) {
			return 0, errStopped
		}
	}
	n := copy(p, d.in)
	d.in = d.in[n:]
	return n, nil
}

// open makes the readers that undo the codings, the last one first.
func (d *decoder) open(c codings) (io.Reader, error) {
	if d.buffer == nil {
		d.buffer = bufio.NewReader(nil)
	}
	d.buffer.Reset(d)
	src, mine := d.buffer, true // mine: d's own readers are free
	var r io.Reader
	for i := c.n - 1; i >= 0; i-- {
		if r != nil {
			src = bufio.NewReader(r)
		}
		var err error
		switch c.list[i] {
		case codingGzip:
			r, err = d.openGzip(src, mine)
		case codingDeflate:
			r, err = d.openDeflate(src, mine)
		case codingBrotli:
			r = brotli.NewReader(src)
		}
		if err != nil {
			return nil, err
		}
		mine = false
	}
	return r, nil
}

func (d *decoder) openGzip(src *bufio.Reader, mine bool) (io.Reader, error) {
	z := d.gzip
	if z == nil || !mine {
		z = new(gzip.Reader)
	}
	if mine {
		d.gzip = z
	}
	m := &members{z: z, src: src}
	return m, m.open()
}

func (d *decoder) openDeflate(src *bufio.Reader, mine bool) (io.Reader, error) {
	// RFC 1950 §2.2: method 8 in the low bits, and the two bytes divide by 31. What is no such header is raw.
	if b, _ := src.Peek(2); len(b) == 2 && b[0]&0x0f == 8 && (int(b[0])<<8|int(b[1]))%31 == 0 {
		src.Discard(2)
	}
	if !mine {
		return flate.NewReader(src), nil
	}
	if d.flate == nil {
		d.flate = flate.NewReader(src)
		return d.flate, nil
	}
	return d.flate, d.flate.(flate.Resetter).Reset(src, nil)
}

// members reads gzip members one behind another (RFC 1952 §2.2), and passes over what is no member behind them.
type members struct {
	z   *gzip.Reader
	src *bufio.Reader
}

func (m *members) open() error {
	if err := m.z.Reset(m.src); err != nil {
		return err
	}
	m.z.Multistream(false)
	return nil
}

func (m *members) Read(p []byte) (int, error) {
	n, err := m.z.Read(p)
	if err != io.EOF {
		return n, err
	}
	if b, _ := m.src.Peek(2); len(b) == 2 && b[0] == 0x1f && b[1] == 0x8b {
		err = m.open()
	}
	return n, err
}
