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
	front *Frontend
	conn  wire.Conn
	info  txn.Conn
	sess  backend.Session
	in    *wire.Buffer // bytes that were read and not used; nil when there are none
	over  func()       // told when the connection is closed

	ready  time.Time // when it could take the next request
	until  time.Time // when it has been idle for too long
	rested bool      // it rested before this wait
	silent bool      // silent-drop: the peer is to notice nothing

	state atomic.Int32              // busy, fresh, idle or closed
	spot  wire.Spot                 // where it is parked
	peer  atomic.Pointer[wire.Conn] // the connection to the server, for kill

	next, prev *client // the frontend's ring, guarded by its mutex
}

// States of a client.
const (
	busy  int32 = iota
	fresh       // it waits for its first request
	idle        // it waits for another one
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

// closeIf closes the connection if it is in a state.
func (c *client) closeIf(state int32) {
	if c.state.CompareAndSwap(state, closed) {
		_ = c.conn.Close()
		c.unpark()
	}
}

// unpark has a worker end a closed connection that is parked: nothing else will wake it.
func (c *client) unpark() {
	if p := c.front.Parking; p != nil && p.Leave(&c.spot) {
		go c.work()
	}
}

// kill closes the connection and the one to the server, whatever they are doing.
func (c *client) kill() {
	c.state.Store(closed)
	_ = c.conn.Close()
	if p := c.peer.Load(); p != nil {
		_ = p.Close()
	}
	c.unpark()
}

// setPeer tells kill which server connection is in use; false: it was called already.
func (c *client) setPeer(p *wire.Conn) bool {
	c.peer.Store(p)
	return p == nil || c.state.Load() != closed
}

// A connection of http mode has one goroutine at a time, or none. While requests come that is a worker. A request
// makes a goroutine's stack grow, and what has grown stays; so the worker ends when the connection has been idle for a
// moment, and a new one begins when there is something to read. In between the connection is parked, or, without a
// Parking, has a goroutine that never goes deep.
//
//	begin → work ⇄ rest
//	          ↓
//	         end

// begin runs the rules for new connections and sees to the right one being served.
func (c *client) begin() {
	f := c.front
	switch {
	case (f.TCPConn != nil || f.TCPSess != nil) && !c.admit():
		c.end()
	case f.m.Mode == model.ModeHTTP:
		c.until = after(c.info.Accepted, first(f.m.Timeouts.HTTPRequest, f.m.Timeouts.Client))
		c.work()
	default:
		s := f.stream(c)
		s.serveTCP()
		s.release()
		c.end()
	}
}

// end closes the connection and takes it out of the books.
func (c *client) end() {
	f := c.front
	f.Pools.Put(c.in)
	c.in = nil
	c.sess.Close()
	c.info.Vars.Reset()
	if c.silent {
		dropSilently(&c.conn)
	} else {
		_ = c.conn.Close()
	}
	f.counted(c, -1)
	f.remove(c)
	c.over()
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

// restAfter is how long a connection is idle before it rests.
const restAfter = 100 * time.Millisecond

// restWorth is the least time to idle with which a connection rests: how a rest ends in time is known to a second only.
const restWorth = 3 * time.Second

// rest has a worker begin when the connection has something to read, or has been idle for too long.
func (c *client) rest() {
	p := c.front.Parking
	if p == nil || !p.Park(&c.conn, &c.spot, c.until, c.wake) {
		go c.wait()
		return
	}
	if c.state.Load() == closed {
		c.unpark() // it was closed before it was parked
	}
}

// wake is told that the parked connection is to go on; why, the worker sees.
func (c *client) wake(bool) { c.work() }

// wait is what a connection does that is not parked.
func (c *client) wait() {
	_ = c.conn.WaitReadable(c.until)
	go c.work()
}

// work serves requests until the connection ends or rests.
func (c *client) work() {
	f := c.front
	for {
		if c.in == nil {
			switch c.waitRequest() {
			case gone:
				c.end()
				return
			case resting:
				c.rest()
				return
			}
		}
		s := f.stream(c)
		again := s.serveRequest()
		s.release()
		if !again {
			c.end()
			return
		}
		c.ready = time.Now()
		c.until = f.idleUntil(c.ready)
	}
}

// awaited is what came of waiting for a request.
type awaited uint8

const (
	there   awaited = iota // its first bytes are in client.in
	gone                   // there will be none
	resting                // none for a while
)

// waitRequest waits for the first bytes of a request.
func (c *client) waitRequest() awaited {
	f := c.front
	waits := idle
	if c.info.Reqs == 0 {
		waits = fresh
	}
	c.state.CompareAndSwap(busy, waits)
	if f.stopping.Load() && (waits == idle || f.hasty.Load() && c.rested) {
		return gone
	}
	until := c.ready.Add(restAfter)
	if c.rested || !c.until.IsZero() && c.until.Before(c.ready.Add(restWorth)) {
		until = c.until
	}
	c.rested = false
	in, err := c.conn.RecvBuffer(f.Pools, false, until)
	if err == wire.ErrTimeout && !until.Equal(c.until) {
		if f.hasty.Load() {
			return gone
		}
		c.rested = true
		return resting // and stays as it is
	}
	if !c.state.CompareAndSwap(waits, busy) {
		f.Pools.Put(in)
		return gone
	}
	c.in = in
	if err != nil {
		c.noRequest(err)
		return gone
	}
	return there
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
