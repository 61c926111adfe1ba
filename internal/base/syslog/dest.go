package syslog

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dest writes batches of lines to one place. It belongs to one goroutine.
//
// send delivers the lines of batch, whose lengths are in sizes, and removes from sizes those it has delivered. With
// an error, the rest is to be sent again later. lost is how many lines the last send removed without delivering them.
type dest interface {
	send(ctx context.Context, batch []byte, sizes *[]int) error
	lost() int
	close()
}

func newDest(t Target, o Options) dest {
	switch t.Network {
	case "fd":
		return &fdDest{fd: t.FD}
	case "udp", "unixgram":
		return &packetDest{link: link{t: t, o: o}}
	}
	return &streamDest{link: link{t: t, o: o}}
}

// link is a connection that is made when it is needed.
type link struct {
	t    Target
	o    Options
	conn net.Conn
}

func (l *link) open(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	d := net.Dialer{Timeout: l.o.WriteTimeout}
	conn, err := d.DialContext(ctx, l.t.Network, l.t.Addr)
	if err != nil {
		return err
	}
	l.conn = conn
	return nil
}

func (l *link) close() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

// write writes b with a deadline, and stops early when ctx ends.
func (l *link) write(ctx context.Context, b []byte) (int, error) {
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.o.WriteTimeout))
	conn := l.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	return l.conn.Write(b)
}

// packetDest sends one datagram for each line.
type packetDest struct {
	link
	gone int
}

func (p *packetDest) lost() int { return p.gone }

func (p *packetDest) send(ctx context.Context, batch []byte, sizes *[]int) error {
	p.gone = 0
	if err := p.open(ctx); err != nil {
		return err
	}
	for len(*sizes) > 0 {
		line := batch[:(*sizes)[0]]
		_, err := p.write(ctx, line)
		if errors.Is(err, unix.ECONNREFUSED) && p.t.Network == "udp" {
			// The kernel reports here that an earlier datagram found nobody; this one was not sent.
			_, err = p.write(ctx, line)
			if errors.Is(err, unix.ECONNREFUSED) {
				return err
			}
		}
		if errors.Is(err, unix.EMSGSIZE) {
			p.gone++
			err = nil // no retry will make it smaller
		}
		if err != nil {
			p.close()
			return err
		}
		batch, *sizes = batch[len(line):], (*sizes)[1:]
	}
	return nil
}

// streamDest sends lines over a stream, framed by a newline or by their length.
//
// A batch whose writing failed half way is sent again as a whole on the next connection: a line may come twice, none
// is lost unnoticed.
type streamDest struct {
	link
	out []byte
}

func (s *streamDest) lost() int { return 0 }

func (s *streamDest) send(ctx context.Context, batch []byte, sizes *[]int) error {
	if s.conn != nil && !alive(s.conn) {
		s.close()
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	out := batch
	if s.t.OctetCount {
		s.out = s.out[:0]
		rest := batch
		for _, n := range *sizes {
			s.out = strconv.AppendInt(s.out, int64(n-1), 10) // the newline is not part of the message here
			s.out = append(s.out, ' ')
			s.out = append(s.out, rest[:n-1]...)
			rest = rest[n:]
		}
		out = s.out
	}
	if _, err := s.write(ctx, out); err != nil {
		s.close()
		return err
	}
	*sizes = (*sizes)[:0]
	return nil
}

// alive looks, without waiting, whether the other side has closed the stream. Without it, the lines of the first
// write after a server's restart would vanish.
func alive(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	open := true
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		open = n > 0 || err == unix.EAGAIN || err == unix.EINTR
		return true
	})
	return err == nil && open
}

// fdDest writes to an open descriptor that may be a pipe which nobody empties.
type fdDest struct {
	fd   int
	gone int
}

func (f *fdDest) close()    {}
func (f *fdDest) lost() int { return f.gone }

// send waits until the descriptor takes bytes, looking at ctx in between. A pipe that is ready takes at least
// PIPE_BUF bytes, so a write of that size or less does not block.
func (f *fdDest) send(ctx context.Context, batch []byte, sizes *[]int) error {
	const pipeBuf = 4096
	f.gone = 0
	for len(*sizes) > 0 {
		n, lines := 0, 0
		for _, size := range *sizes {
			if lines > 0 && n+size > pipeBuf {
				break
			}
			n += size
			lines++
		}
		for rest := batch[:n]; len(rest) > 0; {
			if err := f.ready(ctx); err != nil {
				return err
			}
			w, err := unix.Write(f.fd, rest[:min(len(rest), pipeBuf)])
			if err != nil && err != unix.EAGAIN && err != unix.EINTR {
				f.gone = lines
				*sizes = (*sizes)[lines:]
				return err
			}
			rest = rest[max(w, 0):]
		}
		batch, *sizes = batch[n:], (*sizes)[lines:]
	}
	return nil
}

func (f *fdDest) ready(ctx context.Context) error {
	for {
		p := []unix.PollFd{{Fd: int32(f.fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(p, 50)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && err != unix.EINTR:
			return err
		case n > 0 && p[0].Revents&unix.POLLNVAL != 0:
			return io.ErrClosedPipe
		case n > 0:
			return nil
		}
	}
}
