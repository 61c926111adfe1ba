package stream

import (
	"io"
	"time"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/wire"
)

// inflow is a body on its way in: raw bytes are read into a buffer and become plain ones, chunk framing taken away,
// in the same place. Plain bytes wait in B[from:to], raw ones that were not looked at in B[raw:W].
type inflow struct {
	conn   *wire.Conn
	buf    *wire.Buffer
	kind   http1.BodyKind
	left   int64 // BodyLength: bytes that are not plain yet
	chunks http1.Chunks
	base   int // where the room for the body begins; the head stands before it
	from   int
	to     int
	raw    int
	done   bool  // no more bytes become plain
	total  int64 // plain bytes so far
	err    error // the sender broke the rules of chunks
}

// start begins a body behind the head that takes the first head unread bytes of buf.
func (b *inflow) start(conn *wire.Conn, buf *wire.Buffer, head int, kind http1.BodyKind, length int64) {
	b.chunks.Reset()
	b.conn, b.buf, b.kind, b.left = conn, buf, kind, length
	b.base = buf.R + head
	b.from, b.to, b.raw = b.base, b.base, b.base
	b.done, b.total, b.err = false, 0, nil
	b.decode()
}

// data is the plain bytes that wait.
func (b *inflow) data() []byte {
	if b.buf == nil {
		return nil
	}
	return b.buf.B[b.from:b.to]
}

// taken marks all plain bytes as used.
func (b *inflow) taken() { b.from = b.to }

// behind is the number of bytes that were read beyond the body's end.
func (b *inflow) behind() int { return b.buf.W - b.raw }

// decode makes raw bytes plain.
func (b *inflow) decode() {
	n := b.buf.W - b.raw
	switch b.kind {
	case http1.BodyNone:
		b.done = true
		return
	case http1.BodyChunked:
		b.decodeChunks()
		return
	case http1.BodyLength:
		n = int(min(b.left, int64(n)))
		b.left -= int64(n)
		b.done = b.left == 0
	}
	b.to, b.raw = b.to+n, b.raw+n
	b.total += int64(n)
}

func (b *inflow) decodeChunks() {
	for !b.done && b.raw < b.buf.W {
		off, n, used, done, err := b.chunks.Next(b.buf.B[b.raw:b.buf.W])
		if err != nil {
			b.err = err
			return
		}
		if at := b.raw + off; n > 0 && at != b.to {
			copy(b.buf.B[b.to:], b.buf.B[at:at+n])
		}
		b.to += n
		b.total += int64(n)
		b.raw += used
		b.done = done
		if used == 0 {
			return
		}
	}
}

// makeRoom moves what waits to the front of the body's room and says whether there is space to read into.
func (b *inflow) makeRoom() bool {
	if b.from == b.to && b.raw == b.buf.W {
		b.from, b.to, b.raw, b.buf.W = b.base, b.base, b.base, b.base
	}
	if b.buf.W < len(b.buf.B) && len(b.buf.B)-b.buf.W >= len(b.buf.B)/4 {
		return true
	}
	if b.from > b.base {
		b.to = b.base + copy(b.buf.B[b.base:], b.buf.B[b.from:b.to])
		b.from = b.base
	}
	b.buf.W = b.to + copy(b.buf.B[b.to:], b.buf.B[b.raw:b.buf.W])
	b.raw = b.to
	return b.buf.W < len(b.buf.B)
}

// fill reads once and decodes. It gives io.ErrUnexpectedEOF when the sender closed before the body's end, the
// *http1.ParseError of bad chunks, io.ErrShortBuffer when there is no room, or the read's error.
func (b *inflow) fill(until time.Time) error {
	if b.err != nil || b.done {
		return b.err
	}
	if !b.makeRoom() {
		return io.ErrShortBuffer
	}
	n, err := b.conn.Recv(b.buf.Room(), until)
	if err == io.EOF && b.kind == http1.BodyUntilClose {
		b.done = true
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	b.buf.W += n
	b.decode()
	return b.err
}

// outflow sends a body: as it is, in chunks, or, for HEAD, not at all.
type outflow struct {
	conn    *wire.Conn
	chunked bool
	none    bool
	tail    []byte // scratch for the end of chunks
}

// smallBody is up to how many bytes a body is copied behind its head instead of being sent from where it is.
const smallBody = 4 << 10

// send writes data behind what is already in out, which may be nil, in one system call when the socket has room; last
// ends the body with the given trailers. idle is as in wire.Conn.Send.
func (o *outflow) send(idle time.Duration, out *wire.Buffer, data []byte, last bool, trailers []byte) (int, error) {
	var head []byte
	if out != nil {
		head = out.Bytes()
	}
	if o.none {
		data, last = nil, false
	}
	tail := o.tail[:0]
	if o.chunked {
		if len(data) > 0 {
			tail = append(tail, '\r', '\n')
		}
		if last && !o.none {
			tail = http1.AppendLastChunk(tail, trailers)
		}
		o.tail = tail
	}
	if out == nil {
		var size [20]byte
		if o.chunked && len(data) > 0 {
			head = http1.AppendChunkSize(size[:0], len(data))
		}
		return o.conn.Send(idle, head, data, tail)
	}
	if o.chunked && len(data) > 0 {
		head = http1.AppendChunkSize(head, len(data))
	}
	if n := len(data) + len(tail); n <= smallBody && n <= cap(head)-len(head) {
		head = append(append(head, data...), tail...)
		return o.conn.Send(idle, head)
	}
	return o.conn.Send(idle, head, data, tail)
}

// bulkBody is how much of a body of known length must be left for it to go through a pipe in the kernel.
const bulkBody = 256 << 10

// bulk says whether what is left of the body is worth a pipe.
func (b *inflow) bulk(o *outflow) bool {
	return b.kind == http1.BodyLength && b.left >= bulkBody && b.from == b.to && !o.chunked && !o.none
}

// splice carries the rest of a body of known length from socket to socket inside the kernel. moved is told of every
// step. readFailed tells which side the error is of.
func (b *inflow) splice(o *outflow, recvIdle, sendIdle time.Duration, moved func(n int)) (readFailed bool, err error) {
	p, err := wire.NewPipe()
	if err != nil {
		return true, err
	}
	defer p.Close()
	for b.left > 0 {
		n, err := b.conn.SpliceTo(p, int(min(b.left, wire.SpliceStep)), after(time.Now(), recvIdle))
		if err == io.EOF {
			return true, io.ErrUnexpectedEOF
		}
		if err != nil {
			return true, err
		}
		b.left -= int64(n)
		b.total += int64(n)
		n, err = o.conn.SpliceFrom(p, sendIdle)
		moved(n)
		if err != nil {
			return false, err
		}
	}
	b.done = true
	return false, nil
}
