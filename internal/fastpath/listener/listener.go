// Package listener opens the sockets of bind lines, accepts connections within the limits that are configured, and
// hands each to whoever serves it.
//
//	Open    binds, or takes a socket that another process has; the kernel queues connections from now on.
//	Run     accepts until Stop, and returns when the last accepted connection was served.
//	Share   gives the socket to another process, which takes connections from the same queue.
//	Stop    closes the listening socket; accepted connections go on.
//	Close   is Stop, and closes the connections that are not yet handed over too.
package listener

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/proxyproto"
)

// Handler serves connections.
type Handler interface {
	// Start takes a connection over and returns at once; over is called when the connection is closed. src and dst are
	// the addresses that a PROXY protocol header named; zero ones mean the socket's.
	Start(c net.Conn, l *proxy.Listener, src, dst netip.AddrPort, over func())
}

// Options say what to listen on and for whom.
type Options struct {
	Listener *proxy.Listener // Model is the bind line
	Handler  Handler
	// Limits that the connections count against beside the bind line's own maxconn: the frontend's and the
	// process's. A nil Limit is none.
	Limits []*Limit
	// Inherited are sockets to be used, where one fits, in place of a new one.
	Inherited *Inherited
	// Backlog is the length of the kernel's queue when the bind line gives none; 0 leaves it to the system.
	Backlog int
	// HeaderTimeout bounds the wait for a PROXY protocol header; 0 means DefaultHeaderTimeout.
	HeaderTimeout time.Duration
	// KeepAlive makes the kernel probe silent connections (option clitcpka).
	KeepAlive bool
	// Report is told what goes wrong after Open: accepting fails, a PROXY protocol header is bad. It must not block;
	// any goroutine calls it. It may be nil.
	Report func(error)
}

// DefaultHeaderTimeout is how long a connection may take for its PROXY protocol header when nothing else is said.
const DefaultHeaderTimeout = 10 * time.Second

// Accepting is tried again after a failure, the system being out of descriptors say, after a pause between these.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// Listener is an open listening socket. All methods may be called from any goroutine; Run once.
type Listener struct {
	opts   Options
	bind   *model.Bind
	sock   *socket
	limits []*Limit
	stop   chan struct{} // closed by Stop
	cut    chan struct{} // closed by Close
	idle   chan struct{} // closed when Run has ended; nil: it did not begin. Guarded by mu
	once   sync.Once
	conns  sync.WaitGroup

	mu     sync.Mutex
	early  map[net.Conn]struct{} // connections whose PROXY protocol header is awaited
	closed bool
}

// Open binds the address of a bind line. The error is a *BindError.
func Open(o Options) (*Listener, error) {
	b := o.Listener.Model
	backlog := b.Backlog
	if backlog == 0 {
		backlog = o.Backlog
	}
	sock, err := open(b, o.Inherited, backlog, o.KeepAlive)
	if err != nil {
		return nil, newBindError(b, err)
	}
	if o.HeaderTimeout <= 0 {
		o.HeaderTimeout = DefaultHeaderTimeout
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	o.Backlog, o.Inherited = backlog, nil
	l := &Listener{opts: o, bind: b, sock: sock, stop: make(chan struct{}), cut: make(chan struct{}), early: map[net.Conn]struct{}{}}
	if b.MaxConn > 0 {
		l.limits = append(l.limits, NewLimit(b.MaxConn))
	}
	for _, lim := range o.Limits {
		if lim != nil {
			l.limits = append(l.limits, lim)
		}
	}
	return l, nil
}

// Addr is the address as the kernel has it.
func (l *Listener) Addr() net.Addr { return l.sock.Addr() }

// Run accepts connections until Stop and returns when all that it accepted have been served. While a limit is
// reached it holds one connection back, also after Stop; the others wait in the kernel's queue.
func (l *Listener) Run() {
	ended := make(chan struct{})
	l.mu.Lock()
	l.idle = ended
	l.mu.Unlock()
	defer close(ended)
	defer l.conns.Wait()
	if err := l.sock.settle(l.bind, l.opts.Backlog); err != nil && !errors.Is(err, net.ErrClosed) {
		l.opts.Report(fmt.Errorf("%s: the socket that an older process has opened stays as it is: %w", addrText(l.bind), err))
	}
	over := l.over // made once, not for each connection
	pause := time.Duration(0)
	for {
		c, err := l.sock.Accept()
		if err != nil {
			if pause = l.failed(err, pause); pause < 0 {
				return
			}
			continue
		}
		pause = 0
		if !l.acquire() {
			_ = c.Close()
			return
		}
		l.conns.Add(1)
		if l.bind.AcceptProxy {
			go l.introduce(c)
		} else {
			l.opts.Handler.Start(c, l.opts.Listener, netip.AddrPort{}, netip.AddrPort{}, over)
		}
	}
}

// failed waits after an error of Accept, longer than the last time, and returns how long it did; -1 means that Run is
// to end.
func (l *Listener) failed(err error, last time.Duration) time.Duration {
	if errors.Is(err, net.ErrClosed) {
		return -1
	}
	if errors.Is(err, syscall.ECONNABORTED) {
		return last // the client gave up in the queue
	}
	if last == 0 { // once for each time that it begins to fail
		l.opts.Report(fmt.Errorf("cannot accept connections on %s: %w%s", addrText(l.bind), reason(err), acceptHint(err)))
	}
	pause := min(max(2*last, minPause), maxPause)
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return pause
	case <-l.stop:
		return -1
	}
}

