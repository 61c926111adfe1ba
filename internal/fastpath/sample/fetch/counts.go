package fetch

import (
	"math"
	"time"

	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// countFetches are counters of frontends, backends and servers (configuration.txt §7.3.2).
func countFetches() map[string]call.Fetch {
	return map[string]call.Fetch{
		"avg_queue": backend(func(p *proxy.Proxy) int64 {
			q := queued(p)
			if n := int64(p.Usable()); n > 0 {
				return (q + n - 1) / n
			}
			return 2 * q
		}),
		"be_conn":      backend(func(p *proxy.Proxy) int64 { return p.Back.Conns.Load() }),
		"be_conn_free": backend(freeConns),
		"be_sess_rate": backend(func(p *proxy.Proxy) int64 { return p.Back.ConnRate.Per(time.Now().UnixNano()) }),
		"connslots":    backend(connSlots),
		"nbsrv":        backend(func(p *proxy.Proxy) int64 { return int64(p.Usable()) }),
		"queue":        backend(queued),
		"fe_conn":      frontend(func(p *proxy.Proxy) int64 { return p.Front.Conns.Load() }),
		"fe_req_rate":  frontend(func(p *proxy.Proxy) int64 { return p.Front.ReqRate.Per(time.Now().UnixNano()) }),
		"fe_sess_rate": frontend(func(p *proxy.Proxy) int64 { return p.Front.ConnRate.Per(time.Now().UnixNano()) }),
		"srv_conn":     server(func(s *proxy.Server) int64 { return s.Conns.Load() }),
		"srv_conn_free": server(func(s *proxy.Server) int64 {
			if m := s.MaxCon.Load(); m > 0 {
				return max(0, m-s.Conns.Load())
			}
			return -1
		}),
		"srv_iweight":   server(func(s *proxy.Server) int64 { return int64(s.Model.Weight) }),
		"srv_queue":     server(func(s *proxy.Server) int64 { return s.Queue.Load() }),
		"srv_sess_rate": server(func(s *proxy.Server) int64 { return s.ConnRate.Per(time.Now().UnixNano()) }),
		"srv_uweight":   server(func(s *proxy.Server) int64 { return s.Weight.Load() }),
		"srv_weight": server(func(s *proxy.Server) int64 {
			if !s.Usable() {
				return 0
			}
			return s.Weight.Load()
		}),
		"srv_is_up": one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			s := serverOf(tx, c)
			return cast.Bool(s != nil && call.ServerUp(s)), s != nil
		}),
	}
}

func backend(get func(*proxy.Proxy) int64) call.Fetch {
	return one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
		p := backendOf(tx, c)
		if p == nil {
			return txn.Value{}, false
		}
		return cast.Num(get(p)), true
	})
}

func frontend(get func(*proxy.Proxy) int64) call.Fetch {
	return one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
		p := tx.Front
		if c.Has(0) {
			p = c.Args[0].Proxy
		}
		if p == nil {
			return txn.Value{}, false
		}
		return cast.Num(get(p)), true
	})
}

func server(get func(*proxy.Server) int64) call.Fetch {
	return one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
		s := serverOf(tx, c)
		if s == nil {
			return txn.Value{}, false
		}
		return cast.Num(get(s)), true
	})
}

func backendOf(tx *txn.Txn, c *call.Call) *proxy.Proxy {
	if c.Has(0) {
		return c.Args[0].Proxy
	}
	return call.CurrentBackend(tx)
}

func serverOf(tx *txn.Txn, c *call.Call) *proxy.Server {
	if s := c.Args[0].Server; s != nil {
		return s
	}
	if p := call.CurrentBackend(tx); p != nil {
		return p.Server(c.Text(0))
	}
	return nil
}

func queued(p *proxy.Proxy) int64 {
	n := p.Queue.Load()
	for _, s := range p.Servers {
		n += s.Queue.Load()
	}
	return n
}

// freeConns is be_conn_free: free slots of the servers in use, -1 when one has no limit.
func freeConns(p *proxy.Proxy) int64 {
	act, bck := int64(0), int64(0)
	anyActive := false
	for _, s := range p.Servers {
		if !s.Usable() {
			continue
		}
		m := s.MaxCon.Load()
		if m <= 0 {
			return -1
		}
		free := max(0, m-s.Conns.Load())
		if s.Model.Backup {
			bck += free
		} else {
			act += free
			anyActive = true
		}
	}
	if anyActive {
		return act
	}
	return bck
}

// connSlots is connslots: free connections and queue places of all servers, -1 when one has no limit.
func connSlots(p *proxy.Proxy) int64 {
	var n int64
	for _, s := range p.Servers {
		m, q := s.MaxCon.Load(), int64(s.Model.MaxQueue)
		if m <= 0 || q <= 0 {
			return -1
		}
		n += max(0, m-s.Conns.Load()) + max(0, q-s.Queue.Load())
		if n > math.MaxInt32 {
			return math.MaxInt32
		}
	}
	return n
}

// Conns is the current connections of a side of a proxy.
func Conns(p *proxy.Proxy, front bool) int64 {
	switch {
	case p == nil:
		return 0
	case front:
		return p.Front.Conns.Load()
	}
	return p.Back.Conns.Load()
}
