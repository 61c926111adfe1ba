package extract

import "cmp"

// Options bound what the connections of a pool may take. The zero value has good defaults.
type Options struct {
	MaxHead    int   // bytes of a head; 0: 64 KiB. What is beyond is cut off
	MaxBody    int64 // decoded bytes of a body that are given on; 0: no limit
	MaxRatio   int64 // decoded bytes for each coded byte, of bodies above 16 MiB; 0: 250
	MaxWaiting int   // requests of a connection that wait for their answer; 0: 256. The oldest is given up for a new one
	MaxDecode  int64 // bytes of memory for all bodies that are being decoded; 0: 64 MiB. Bodies beyond stay as they are
	Coded      bool  // leave all bodies as they are, with their Content-Encoding
}

// How much memory a pool keeps for later.
const (
	keepConns    = 1024
	keepDecoders = 16
	keepBuffer   = 8 << 10 // bytes of a connection's buffer
)

// Pool is what the connections of one engine share: options, and memory to be used again. It belongs to the engine's
// goroutine, as its connections do.
type Pool struct {
	opts     Options
	conns    []*Conn
	decoders []*decoder
	decoding int64 // bytes of memory that decoders at work take
}

// NewPool makes a pool.
func NewPool(o Options) *Pool {
	o.MaxHead = cmp.Or(o.MaxHead, 64<<10)
	o.MaxRatio = cmp.Or(o.MaxRatio, 250)
	o.MaxWaiting = cmp.Or(o.MaxWaiting, 256)
	o.MaxDecode = cmp.Or(o.MaxDecode, 64<<20)
	return &Pool{opts: o}
}

// Conn gives a connection that tells h what it finds.
func (p *Pool) Conn(h Handler) *Conn {
	var c *Conn
	if n := len(p.conns); n > 0 {
		c, p.conns = p.conns[n-1], p.conns[:n-1]
	} else {
		c = &Conn{}
	}
	c.reset(p, h)
	return c
}

// Put takes a connection back, ending what has not ended. It must not be used any more.
func (p *Pool) Put(c *Conn) {
	c.Close()
	c.reset(nil, nil)
	if len(p.conns) < keepConns {
		p.conns = append(p.conns, c)
	}
}

// decoder gives one at work on codings, or nil when memory is short. first is the body's first byte.
func (p *Pool) decoder(c codings, first byte) *decoder {
	need := c.memory(first)
	if p.decoding+need > p.opts.MaxDecode {
		return nil
	}
	p.decoding += need
	var d *decoder
	if n := len(p.decoders); n > 0 {
		d, p.decoders = p.decoders[n-1], p.decoders[:n-1]
	} else {
		d = &decoder{}
	}
	d.memory = need
	d.start(c)
	return d
}

// release takes a decoder back.
func (p *Pool) release(d *decoder) {
	d.stop()
	p.decoding -= d.memory
	if len(p.decoders) < keepDecoders {
		p.decoders = append(p.decoders, d)
	}
}
