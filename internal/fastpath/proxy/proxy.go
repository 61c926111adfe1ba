// Package proxy holds what runs of a configured proxy, as facts and counts: names, listeners, servers, how many
// connections, how many bytes. Who forwards (stream), chooses (backend) and looks (samples, scripts, the admin
// socket) meets here.
//
// Everything that changes at run time is atomic; any goroutine may read it.
package proxy

import (
	"net/netip"
	"sync/atomic"
	"time"

	"eddy/internal/config/model"
)

// Set is all proxies of one generation; it never changes after it was built.
type Set struct {
	All    []*Proxy
	byName map[string][]*Proxy
	Start  time.Time
}

// NewSet indexes proxies by name.
func NewSet(all []*Proxy) *Set {
	s := &Set{All: all, byName: map[string][]*Proxy{}, Start: time.Now()}
	for _, p := range all {
		s.byName[p.Name] = append(s.byName[p.Name], p)
	}
	return s
}

// Find gives the proxy of that name that plays side, or nil.
func (s *Set) Find(name string, side model.Side) *Proxy {
	for _, p := range s.byName[name] {
		if p.Model.Side&side != 0 {
			return p
		}
	}
	return nil
}

// Proxy is a running frontend, backend or listen section.
type Proxy struct {
	Model     *model.Proxy
	Name      string
	ID        int
	Servers   []*Server
	Listeners []*Listener
	Front     Counts // as a frontend
	Back      Counts // as a backend
	Queue     atomic.Int64
	Stopped   atomic.Bool
	Logged    atomic.Int64 // log lines whose format asks for their number (%lc)
}

// Server finds a server by name, or nil.
func (p *Proxy) Server(name string) *Server {
	for _, s := range p.Servers {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Usable counts servers that may take traffic (nbsrv, configuration.txt §7.3.2): those that are up, backups only
// when no other is.
func (p *Proxy) Usable() int {
	act, bck := 0, 0
	for _, s := range p.Servers {
		if !s.Usable() {
			continue
		}
		if s.Model.Backup {
			bck++
		} else {
			act++
		}
	}
	if act > 0 {
		return act
	}
	return bck
}

// Counts is what a side of a proxy, a listener or a server counted.
type Counts struct {
	Conns     atomic.Int64 // current connections (servers: current sessions)
	ConnsMax  atomic.Int64
	ConnsTot  atomic.Int64
	Reqs      atomic.Int64
	BytesIn   atomic.Int64
	BytesOut  atomic.Int64
	Denied    atomic.Int64 // requests denied
	DeniedRes atomic.Int64
	ErrReq    atomic.Int64
	ErrConn   atomic.Int64
	ErrRes    atomic.Int64
	Retries   atomic.Int64
	Redisp    atomic.Int64
	Status    [6]atomic.Int64 // answers by first digit; [0] others
	ConnRate  Rate
	ReqRate   Rate
}

// Listener is one bound address.
type Listener struct {
	Model *model.Bind
	Name  string
	ID    int
	Addr  string // as bound, host:port or path
	Counts
}

// AdminState is what an operator or a script asked of a server.
type AdminState int32

const (
	Ready AdminState = iota
	Drain
	Maint
)

// Server is a running server.
type Server struct {
	Model  *model.Server
	Proxy  *Proxy
	Name   string
	ID     int
	Up     atomic.Bool
	Admin  atomic.Int32 // AdminState
	Weight atomic.Int64 // user weight, 0..256
	MaxCon atomic.Int64
	Queue  atomic.Int64
	Addr   atomic.Pointer[netip.AddrPort] // where it is reached now; nil for unix sockets
	Idle   atomic.Int64                   // idle pooled connections
	Counts
}

// Usable says whether new streams may go to the server.
func (s *Server) Usable() bool { return s.Up.Load() && AdminState(s.Admin.Load()) == Ready }

// Rate counts events over the last second, the way a sliding two-period counter does. Its zero value is ready.
type Rate struct {
	sec  atomic.Int64
	cur  atomic.Int64
	prev atomic.Int64
}

// Add counts n events at now (nanoseconds, any fixed origin).
func (r *Rate) Add(now int64, n int64) {
	r.roll(now)
	r.cur.Add(n)
}

// Per is the number of events over the second that ends now.
func (r *Rate) Per(now int64) int64 {
	r.roll(now)
	rest := int64(time.Second) - now%int64(time.Second)
	return r.cur.Load() + r.prev.Load()*rest/int64(time.Second)
}

func (r *Rate) roll(now int64) {
	s := now / int64(time.Second)
	old := r.sec.Load()
	if s == old || !r.sec.CompareAndSwap(old, s) {
		return
	}
	c := r.cur.Swap(0)
	if s == old+1 {
		r.prev.Store(c)
	} else {
		r.prev.Store(0)
	}
}
