package extract

import (
	"unsafe"

	"eddy/internal/fastpath/flow"
)

// Conn reads one connection. It gets the bytes of both directions in order, as a reassembly.Sink does, and tells its
// handler. Requests and answers are paired by their order, so an answer should come behind its request; one that does not
// gets an exchange of its own.
type Conn struct {
	pool    *Pool
	handler Handler
	half    [2]half // by flow.Dir
	time    int64   // of the data that is being read
	count   int     // exchanges so far

	// waiting are the exchanges without a final answer, the oldest first. One without a request stands for a request that
	// a gap took.
	waiting []*Exchange
	heads   int64 // memory of the heads of those, in bytes
	held    int64 // memory of the exchanges that are not done, in bytes
	tunnel  bool
}

// reset makes c ready for a connection, keeping its memory as far as it is small.
func (c *Conn) reset(p *Pool, h Handler) {
	clear(c.waiting)
	*c = Conn{pool: p, handler: h, half: c.half, waiting: c.waiting[:0]}
	for dir := range c.half {
		c.half[dir].reset(c, flow.Dir(dir))
	}
}

// Data has the next bytes of a direction; time is that of the packet they came with, in ns since 1970.
func (c *Conn) Data(dir flow.Dir, time int64, data []byte) {
	c.time = time
	if dir == flow.ToClient {
		c.half[flow.ToServer].answered()
	}
	h := &c.half[dir]
	for len(data) > 0 {
		data = data[h.take(data):]
	}
}

// Gap tells that the next n bytes of a direction are missing.
func (c *Conn) Gap(dir flow.Dir, n int64) {
	if n > 0 {
		c.half[dir].gap(n)
	}
}

// End tells that nothing more comes in a direction, and why. A body that lasts until the connection closes is whole when
// it was closed, and is taken for whole when the capture ended before.
func (c *Conn) End(dir flow.Dir, why flow.End) {
	h := &c.half[dir]
	if h.phase == phaseEnded {
		return
	}
	h.end(why)
	h.phase = phaseEnded
	if c.half[dir.Other()].phase == phaseEnded {
		for len(c.waiting) > 0 {
			c.done(c.pop())
		}
	}
}

// Close ends both directions, as far as they have not ended, as if they were cut off.
func (c *Conn) Close() {
	c.End(flow.ToServer, flow.Finish)
	c.End(flow.ToClient, flow.Finish)
}

// Tunnel tells whether the connection carries something else by now, after CONNECT or an upgrade: what follows in both
// directions is of no use here.
func (c *Conn) Tunnel() bool { return c.tunnel }

// request begins an exchange with a request, or without one when it was not seen.
func (c *Conn) request(head *Head) *Exchange {
	if len(c.waiting) >= c.pool.opts.MaxWaiting || c.heads > 4*int64(c.pool.opts.MaxHead) {
		c.done(c.pop())
	}
	x := c.exchange()
	x.Request = head
	c.waiting = append(c.waiting, x)
	c.heads += head.cost()
	c.hold(x, head.cost())
	return x
}

// answer finds the exchange that an answer belongs to.
func (c *Conn) answer(head *Head) *Exchange {
	switch {
	case len(c.waiting) == 0 && head.Interim():
		return c.request(nil)
	case len(c.waiting) == 0:
		x := c.exchange()
		x.answered = true
		return x
	case head.Interim():
		return c.waiting[0]
	}
	return c.pop()
}

func (c *Conn) exchange() *Exchange {
	c.count++
	x := &Exchange{N: c.count - 1}
	c.hold(x, int64(unsafe.Sizeof(*x)))
	return x
}

// hold counts memory that goes with an exchange, until it is done.
func (c *Conn) hold(x *Exchange, bytes int64) {
	x.cost += bytes
	c.held += bytes
}

// Held tells about how many bytes of memory the connection takes for heads that are not complete and exchanges that are
// not done. There is a bound for a connection, but not for all of them: whoever has many looks at the sum.
func (c *Conn) Held() int64 {
	n := c.held
	for i := range c.half {
		n += int64(cap(c.half[i].buf))
	}
	return n
}

// pop takes the oldest exchange off those that wait.
func (c *Conn) pop() *Exchange {
	x := c.waiting[0]
	copy(c.waiting, c.waiting[1:])
	c.waiting[len(c.waiting)-1] = nil
	c.waiting = c.waiting[:len(c.waiting)-1]
	c.heads -= x.Request.cost()
	x.answered = true
	return x
}

// done tells the handler when nothing more comes of an exchange.
func (c *Conn) done(x *Exchange) {
	if !x.answered || x.open[0] || x.open[1] {
		return
	}
	c.held -= x.cost
	x.cost = 0
	if x.Request != nil || x.Response != nil {
		c.handler.Done(x)
	}
}

// enterTunnel ends HTTP in both directions.
func (c *Conn) enterTunnel() {
	c.tunnel = true
	for dir := range c.half {
		h := &c.half[dir]
		if h.x != nil {
			h.finish(Truncated)
		}
		if h.phase != phaseEnded {
			h.phase = phaseTunnel
		}
	}
}
