// Package socket is the client socket that scripts get from core.tcp(): blocking, with one timeout for every
// operation, and with LuaSocket's ways of receiving. It knows nothing of Lua.
package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Errors that scripts compare with, by their text (lua-api, Socket.receive).
var (
	ErrClosed  = errors.New("closed")
	ErrTimeout = errors.New("timeout")
)

const (
	connectTimeout = 5 * time.Second // where settimeout was not called
	maxReceive     = 64 << 20        // bytes that one receive may give
	readSize       = 16 << 10
)

// Socket is one connection, or none yet. One goroutine at a time may use it; Close may be called from any.
type Socket struct {
	Open *atomic.Int64 // counts sockets with a connection; may be nil

	timeout time.Duration // 0: none

	mu     sync.Mutex
	conn   net.Conn
	closed bool

	buf  []byte // received and not yet given
	off  int
	dead error // why nothing more can be received
}

// SetTimeout bounds every following operation; 0 or less: no bound.
func (s *Socket) SetTimeout(d time.Duration) { s.timeout = max(d, 0) }

// Close closes the connection. It never fails and may be called again.
func (s *Socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil && !s.closed {
		s.conn.Close()
		s.count(-1)
	}
	s.closed = true
	return nil
}

func (s *Socket) count(n int64) {
	if s.Open != nil {
		s.Open.Add(n)
	}
}

// Connected gives the connection, or nil.
func (s *Socket) connected() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	return s.conn
}

// Connect connects. address is an address of configuration.txt §11: an IP address or a name with the port behind it
// or in port (0: not given), "/path", "unix@", "abns@", "ipv4@", "ipv6@", "fd@".
func (s *Socket) Connect(ctx context.Context, address string, port int) error {
	s.mu.Lock()
	used := s.closed || s.conn != nil
	s.mu.Unlock()
	if used {
		return errors.New("this socket was used before; make a new one with core.tcp()")
	}
	timeout := s.timeout
	if timeout == 0 {
		timeout = connectTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := dial(ctx, address, port)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
			return ErrTimeout
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return ErrClosed
	}
	s.conn = conn
	s.count(1)
	return nil
}

func dial(ctx context.Context, address string, port int) (net.Conn, error) {
	if n, ok := strings.CutPrefix(address, "fd@"); ok {
		return fromFD(n)
	}
	network, addr, err := target(address, port)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("can't connect to %s: %w", addr, cause(err))
	}
	return conn, nil
}

// cause leaves out what net repeats.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

func fromFD(text string) (net.Conn, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("fd@%s is no file descriptor", text)
	}
	f := os.NewFile(uintptr(n), "fd@"+text)
	defer f.Close()
	return net.FileConn(f)
}

