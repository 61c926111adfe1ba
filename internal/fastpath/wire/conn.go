// Package wire moves bytes between sockets and pooled memory with as few system calls as the traffic allows: a
// connection that waits holds no buffer, deadlines are told to the poller only when they would come too late, and an
// answer leaves in one call.
//
// It speaks to the kernel through syscall.RawConn, so goroutines wait in the runtime's poller as with package net.
package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrTimeout is returned when the time given for a wait is over. It is an os.ErrDeadlineExceeded.
var ErrTimeout = fmt.Errorf("timeout: %w", os.ErrDeadlineExceeded)

// ErrInterrupted is returned by a read that Interrupt ended.
var ErrInterrupted = errors.New("interrupted")

// ErrNoSocket is returned for a connection that is not a plain socket.
var ErrNoSocket = errors.New("the connection is not a socket")

// Conn is a stream socket. Its read side (what receives) belongs to one goroutine at a time and so does its write side (what
// sends); they may be two. Close, CloseWrite, Peek and Interrupt may be called from any.
type Conn struct {
	nc    net.Conn
	raw   syscall.RawConn
	rd    reader
	wr    writer
	abort atomic.Bool // Interrupt was called
}

// reader is the read side's state, shared with the closure that RawConn runs.
type reader struct {
	deadline
	try   func(fd uintptr) bool // made once, so that waiting allocates nothing
	pools *Pools                // take a buffer from here when bytes are there; nil: read into p
	full  bool                  // which size to take
	buf   *Buffer               // what was taken
	p     []byte
	n     int
	err   error
	ask   bool // Exchange: send before the first wait
	asked bool // Exchange: it was sent, in whole or in part
}

// writer is the write side's.
type writer struct {
	deadline
	try  func(fd uintptr) bool
	iov  [maxParts]syscall.Iovec
	part int // next part to send
	n    int // parts
	sent int
	wait bool // let RawConn wait when the socket is full
	full bool // the socket was full
	err  error
}

// New takes a connected socket over.
func New(nc net.Conn) (*Conn, error) {
	c := new(Conn)
	return c, c.Init(nc)
}

// Init makes the zero Conn ready. It is for Conns inside other structures.
func (c *Conn) Init(nc net.Conn) error {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return ErrNoSocket
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	c.nc, c.raw = nc, raw
	c.rd.try = c.tryRecv
	c.wr.try = c.trySend
	return nil
}

// NetConn is the connection below.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Close closes the socket at once; waits end with an error.
func (c *Conn) Close() error { return c.nc.Close() }

// CloseWrite tells the peer that no more bytes come.
func (c *Conn) CloseWrite() error {
	if h, ok := c.nc.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return nil
}

// deadline remembers which deadline the poller knows, to tell it only what it must know: an earlier one. One that
// fires too early costs a wake-up and is set again.
type deadline struct{ armed time.Time }

// due says whether until must be told to the poller, and takes note that it is.
func (d *deadline) due(until time.Time) bool {
	if until.IsZero() || !d.armed.IsZero() && !d.armed.After(until) {
		return false
	}
	d.armed = until
	return true
}

// Recv reads into p what is there, at least one byte, waiting until the given moment (zero: for ever). At the end of
// the stream it gives io.EOF.
func (c *Conn) Recv(p []byte, until time.Time) (int, error) {
	c.rd.p, c.rd.pools = p, nil
	if err := c.receive(until); err != nil {
		return 0, err
	}
	return c.rd.n, nil
}

// RecvBuffer is Recv into a buffer that is taken from pools once bytes are there.
func (c *Conn) RecvBuffer(pools *Pools, full bool, until time.Time) (*Buffer, error) {
	c.rd.p, c.rd.pools, c.rd.full = nil, pools, full
	if err := c.receive(until); err != nil {
		return nil, err
	}
	return c.rd.take(), nil
}

// WaitReadable waits until a read would not: bytes, the end or an error are there. It takes nothing, and little stack.
func (c *Conn) WaitReadable(until time.Time) error {
	c.rd.p, c.rd.pools = nil, nil
	return c.receive(until)
}

func (r *reader) take() *Buffer {
	b := r.buf
	r.buf = nil
	b.W = r.n
	return b
}

// receive runs try until it is done or until is over.
func (c *Conn) receive(until time.Time) error {
	r := &c.rd
	for {
		if r.due(until) {
			if err := c.nc.SetReadDeadline(until); err != nil {
				return err
			}
		}
		if c.abort.Load() {
			return ErrInterrupted
		}
		err := c.raw.Read(r.try)
		if err == nil {
			return r.err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if c.abort.Load() {
			return ErrInterrupted
		}
		if !until.IsZero() && !time.Now().Before(until) {
			return ErrTimeout
		}
		r.armed = time.Time{}
		if until.IsZero() {
			if err := c.nc.SetReadDeadline(until); err != nil {
				return err
			}
		}
	}
}

// tryRecv is one attempt to read; false means "wait for more".
func (c *Conn) tryRecv(fd uintptr) bool {
	r := &c.rd
	r.n, r.err = 0, nil
	if r.p == nil && r.pools == nil { // WaitReadable
		var b [1]byte
		_, errno := recv(fd, b[:], syscall.MSG_PEEK)
		return errno != syscall.EAGAIN
	}
	p := r.p
	if r.pools != nil {
		if r.full {
			r.buf = r.pools.Full()
		} else {
			r.buf = r.pools.Small()
		}
		p = r.buf.B
	}
	n, errno := recv(fd, p, 0)
	if n > 0 {
		r.n = n
		return true
	}
	if r.pools != nil {
		r.pools.Put(r.buf)
		r.buf = nil
	}
	switch {
	case errno == syscall.EAGAIN:
		if r.ask {
			// The poller's state was cleared before this attempt: what comes from now on wakes us.
			r.ask, r.asked = false, true
			c.wr.wait = false
			c.trySend(fd)
			if c.wr.err != nil || c.wr.full {
				return true
			}
		}
		return false
	case errno != 0:
		r.err = os.NewSyscallError("recv", errno)
	default:
		r.err = io.EOF
	}
	return true
}

// Interrupt makes the read that waits, and every later one, return ErrInterrupted, until Resume.
func (c *Conn) Interrupt() {
	c.abort.Store(true)
	_ = c.nc.SetReadDeadline(time.Unix(1, 0))
}

// Resume undoes Interrupt. It is called by the goroutine that reads, when no Interrupt can be under way.
func (c *Conn) Resume() {
	if c.abort.Load() {
		c.abort.Store(false)
		c.rd.armed = time.Time{}
		_ = c.nc.SetReadDeadline(time.Time{})
	}
}

// Peek says without taking bytes what reading would give now: the number of bytes at hand (at most 1), io.EOF or the
// socket's error, or 0 and nil when there is nothing yet.
func (c *Conn) Peek() (n int, err error) {
	var b [1]byte
	var errno syscall.Errno
	if err := c.raw.Control(func(fd uintptr) { n, errno = recv(fd, b[:], syscall.MSG_PEEK) }); err != nil {
		return 0, err
	}
	switch {
	case n > 0:
		return n, nil
	case errno == syscall.EAGAIN:
		return 0, nil
	case errno != 0:
		return 0, os.NewSyscallError("recv", errno)
	}
	return 0, io.EOF
}
