package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxyproto"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// Conn is a connection to a server. It has one user at a time.
type Conn struct {
	wire.Conn
	Preface []byte // PROXY header to send in front of the first bytes; the sender empties it
	srv     *server
	local   netip.AddrPort
	remote  netip.AddrPort
	uses    int  // requests that it was taken for
	private bool // it speaks for one client (PROXY header, authentication): never shared
}

// Keep makes the connection the session's own: nobody else will use it.
func (c *Conn) Keep() { c.private = true }

// Reused says whether the connection has carried a request before the current one.
func (c *Conn) Reused() bool { return c.uses > 1 }

// discard closes the connection.
func (c *Conn) discard() { _ = c.Close() }

// bindTo takes the source address to connect from: the server's or the proxy's.
func (s *server) bindTo(own, proxys string) error {
	text := own
	if text == "" {
		text = proxys
	}
	if text == "" || text == "*" {
		return nil
	}
	if a, err := netip.ParseAddr(text); err == nil {
		s.local = netip.AddrPortFrom(a, 0)
		return nil
	}
	ap, err := netip.ParseAddrPort(text)
	if err != nil {
		return fmt.Errorf("server %s/%s: source %q is not an IP address with an optional port", s.pool.px.Name, s.Name, text)
	}
	s.local = ap
	return nil
}

// dial makes a new connection for the client of tx; ctx ends the attempt.
func (s *server) dial(ctx context.Context, tx *txn.Txn, client *wire.Conn) (*Conn, error) {
	m, outer := s.pool.m, ctx
	if client != nil && m.Options.AbortOnClose {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		defer watch(client, func() { cancel(ErrClientGone) })()
	}
	d := net.Dialer{Timeout: m.Timeouts.Connect, KeepAlive: -1}
	if m.Options.SrvtcpKA {
		d.KeepAlive = 0 // the default period
	}
	nc, err := s.connect(ctx, &d, tx)
	if err != nil {
		s.ErrConn.Add(1)
		var ne net.Error
		switch {
		case errors.Is(context.Cause(ctx), ErrClientGone):
			return nil, ErrClientGone
		case outer.Err() != nil:
			return nil, ErrClosed
		case errors.As(err, &ne) && ne.Timeout():
			return nil, fmt.Errorf("%w: %v", ErrConnectTimeout, err)
		}
		return nil, fmt.Errorf("%w: %v", ErrConnect, err)
	}
	c := &Conn{srv: s}
	if err := c.Init(nc); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("%w: %v", ErrConnect, err)
	}
	if t, ok := nc.(*net.TCPConn); ok {
		c.local = t.LocalAddr().(*net.TCPAddr).AddrPort()
		c.remote = t.RemoteAddr().(*net.TCPAddr).AddrPort()
	}
	if s.Model.SendProxy > 0 {
		c.private = true
		c.Preface = proxyproto.Append(nil, s.Model.SendProxy, tx.Conn.Src, tx.Conn.Dst)
	}
	return c, nil
}

// connect dials the server's address as it is now.
func (s *server) connect(ctx context.Context, d *net.Dialer, tx *txn.Txn) (net.Conn, error) {
	a := &s.Model.Addr
	switch a.Kind {
	case model.AddrUnix:
		return d.DialUnix(ctx, "unix", nil, &net.UnixAddr{Name: a.Path, Net: "unix"})
	case model.AddrAbstract:
		addr, err := wire.AbstractAddr(a.Path)
		if err != nil {
			return nil, err
		}
		return d.DialUnix(ctx, "unix", nil, addr)
	}
	p := s.Addr.Load()
	if p == nil {
		return nil, errors.New("the server's address is not known")
	}
	to := *p
	switch {
	case a.PortOffset:
		to = netip.AddrPortFrom(to.Addr(), uint16(int(tx.Conn.Dst.Port())+a.Port))
	case a.NoPort:
		to = netip.AddrPortFrom(to.Addr(), tx.Conn.Dst.Port())
	}
	return d.DialTCP(ctx, "tcp", s.local, to)
}

// watch calls f when the client goes away before the returned function is called.
func watch(client *wire.Conn, f func()) (stop func()) {
	var over atomic.Bool
	var look func()
	look = func() {
		switch {
		case over.Load():
		case gone(client):
			f()
		default:
			time.AfterFunc(clientLook, look)
		}
	}
	first := time.AfterFunc(clientLook, look)
	return func() {
		over.Store(true)
		first.Stop()
	}
}
