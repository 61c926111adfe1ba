package smtp

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// boundConn is a connection that no deadline can outlive: the SMTP library sets deadlines for each command and
// clears them while it sends the message; here every one of them is cut at the end of the whole delivery.
type boundConn struct {
	net.Conn
	heard int // bytes; one goroutine reads
	mu    sync.Mutex
	end   time.Time
}

func newBoundConn(c net.Conn, end time.Time) *boundConn {
	b := &boundConn{Conn: c, end: end}
	_ = c.SetDeadline(end)
	return b
}

// maxHeard bounds what a server may say in one delivery: the library keeps an answer of many lines whole.
const maxHeard = 1 << 20

var errTalkative = fmt.Errorf("the server sent more than %d KiB of answers", maxHeard>>10)

// Read reads until there is too much.
func (b *boundConn) Read(p []byte) (int, error) {
	if b.heard >= maxHeard {
		return 0, errTalkative
	}
	n, err := b.Conn.Read(p)
	b.heard += n
	return n, err
}

// SetDeadline sets t or the bound, whichever comes first; the zero t means the bound.
func (b *boundConn) SetDeadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Conn.SetDeadline(b.earlier(t))
}

// SetReadDeadline is SetDeadline for reading.
func (b *boundConn) SetReadDeadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Conn.SetReadDeadline(b.earlier(t))
}

// SetWriteDeadline is SetDeadline for writing.
func (b *boundConn) SetWriteDeadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Conn.SetWriteDeadline(b.earlier(t))
}

func (b *boundConn) earlier(t time.Time) time.Time {
	if t.IsZero() || t.After(b.end) {
		return b.end
	}
	return t
}

// limit moves the bound forward, never back.
func (b *boundConn) limit(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end = b.earlier(t)
	_ = b.Conn.SetDeadline(b.end)
}

// expire makes every read and write fail, now and later. Any goroutine may call it.
func (b *boundConn) expire() { b.limit(time.Unix(1, 0)) }