func acceptHint(err error) string {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return "; raise the limit on open files (ulimit -n), or lower maxconn in the global section"
	}
	return ""
}

// acquire takes a slot of each limit, waiting for one where there is none; false: Close came first.
func (l *Listener) acquire() bool {
	for i, lim := range l.limits {
		if !lim.Acquire(l.cut) {
			for _, held := range l.limits[:i] {
				held.Release()
			}
			return false
		}
	}
	return true
}

// over gives a connection's slots back.
func (l *Listener) over() {
	for _, lim := range l.limits {
		lim.Release()
	}
	l.conns.Done()
}

// introduce reads the PROXY protocol header of a connection and hands it over.
func (l *Listener) introduce(c net.Conn) {
	h, err := l.readHeader(c)
	if err != nil {
		_ = c.Close()
		l.opts.Listener.ErrConn.Add(1)
		if !errors.Is(err, net.ErrClosed) {
			l.opts.Report(fmt.Errorf("%s: connection from %s dropped: %w", addrText(l.bind), c.RemoteAddr(), err))
		}
		l.over()
		return
	}
	var src, dst netip.AddrPort
	if h.Known() {
		src, dst = h.Src, h.Dst
	}
	l.opts.Handler.Start(c, l.opts.Listener, src, dst, l.over)
}

// readHeader takes the PROXY protocol header off a new connection.
func (l *Listener) readHeader(c net.Conn) (proxyproto.Header, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return proxyproto.Header{}, net.ErrClosed
	}
	l.early[c] = struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.early, c)
		l.mu.Unlock()
	}()
	if err := c.SetReadDeadline(time.Now().Add(l.opts.HeaderTimeout)); err != nil {
		return proxyproto.Header{}, err
	}
	h, err := proxyproto.Read(c)
	if err != nil {
		return h, err
	}
	return h, c.SetReadDeadline(time.Time{})
}

// Drain waits, after Stop, until the last accepted connection was served; false: ctx ended first.
func (l *Listener) Drain(ctx context.Context) bool {
	l.mu.Lock()
	idle := l.idle
	l.mu.Unlock()
	if idle == nil {
		return true
	}
	select {
	case <-idle:
		return true
	case <-ctx.Done():
		return false
	}
}

// Stop closes the listening socket and takes a unix socket's file away, unless the socket was passed under a number (fd@) or
// another process serves it now. Connections that were accepted go on.
func (l *Listener) Stop() {
	l.once.Do(func() {
		close(l.stop)
		l.sock.close()
	})
}

// Close is Stop, and closes the connection that is held back, and those whose PROXY protocol header is still awaited.
func (l *Listener) Close() {
	l.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.cut)
	}
	for c := range l.early {
		_ = c.Close()
	}
}
