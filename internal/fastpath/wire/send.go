package wire

import (
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// maxParts is how many pieces one Send takes.
const maxParts = 3

// Send writes all parts, in one system call when the socket has room. idle bounds every wait for room that brings no
// progress (0: no bound); when it strikes the error is ErrTimeout. It returns the number of bytes the kernel took.
func (c *Conn) Send(idle time.Duration, parts ...[]byte) (int, error) {
	c.wr.load(parts)
	return c.flush(idle)
}

// load lines parts up for trySend. The memory stays alive through the caller's parts.
func (w *writer) load(parts [][]byte) {
	w.part, w.n, w.sent, w.full, w.err = 0, 0, 0, false, nil
	for _, p := range parts {
		if len(p) == 0 {
			continue
		}
		w.iov[w.n].Base = &p[0]
		w.iov[w.n].SetLen(len(p))
		w.n++
	}
}

// clear lets go of the caller's memory.
func (w *writer) clear() {
	for i := range w.n {
		w.iov[i] = syscall.Iovec{}
	}
	w.n = 0
}

// flush sends what load lined up.
func (c *Conn) flush(idle time.Duration) (int, error) {
	w := &c.wr
	w.wait = false
	var until time.Time
	for {
		before := w.sent
		w.full = false
		err := c.raw.Write(w.try)
		if err == nil && (w.err != nil || !w.full) {
			w.clear()
			return w.sent, w.err
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			w.clear()
			return w.sent, err
		}
		// The socket is full, or a deadline set for an earlier wait is over.
		now := time.Now()
		if idle > 0 && (until.IsZero() || w.sent > before) {
			until = now.Add(idle)
		}
		if err != nil {
			w.armed = time.Time{}
			if !until.IsZero() && !now.Before(until) {
				w.clear()
				return w.sent, ErrTimeout
			}
		}
		if w.due(until) || err != nil {
			if err := c.nc.SetWriteDeadline(until); err != nil {
				w.clear()
				return w.sent, err
			}
		}
		w.wait = true
	}
}

// trySend sends as much as the socket takes; false means "wait for room". After a wait it returns once there was
// progress, so that the idle time starts again.
func (c *Conn) trySend(fd uintptr) bool {
	w := &c.wr
	start := w.sent
	for w.part < w.n {
		n, errno := sendv(fd, w.iov[w.part:w.n])
		if errno == syscall.EAGAIN {
			w.full = true
			return !w.wait || w.sent > start
		}
		if errno != 0 {
			w.err = os.NewSyscallError("send", errno)
			return true
		}
		w.advance(n)
	}
	return true
}

// advance takes n sent bytes off the parts.
func (w *writer) advance(n int) {
	w.sent += n
	for n > 0 {
		v := &w.iov[w.part]
		if uint64(n) < v.Len {
			v.Base = (*byte)(unsafe.Add(unsafe.Pointer(v.Base), n))
			v.Len -= uint64(n)
			return
		}
		n -= int(v.Len)
		w.part++
	}
}

// Exchange sends a request on a connection that should have nothing to read and waits for the first bytes of the
// answer; they come in a full buffer from pools. Sent is false when not one byte of the request left, because the peer
// had closed before or the first write failed: then nothing happened that the peer could have acted on. sendIdle
// bounds waits for room as in Send.
//
// One read before the request shows whether an idle connection is still good, and at the same time is the attempt
// that has to come before a wait: the answer costs one successful read more and nothing else.
func (c *Conn) Exchange(pools *Pools, sendIdle time.Duration, until time.Time, parts ...[]byte) (in *Buffer, sent bool, err error) {
	c.wr.load(parts)
	c.rd.p, c.rd.pools, c.rd.full = nil, pools, true
	c.rd.ask, c.rd.asked = true, false
	for {
		err = c.receive(until)
		c.rd.ask = false
		sent = c.wr.sent > 0
		switch {
		case err != nil:
			c.wr.clear()
			return nil, sent, err
		case c.rd.asked && c.wr.err != nil:
			err = c.wr.err
			c.wr.clear()
			return nil, sent, err
		case c.rd.asked && c.wr.full:
			if _, err = c.flush(sendIdle); err != nil {
				return nil, true, err
			}
			continue
		}
		c.wr.clear()
		return c.rd.take(), sent, nil
	}
}
