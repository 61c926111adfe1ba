package fetch

import (
	"net"
	"net/netip"
	"time"

	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// connectionFetches are addresses, names and numbers of the connection (configuration.txt §7.3.3).
func connectionFetches() map[string]call.Fetch {
	src := func(c *txn.Conn) netip.AddrPort { return c.Src }
	dst := func(c *txn.Conn) netip.AddrPort { return c.Dst }
	realSrc := func(c *txn.Conn) netip.AddrPort { return c.RealSrc }
	realDst := func(c *txn.Conn) netip.AddrPort { return c.RealDst }
	return map[string]call.Fetch{
		"src":             clientAddr(src),
		"dst":             clientAddr(dst),
		"fc_src":          clientAddr(realSrc),
		"fc_dst":          clientAddr(realDst),
		"src_port":        clientPort(src),
		"dst_port":        clientPort(dst),
		"fc_src_port":     clientPort(realSrc),
		"fc_dst_port":     clientPort(realDst),
		"src_is_local":    clientLocal(src),
		"dst_is_local":    clientLocal(dst),
		"fc_src_is_local": clientLocal(realSrc),
		"fc_dst_is_local": clientLocal(realDst),
		"fc_http_major":   fixed(cast.Num(1)),
		"bc_http_major":   fixed(cast.Num(1)),
		"fc_rcvd_proxy": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			return cast.Bool(tx.Conn != nil && tx.Conn.ProxyProto), tx.Conn != nil
		}),
		"dst_conn": listener(func(_ *txn.Txn, l *proxy.Listener) txn.Value { return cast.Num(l.Conns.Load()) }),
		"so_id":    listener(func(_ *txn.Txn, l *proxy.Listener) txn.Value { return cast.Num(int64(l.ID)) }),
		"so_name":  listener(func(tx *txn.Txn, l *proxy.Listener) txn.Value { return cast.Keep(tx, l.Name) }),
		"bc_src":   one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return cast.Addr(tx.BackSrc.Addr()) }),
		"bc_dst":   one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return cast.Addr(ServerAddr(tx).Addr()) }),
		"bc_src_port": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			return cast.Num(int64(tx.BackSrc.Port())), tx.BackSrc.IsValid()
		}),
		"bc_dst_port": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			a := ServerAddr(tx)
			return cast.Num(int64(a.Port())), a.IsValid()
		}),
		"bc_reused":    one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return cast.Bool(tx.Reused), tx.Server != nil }),
		"bc_be_queue":  integer(func(tx *txn.Txn, _ *call.Call) int64 { return int64(tx.BackQueue) }),
		"bc_srv_queue": integer(func(tx *txn.Txn, _ *call.Call) int64 { return int64(tx.ServerQueue) }),
		"fe_id":        proxyFact(frontOf, func(_ *txn.Txn, p *proxy.Proxy) txn.Value { return cast.Num(int64(p.ID)) }),
		"fe_name":      proxyFact(frontOf, func(tx *txn.Txn, p *proxy.Proxy) txn.Value { return cast.Keep(tx, p.Name) }),
		"fe_defbe":     proxyFact(frontOf, func(tx *txn.Txn, p *proxy.Proxy) txn.Value { return cast.Keep(tx, p.Model.DefaultBackend) }),
		"be_id":        proxyFact(backOrFront, func(_ *txn.Txn, p *proxy.Proxy) txn.Value { return cast.Num(int64(p.ID)) }),
		"be_name":      proxyFact(backOrFront, func(tx *txn.Txn, p *proxy.Proxy) txn.Value { return cast.Keep(tx, p.Name) }),
		"srv_id": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			if tx.Server == nil {
				return txn.Value{}, false
			}
			return cast.Num(int64(tx.Server.ID)), true
		}),
		"srv_name": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			if tx.Server == nil {
				return txn.Value{}, false
			}
			return cast.Keep(tx, tx.Server.Name), true
		}),
		"req.bytes_in":     integer(func(tx *txn.Txn, _ *call.Call) int64 { return tx.BytesIn }),
		"req.bytes_out":    integer(func(tx *txn.Txn, _ *call.Call) int64 { return tx.BytesIn }),
		"res.bytes_in":     integer(func(tx *txn.Txn, _ *call.Call) int64 { return tx.BytesOut }),
		"res.bytes_out":    integer(func(tx *txn.Txn, _ *call.Call) int64 { return tx.BytesOut }),
		"txn.conn_retries": integer(func(tx *txn.Txn, _ *call.Call) int64 { return int64(tx.Retries) }),
		"txn.redispatched": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return cast.Bool(tx.Redisp), true }),
		"txn.id32":         integer(func(tx *txn.Txn, _ *call.Call) int64 { return int64(uint32(tx.ID)) }),
		"txn.sess_term_state": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			return cast.Str(AppendState(tx.Scratch.Take(2)[:0], tx)), true
		}),
		"unique-id": text(func(tx *txn.Txn, _ *call.Call) []byte { return tx.UniqueID }),
		"wait_end": one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			if !tx.InspectOver && (tx.Stage == txn.StageReqContent || tx.Stage == txn.StageResContent) {
				tx.Undecided = true
				return txn.Value{}, false
			}
			return cast.Bool(true), true
		}),
		"fs.id": fixed(cast.Num(0)),
		"bs.id": fixed(cast.Num(0)),
	}
}

