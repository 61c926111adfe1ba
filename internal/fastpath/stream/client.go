package stream

import (
	"sync/atomic"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/backend"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// client is a client's connection. It is all that exists of one that waits for its next request.
type client struct {
	front      *Frontend
	conn       wire.Conn
	info       txn.Conn
	ready      time.Time // when it could take the next request
	sess       backend.Session
	in         *wire.Buffer // bytes that were read and not used; nil when there are none
	state      atomic.Int32 // idle, busy, closed
	peer       atomic.Pointer[wire.Conn]
	silent     bool    // silent-drop: the peer is to notice nothing
	next, prev *client // the frontend's ring, guarded by its mutex
}

// States of a client.
const (
	busy int32 = iota
	idle
	closed
)

// counts are the counters that the connection appears in.
func (c *client) counts() [2]*proxy.Counts {
	l := [2]*proxy.Counts{&c.front.Proxy.Front}
	if c.info.Listener != nil {
		l[1] = &c.info.Listener.Counts
	}
	return l
}

// closeIdle closes the connection if it is between requests.
func (c *client) closeIdle() {
	if c.state.CompareAndSwap(idle, closed) {
		_ = c.conn.Close()
	}
}

// kill closes the connection and the one to the server, whatever they are doing.
func (c *client) kill() {
	c.state.Store(closed)
	_ = c.conn.Close()
	if p := c.peer.Load(); p != nil {
		_ = p.Close()
	}
}

// setPeer tells kill which server connection is in use; false: it was called already.
func (c *client) setPeer(p *wire.Conn) bool {
	c.peer.Store(p)
	return p == nil || c.state.Load() != closed
}

// serve runs the connection from the first byte to the close.
func (c *client) serve() {
	f := c.front
	ok := true
	if f.TCPConn != nil || f.TCPSess != nil {
		ok = c.admit()
	}
	switch {
	case !ok:
	case f.m.Mode == model.ModeHTTP:
		c.serveHTTP()
	default:
		s := f.stream(c)
		s.serveTCP()
		s.release()
	}
	f.Pools.Put(c.in)
	c.in = nil
	c.sess.Close()
	c.info.Vars.Reset()
	if c.silent {
		dropSilently(&c.conn)
		return
	}
	_ = c.conn.Close()
}

// admit runs the tcp-request connection and session rules; false: the connection is refused.
func (c *client) admit() bool {
	s := c.front.stream(c)
	defer s.release()
	s.tx.Start = c.info.Accepted
	for _, r := range []struct {
		rules Rules
		stage txn.Stage
	}{{c.front.TCPConn, txn.StageConn}, {c.front.TCPSess, txn.StageSess}} {
		if r.rules == nil {
			continue
		}
		s.tx.Stage = r.stage
		switch r.rules.Run(&s.tx) {
		case txn.Next, txn.Accept, txn.Wait:
		case txn.Drop:
			c.silent = true
			c.refused()
			return false
		default:
			c.refused()
			return false
		}
		if c.state.Load() == closed {
			return false
		}
	}
	return true
}

func (c *client) refused() {
	for _, n := range c.counts() {
		if n != nil {
			n.Denied.Add(1)
		}
	}
}

// serveHTTP serves requests until the connection ends.
func (c *client) serveHTTP() {
	f := c.front
	until := after(c.info.Accepted, first(f.m.Timeouts.HTTPRequest, f.m.Timeouts.Client))
	for {
		if c.in == nil && !c.waitRequest(until) {
			return
		}
		s := f.stream(c)
		again := s.serveRequest()
		s.release()
		if !again {
			return
		}
		c.ready = time.Now()
		until = f.idleUntil(c.ready)
	}
}

// waitRequest waits for the first bytes of a request; false: there will be none.
func (c *client) waitRequest(until time.Time) bool {
	f := c.front
	c.state.CompareAndSwap(busy, idle)
	if f.stopping.Load() {
		return false
	}
	in, err := c.conn.RecvBuffer(f.Pools, false, until)
	if !c.state.CompareAndSwap(idle, busy) {
		f.Pools.Put(in)
		return false
	}
	c.in = in
	if err != nil {
		c.noRequest(err)
		return false
	}
	return true
}

// noRequest handles a connection that ended, or stayed silent too long, before its next request. On a first request
// that is an error that is answered and logged; between requests it is the normal end.
func (c *client) noRequest(err error) {
	if c.info.Reqs > 0 {
		return
	}
	s := c.front.stream(c)
	s.tx.Start = c.info.Accepted
	s.badRequest(err)
	s.finish()
	s.release()
}

// stream takes a stream for the next transaction.
func (f *Frontend) stream(c *client) *stream {
	s := f.streams.Get().(*stream)
	s.begin(c)
	return s
}
