// Package backend finds a server for a stream and a connection to it: balancing, limits and queues, connecting with
// retries, and the pool of idle connections.
//
// A Pool is used by all streams that go to its proxy, from any goroutine. Its choices are made under one lock that is
// held for nanoseconds; nothing waits or touches a socket with it.
package backend

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// Cond is a compiled condition.
type Cond interface{ Holds(tx *txn.Txn) bool }

// Format is a compiled log-format string.
type Format interface {
	Append(dst []byte, tx *txn.Txn) []byte
}

// Expr is a compiled sample expression.
type Expr interface {
	Eval(tx *txn.Txn) (txn.Value, bool)
}

// Config is what a Pool is made of. The servers' addresses are resolved (proxy.Server.Addr), their weights and limits
// set; all of that may change while the Pool runs.
type Config struct {
	Proxy     *proxy.Proxy
	Pools     *wire.Pools
	UseServer []UseServer
	Hash      Expr // "balance hash EXPR"; nil otherwise
}

// UseServer is a compiled "use-server" line.
type UseServer struct {
	Name string // when static
	Fmt  Format // when not nil: gives the name
	Cond Cond   // nil holds always
}

// Pool is the servers of one proxy and the connections to them.
type Pool struct {
	cfg     Config
	px      *proxy.Proxy
	m       *model.Proxy
	servers []*server

	mu     sync.Mutex // guards what follows and the servers' served, turn and queue
	queue  waitList   // streams that any server may take
	seq    uint64     // order of arrival over all queues
	rotate int        // where leastconn starts to look, so that equals take turns
	ring   *ring      // consistent hashing; rebuilt when weights change
	closed bool

	stop   context.CancelFunc // ends dials and the janitor
	ctx    context.Context
	worker sync.WaitGroup
}

// server is a proxy.Server with what the Pool keeps for it.
type server struct {
	*proxy.Server
	pool  *Pool
	local netip.AddrPort // source address of connections; zero: the kernel's choice

	served int      // streams that hold a slot
	turn   int64    // smooth round robin's balance
	queue  waitList // streams that only this server may take

	idle idleList
}

// New makes a Pool and starts its janitor, which Close ends.
func New(cfg Config) (*Pool, error) {
	p := &Pool{cfg: cfg, px: cfg.Proxy, m: cfg.Proxy.Model}
	for _, s := range cfg.Proxy.Servers {
		srv := &server{Server: s, pool: p}
		if err := srv.bindTo(s.Model.Source, p.m.Source); err != nil {
			return nil, err
		}
		p.servers = append(p.servers, srv)
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.worker.Go(p.janitor)
	return p, nil
}

// Proxy is the proxy whose servers these are.
func (p *Pool) Proxy() *proxy.Proxy { return p.px }

// Close ends the janitor, dials under way, waiting streams (they get ErrClosed) and idle connections. Connections in
// use are their streams' to close.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	waiting := p.drainQueues()
	p.mu.Unlock()
	for _, w := range waiting {
		close(w.ready)
	}
	p.stop()
	p.worker.Wait()
	for _, s := range p.servers {
		s.idle.close()
	}
}

// Session is what one client connection keeps at a backend between its requests: server connections that nobody else
// may use. It belongs to the client connection's goroutine; its zero value is ready.
type Session struct {
	own []*Conn
}

// maxOwn bounds the idle server connections that one client connection holds.
const maxOwn = 5

// Close closes what the session holds.
func (s *Session) Close() {
	for _, c := range s.own {
		c.discard()
	}
	s.own = s.own[:0]
}

// take gives the session's own connection to srv, if it has one.
func (s *Session) take(srv *server) *Conn {
	for i, c := range s.own {
		if c.srv == srv {
			s.own = append(s.own[:i], s.own[i+1:]...)
			return c
		}
	}
	return nil
}

// keep makes c the session's own.
func (s *Session) keep(c *Conn) {
	if len(s.own) >= maxOwn {
		s.own[0].discard()
		s.own = append(s.own[:0], s.own[1:]...)
	}
	s.own = append(s.own, c)
}

// Why a server connection could not be had. All of them are answered with 503 (configuration.txt §8.5, C and Q).
var (
	ErrNoServer       = errors.New("no server is available")
	ErrQueueTimeout   = errors.New("no connection slot became free within timeout queue")
	ErrConnectTimeout = errors.New("the server did not accept the connection within timeout connect")
	ErrConnect        = errors.New("the connection to the server failed")
	ErrClientGone     = errors.New("the client went away")
	ErrClosed         = errors.New("the backend is closed")
)

// State gives the two characters of the termination state that an error of Acquire stands for.
func State(err error) [2]byte {
	switch {
	case errors.Is(err, ErrQueueTimeout):
		return [2]byte{'s', 'Q'}
	case errors.Is(err, ErrConnectTimeout):
		return [2]byte{'s', 'C'}
	case errors.Is(err, errGoneQueued):
		return [2]byte{'C', 'Q'}
	case errors.Is(err, ErrClientGone):
		return [2]byte{'C', 'C'}
	}
	return [2]byte{'S', 'C'}
}

// janitorPeriod is how often the queues are looked after when nothing else does.
const janitorPeriod = time.Second

// janitor purges idle connections and moves what waits at servers that went down.
func (p *Pool) janitor() {
	tick := time.NewTicker(janitorPeriod)
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case now := <-tick.C:
			p.Rebalance()
			for _, s := range p.servers {
				s.idle.purge(now, s.Model.PoolPurge)
			}
		}
	}
}