func clientAddr(of func(*txn.Conn) netip.AddrPort) call.Fetch {
	return one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
		if tx.Conn == nil {
			return txn.Value{}, false
		}
		return cast.Addr(of(tx.Conn).Addr())
	})
}

func clientPort(of func(*txn.Conn) netip.AddrPort) call.Fetch {
	return one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
		if tx.Conn == nil {
			return txn.Value{}, false
		}
		a := of(tx.Conn)
		return cast.Num(int64(a.Port())), a.IsValid()
	})
}

// clientLocal asks the system for its addresses each time: they come and go.
func clientLocal(of func(*txn.Conn) netip.AddrPort) call.Fetch {
	return one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
		if tx.Conn == nil {
			return txn.Value{}, false
		}
		a := of(tx.Conn).Addr()
		if !a.IsValid() {
			return cast.Bool(true), tx.Conn.Unix
		}
		return cast.Bool(isLocal(a.Unmap())), true
	})
}

func isLocal(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, l := range list {
		if n, ok := l.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == a {
				return true
			}
		}
	}
	return false
}

func listener(get func(*txn.Txn, *proxy.Listener) txn.Value) call.Fetch {
	return one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
		if tx.Conn == nil || tx.Conn.Listener == nil {
			return txn.Value{}, false
		}
		return get(tx, tx.Conn.Listener), true
	})
}

func frontOf(tx *txn.Txn) *proxy.Proxy { return tx.Front }

func backOrFront(tx *txn.Txn) *proxy.Proxy {
	if tx.Back != nil {
		return tx.Back
	}
	return tx.Front
}

func proxyFact(of func(*txn.Txn) *proxy.Proxy, get func(*txn.Txn, *proxy.Proxy) txn.Value) call.Fetch {
	return one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
		p := of(tx)
		if p == nil {
			return txn.Value{}, false
		}
		return get(tx, p), true
	})
}

