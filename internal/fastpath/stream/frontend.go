package stream

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
)

// Frontend serves the client connections of one proxy. All methods may be called from any goroutine.
type Frontend struct {
	Config
	m       *model.Proxy
	streams sync.Pool

	forwardFor, originalTo *addressHeader

	stopping atomic.Bool // take no new requests on connections that had one
	hasty    atomic.Bool // and wait for no first ones

	ctx  context.Context // ends at Kill: waits for servers end with it
	kill context.CancelFunc

	mu      sync.Mutex
	clients client // ring of the connections that are served
	count   int
	killed  bool
	empty   chan struct{} // made by Drain, closed when count falls to 0
	haste   *time.Timer   // makes it hasty, from Stop to Kill
}

// New makes a Frontend.
func New(c Config) (*Frontend, error) {
	f := &Frontend{Config: c, m: c.Proxy.Model}
	f.forwardFor, f.originalTo = newAddressHeader(f.m.Options.ForwardFor), newAddressHeader(f.m.Options.OriginalTo)
	if f.IDs == nil {
		f.IDs = new(atomic.Uint64)
	}
	f.ctx, f.kill = context.WithCancel(context.Background())
	// A body needs room behind its head.
	if most := c.Pools.Size() - bodyRoom; f.Limits.MaxHead <= 0 || f.Limits.MaxHead > most {
		f.Limits.MaxHead = most
	}
	f.streams.New = func() any { return newStream(f) }
	f.clients.next, f.clients.prev = &f.clients, &f.clients
	return f, nil
}

// bodyRoom is the part of a buffer that no head takes.
const bodyRoom = 1 << 10

// Start serves a client connection on goroutines of its own: it returns at once, and calls over when the connection is
// closed. src and dst are what a PROXY protocol header told; zero ones mean the socket's.
func (f *Frontend) Start(nc net.Conn, l *proxy.Listener, src, dst netip.AddrPort, over func()) {
	c := f.admitted(nc, l, src, dst)
	if c == nil {
		over()
		return
	}
	c.over = over
	go c.begin()
}

// admitted takes a connection over; nil: it was closed.
func (f *Frontend) admitted(nc net.Conn, l *proxy.Listener, src, dst netip.AddrPort) *client {
	c := &client{front: f}
	if err := c.conn.Init(nc); err != nil {
		_ = nc.Close()
		return nil
	}
	c.info.RealSrc, c.info.RealDst = addrPort(nc.RemoteAddr()), addrPort(nc.LocalAddr())
	c.info.Src, c.info.Dst = c.info.RealSrc, c.info.RealDst
	if src.IsValid() && dst.IsValid() {
		c.info.Src, c.info.Dst, c.info.ProxyProto = src, dst, true
	}
	_, c.info.Unix = nc.(*net.UnixConn)
	c.info.Listener = l
	c.info.Accepted = time.Now()
	c.ready = c.info.Accepted
	if !f.add(c) {
		_ = nc.Close()
		return nil
	}
	f.counted(c, 1)
	return c
}

// counted counts a connection that begins or ends.
func (f *Frontend) counted(c *client, n int64) {
	now := c.info.Accepted.UnixNano()
	for _, counts := range c.counts() {
		if counts == nil {
			continue
		}
		cur := counts.Conns.Add(n)
		if n < 0 {
			continue
		}
		counts.ConnsTot.Add(1)
		counts.ConnRate.Add(now, 1)
		for m := counts.ConnsMax.Load(); cur > m && !counts.ConnsMax.CompareAndSwap(m, cur); m = counts.ConnsMax.Load() {
		}
	}
}

// add takes a client into the ring; false: the frontend was killed.
func (f *Frontend) add(c *client) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.killed {
		return false
	}
	c.prev, c.next = f.clients.prev, &f.clients
	c.prev.next, c.next.prev = c, c
	f.count++
	return true
}

func (f *Frontend) remove(c *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.prev.next, c.next.prev = c.next, c.prev
	c.next, c.prev = nil, nil
	f.count--
	if f.count == 0 && f.empty != nil {
		close(f.empty)
		f.empty = nil
	}
}

// Clients is the number of connections being served.
func (f *Frontend) Clients() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// firstGrace is how long after Stop a connection may take for its first request. It was accepted a moment ago: its client
// has not been told of any end, and its request is on the way.
const firstGrace = time.Second

// Stop begins the graceful stop: connections between two requests close, the others after the answer to the request they
// are at, or to their first one if that comes soon. Connections in tcp mode go on.
func (f *Frontend) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopping.Swap(true) {
		return
	}
	f.closeAll(idle)
	if f.killed {
		return
	}
	f.haste = time.AfterFunc(firstGrace, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.hasty.Store(true)
		f.closeAll(fresh)
	})
}

// closeAll closes the connections in a state; the lock is held.
func (f *Frontend) closeAll(state int32) {
	for c := f.clients.next; c != &f.clients; c = c.next {
		c.closeIf(state)
	}
}

// Drain waits until no connection is left; false: ctx ended first.
func (f *Frontend) Drain(ctx context.Context) bool {
	f.mu.Lock()
	if f.count == 0 {
		f.mu.Unlock()
		return true
	}
	if f.empty == nil {
		f.empty = make(chan struct{})
	}
	empty := f.empty
	f.mu.Unlock()
	select {
	case <-empty:
		return true
	case <-ctx.Done():
		return false
	}
}

// Kill closes all connections, those to servers too, and refuses new ones. Their goroutines end soon; Drain waits for
// them.
func (f *Frontend) Kill() {
	f.stopping.Store(true)
	f.hasty.Store(true)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.killed = true
	if f.haste != nil {
		f.haste.Stop()
	}
	f.kill()
	for c := f.clients.next; c != &f.clients; c = c.next {
		c.kill()
	}
}

// addrPort takes the IP address and port out of an address; zero for unix sockets.
func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// idleUntil is when a connection that waits for its next request is closed.
func (f *Frontend) idleUntil(now time.Time) time.Time {
	t := &f.m.Timeouts
	return after(now, first(t.HTTPKeepAlive, t.HTTPRequest, t.Client))
}

// first gives the first duration that is set.
func first(ds ...time.Duration) time.Duration {
	for _, d := range ds {
		if d > 0 {
			return d
		}
	}
	return 0
}

// after is the moment d from now; never (zero) when d is not set.
func after(now time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return now.Add(d)
}
