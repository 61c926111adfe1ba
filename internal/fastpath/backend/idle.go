package backend

import (
	"sync"
	"time"

	"eddy/internal/config/model"
)

// idleList is a server's idle connections, the most recently used last.
type idleList struct {
	mu     sync.Mutex
	list   []*Conn
	low    int       // fewest there were since the last purge
	purged time.Time // when that was
	closed bool
}

// put keeps an idle connection; false means that there is no room for it.
func (l *idleList) put(c *Conn, limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || limit >= 0 && len(l.list) >= limit {
		return false
	}
	l.list = append(l.list, c)
	c.srv.Idle.Store(int64(len(l.list)))
	return true
}

// take gives the connection that was used last; proven asks for one that has been reused before.
func (l *idleList) take(proven bool) *Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.list) - 1; i >= 0; i-- {
		c := l.list[i]
		if proven && c.uses < 2 {
			continue
		}
		last := len(l.list) - 1
		copy(l.list[i:], l.list[i+1:])
		l.list[last] = nil
		l.list = l.list[:last]
		l.low = min(l.low, last)
		c.srv.Idle.Store(int64(last))
		return c
	}
	return nil
}

// purge closes what the peer closed and, every delay, half of the connections that were idle all the time since the
// last purge (pool-purge-delay).
func (l *idleList) purge(now time.Time, delay time.Duration) {
	if delay <= 0 {
		return
	}
	var out []*Conn
	l.mu.Lock()
	if now.Sub(l.purged) >= delay {
		n := min((l.low+1)/2, len(l.list))
		out = append(out, l.list[:n]...) // the oldest
		l.list = append(l.list[:0], l.list[n:]...)
		l.purged = now
	}
	kept := l.list[:0]
	for _, c := range l.list {
		if n, err := c.Peek(); n > 0 || err != nil {
			out = append(out, c)
		} else {
			kept = append(kept, c)
		}
	}
	clear(l.list[len(kept):])
	l.list = kept
	l.low = len(kept)
	if len(out) > 0 {
		out[0].srv.Idle.Store(int64(len(kept)))
	}
	l.mu.Unlock()
	for _, c := range out {
		c.discard()
	}
}

// close closes all of them and takes no more.
func (l *idleList) close() {
	l.mu.Lock()
	out := l.list
	l.list, l.closed = nil, true
	l.mu.Unlock()
	for _, c := range out {
		c.srv.Idle.Add(-1)
		c.discard()
	}
}

// reusable finds an idle connection for a stream, by the rules of "http-reuse"; nil means: make a new one.
func (s *server) reusable(sess *Session, first bool) *Conn {
	if sess != nil {
		if c := sess.take(s); c != nil {
			return c
		}
	}
	switch s.pool.m.HTTPReuse {
	case model.ReuseNever:
		return nil
	case model.ReuseSafe:
		if first {
			return nil
		}
	case model.ReuseAggressive:
		return s.idle.take(first)
	}
	return s.idle.take(false)
}

// store keeps a connection for later, in the session when nobody else may use it.
func (s *server) store(c *Conn, sess *Session) {
	m := s.Model
	if m.MaxReuse >= 0 && c.uses > m.MaxReuse {
		c.discard()
		return
	}
	if s.pool.m.HTTPReuse == model.ReuseNever || c.private {
		if sess != nil {
			sess.keep(c)
			return
		}
	} else if m.PoolPurge > 0 && m.PoolMaxConn != 0 && s.idle.put(c, m.PoolMaxConn) {
		return
	}
	c.discard()
}