// timeoutFetches are timeouts in milliseconds, as configured and as they apply.
func timeoutFetches() map[string]call.Fetch {
	type timeout struct {
		name string
		conf func(p *proxy.Proxy) time.Duration
		over func(tx *txn.Txn) time.Duration
	}
	list := []timeout{
		{"connect", func(p *proxy.Proxy) time.Duration { return p.Model.Timeouts.Connect }, func(tx *txn.Txn) time.Duration { return tx.Timeouts.Connect }},
		{"queue", func(p *proxy.Proxy) time.Duration { return orElse(p.Model.Timeouts.Queue, p.Model.Timeouts.Connect) }, func(tx *txn.Txn) time.Duration { return tx.Timeouts.Queue }},
		{"server", func(p *proxy.Proxy) time.Duration { return p.Model.Timeouts.Server }, func(tx *txn.Txn) time.Duration { return tx.Timeouts.Server }},
		{"tarpit", func(p *proxy.Proxy) time.Duration { return orElse(p.Model.Timeouts.Tarpit, p.Model.Timeouts.Connect) }, func(tx *txn.Txn) time.Duration { return tx.Timeouts.Tarpit }},
		{"tunnel", func(p *proxy.Proxy) time.Duration { return p.Model.Timeouts.Tunnel }, func(tx *txn.Txn) time.Duration { return tx.Timeouts.Tunnel }},
	}
	m := map[string]call.Fetch{}
	for _, t := range list {
		conf := func(_ *txn.Txn, p *proxy.Proxy) txn.Value { return cast.Num(t.conf(p).Milliseconds()) }
		m["be_"+t.name+"_timeout"] = proxyFact(backOrFront, conf)
		m["cur_"+t.name+"_timeout"] = one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			p := backOrFront(tx)
			if p == nil {
				return txn.Value{}, false
			}
			return cast.Num(orElse(t.over(tx), t.conf(p)).Milliseconds()), true
		})
	}
	client := func(p *proxy.Proxy) time.Duration { return p.Model.Timeouts.Client }
	m["fe_client_timeout"] = proxyFact(frontOf, func(_ *txn.Txn, p *proxy.Proxy) txn.Value { return cast.Num(client(p).Milliseconds()) })
	m["cur_client_timeout"] = one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
		if tx.Front == nil {
			return txn.Value{}, false
		}
		return cast.Num(orElse(tx.Timeouts.Client, client(tx.Front)).Milliseconds()), true
	})
	m["fe_tarpit_timeout"] = proxyFact(frontOf, func(_ *txn.Txn, p *proxy.Proxy) txn.Value { return cast.Num(list[3].conf(p).Milliseconds()) })
	retries := proxyFact(backOrFront, func(_ *txn.Txn, p *proxy.Proxy) txn.Value { return cast.Num(int64(p.Model.Retries)) })
	m["be_max_retries"], m["cur_max_retries"] = retries, retries
	return m
}

func orElse(a, b time.Duration) time.Duration {
	if a != 0 {
		return a
	}
	return b
}

// timerFetches are dates and the timers of configuration.txt §8.4. A timer that has not run has no value.
func timerFetches() map[string]call.Fetch {
	timer := func(get func(*txn.Txn) int64) call.Fetch {
		return one(func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) {
			n := get(tx)
			return cast.Num(n), n >= 0
		})
	}
	return map[string]call.Fetch{
		"accept_date":        integer(func(tx *txn.Txn, c *call.Call) int64 { return unit(Ready(tx), c.Text(0)) }),
		"request_date":       integer(func(tx *txn.Txn, c *call.Call) int64 { return unit(Start(tx), c.Text(0)) }),
		"bc.timer.connect":   timer(TimerConnect),
		"fc.timer.handshake": fixed(cast.Num(0)),
		"fc.timer.total":     timer(TimerTotal),
		"res.timer.data":     timer(TimerData),
		"res.timer.hdr":      timer(TimerReply),
		"req.timer.hdr":      timer(TimerHeader),
		"req.timer.idle":     timer(TimerIdle),
		"req.timer.queue":    timer(TimerQueue),
		"req.timer.tq":       timer(TimerTq),
		"txn.timer.total":    timer(TimerActive),
		"txn.timer.user":     timer(TimerUser),
	}
}

// ServerAddr is where the server is reached.
func ServerAddr(tx *txn.Txn) netip.AddrPort {
	if tx.BackDst.IsValid() {
		return tx.BackDst
	}
	if tx.Server != nil {
		if a := tx.Server.Addr.Load(); a != nil {
			return *a
		}
	}
	return netip.AddrPort{}
}

// AppendState appends the termination state (configuration.txt §8.5).
func AppendState(d []byte, tx *txn.Txn) []byte {
	for _, c := range tx.Err {
		if c == 0 {
			c = '-'
		}
		d = append(d, c)
	}
	return d
}
