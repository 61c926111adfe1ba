package shard

// maxHeld bounds the bytes that the readers of all flows of an engine (HTTP, TLS, DNS over TCP) hold of what is not
// complete. Each reader has bounds of its own, but as many flows as an engine may have would make gigabytes of them.
const maxHeld = 64 << 20

// holders are the flows whose readers hold something, the one that had no payload for the longest first.
type holders struct {
	bytes          int64
	oldest, newest *holder
}

// holder is a flow's place among them.
type holder struct {
	c            *conn
	bytes        int64 // 0: it is not in the list
	older, newer *holder
}

// account brings c's place up to date when its reader has had payload. If all hold too much, those give up who have waited
// the longest: what comes of their payload is not understood any more.
func (hs *holders) account(c *conn) {
	n := c.reading()
	if c.holder == nil {
		if n == 0 {
			return
		}
		c.holder = &holder{c: c}
	}
	h := c.holder
	if h != hs.newest || n == 0 {
		hs.remove(h)
		if n > 0 {
			hs.add(h)
		}
	}
	hs.bytes += n - h.bytes
	h.bytes = n
	for hs.bytes > maxHeld && hs.oldest != h {
		hs.oldest.c.giveUp()
	}
}

// forget takes a flow out whose reader is gone.
func (hs *holders) forget(c *conn) {
	if h := c.holder; h != nil {
		hs.remove(h)
		hs.bytes -= h.bytes
		c.holder = nil
	}
}

func (hs *holders) add(h *holder) {
	h.older = hs.newest
	if hs.newest != nil {
		hs.newest.newer = h
	} else {
		hs.oldest = h
	}
	hs.newest = h
}

// remove takes h out of the list, if it is there.
func (hs *holders) remove(h *holder) {
	if h.older != nil {
		h.older.newer = h.newer
	} else if hs.oldest == h {
		hs.oldest = h.newer
	}
	if h.newer != nil {
		h.newer.older = h.older
	} else if hs.newest == h {
		hs.newest = h.older
	}
	h.older, h.newer = nil, nil
}

// reading counts what the reader of a flow holds, in bytes.
func (c *conn) reading() int64 {
	switch {
	case c.http != nil:
		return c.http.Held()
	case c.tls != nil:
		return c.tls.Held()
	case c.dns != nil:
		return c.dns[0].Held() + c.dns[1].Held()
	}
	return 0
}

// giveUp ends the reading of a flow for want of memory. Scripts still get its payload as it is.
func (c *conn) giveUp() {
	c.s.stats.GivenUp++
	c.endReading()
}