// target splits an address for package net.
func target(address string, port int) (network, addr string, err error) {
	switch {
	case strings.HasPrefix(address, "/"):
		return "unix", address, nil
	case strings.HasPrefix(address, "unix@"):
		return "unix", address[5:], nil
	case strings.HasPrefix(address, "abns@"):
		return "unix", "@" + address[5:], nil
	}
	network = "tcp"
	if rest, ok := strings.CutPrefix(address, "ipv4@"); ok {
		network, address = "tcp4", rest
	} else if rest, ok := strings.CutPrefix(address, "ipv6@"); ok {
		network, address = "tcp6", rest
	}
	host := address
	if port == 0 {
		i := strings.LastIndexByte(address, ':')
		if i < 0 {
			return "", "", fmt.Errorf("address %q has no port; give it as the second argument", address)
		}
		host = address[:i]
		if port, err = strconv.Atoi(address[i+1:]); err != nil {
			return "", "", fmt.Errorf("address %q has no port; give it as the second argument", address)
		}
	}
	if port < 1 || port > 65535 {
		return "", "", fmt.Errorf("port %d is not between 1 and 65535", port)
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return network, net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// bound applies the timeout to conn and lets ctx break off what blocks. The returned function ends that.
func (s *Socket) bound(ctx context.Context, conn net.Conn) func() bool {
	var end time.Time
	if s.timeout > 0 {
		end = time.Now().Add(s.timeout)
	}
	conn.SetDeadline(end)
	return context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
}

// fill receives some more bytes. The timeout is one of silence: it starts anew with every call.
func (s *Socket) fill(ctx context.Context) error {
	conn := s.connected()
	if conn == nil {
		return ErrClosed
	}
	if s.dead != nil {
		return s.dead
	}
	if s.off > 0 && s.off == len(s.buf) {
		s.buf, s.off = s.buf[:0], 0
	}
	if cap(s.buf)-len(s.buf) < readSize/4 {
		grown := make([]byte, len(s.buf)-s.off, 2*(len(s.buf)-s.off)+readSize)
		copy(grown, s.buf[s.off:])
		s.buf, s.off = grown, 0
	}
	stop := s.bound(ctx, conn)
	n, err := conn.Read(s.buf[len(s.buf):cap(s.buf)])
	stop()
	s.buf = s.buf[:len(s.buf)+n]
	switch {
	case n > 0:
		return nil
	case ctx.Err() != nil:
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrTimeout
	}
	s.dead = ErrClosed
	return s.dead
}

func (s *Socket) pending() []byte { return s.buf[s.off:] }

// give takes n bytes out of the buffer.
func (s *Socket) give(n int) []byte {
	b := s.buf[s.off : s.off+n]
	s.off += n
	return b
}

var errTooLong = fmt.Errorf("more than %d MiB came at once", maxReceive>>20)

// What the three ways of receiving do at the end is HAProxy's, not LuaSocket's as lua-api has it: scripts that loop until
// they get nothing would lose the last part. The connection's end makes what came before it a result; the error comes
// with the next call, when there is nothing left to give. For Bytes and All so does a timeout.

// Line receives up to the next line feed, which is left out together with a carriage return before it. With an error
// comes what was received so far. The bytes are valid until the next call.
func (s *Socket) Line(ctx context.Context) ([]byte, error) {
	for seen := 0; ; {
		p := s.pending()
		for i := seen; i < len(p); i++ {
			if p[i] == '\n' {
				s.off += i + 1
				if i > 0 && p[i-1] == '\r' {
					i--
				}
				return p[:i], nil
			}
		}
		seen = len(p)
		if seen > maxReceive {
			return s.give(seen), errTooLong
		}
		if err := s.fill(ctx); err != nil {
			if err == ErrClosed && s.dead != nil {
				return s.rest(err)
			}
			return s.give(seen), err
		}
	}
}

// rest gives what was received, or err where that is nothing.
func (s *Socket) rest(err error) ([]byte, error) {
	if len(s.pending()) > 0 {
		err = nil
	}
	return s.give(len(s.pending())), err
}

// Bytes receives n bytes, fewer when the connection ends or falls silent.
func (s *Socket) Bytes(ctx context.Context, n int) ([]byte, error) {
	if n > maxReceive {
		return nil, errTooLong
	}
	for len(s.pending()) < n {
		if err := s.fill(ctx); err != nil {
			return s.rest(err)
		}
	}
	return s.give(max(n, 0)), nil
}

// All receives up to the end of the connection, or until it falls silent.
func (s *Socket) All(ctx context.Context) ([]byte, error) {
	for len(s.pending()) <= maxReceive {
		if err := s.fill(ctx); err != nil {
			return s.rest(err)
		}
	}
	return s.give(len(s.pending())), errTooLong
}

// Send sends p and returns how many bytes went out.
func (s *Socket) Send(ctx context.Context, p []byte) (int, error) {
	conn := s.connected()
	if conn == nil {
		return 0, ErrClosed
	}
	stop := s.bound(ctx, conn)
	defer stop()
	n, err := conn.Write(p)
	switch {
	case err == nil:
		return n, nil
	case ctx.Err() == nil && errors.Is(err, os.ErrDeadlineExceeded):
		return n, ErrTimeout
	case errors.Is(err, io.ErrShortWrite):
		return n, err
	}
	return n, ErrClosed
}

// Names are the addresses of the two ends, "ip:port" or a path; ok is false when there is no connection.
func (s *Socket) Names() (peer, own string, ok bool) {
	conn := s.connected()
	if conn == nil {
		return "", "", false
	}
	return name(conn.RemoteAddr()), name(conn.LocalAddr()), true
}

func name(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String()
	}
	return a.String()
}
