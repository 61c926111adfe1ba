package backend

import (
	"context"
	"math/rand/v2"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// assign gives the stream a server and a slot on it, waiting in a queue when it must. avoid is the server that just
// failed, taken again only when there is no other.
func (p *Pool) assign(ctx context.Context, tx *txn.Txn, avoid *server, client *wire.Conn) (*server, error) {
	forced := p.forced(tx)
	var key uint64
	hashed := false
	if forced == nil && avoid == nil {
		key, hashed = p.key(tx)
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	s, wait := p.choose(forced, avoid, key, hashed)
	if s != nil && !wait {
		s.enter()
		p.mu.Unlock()
		return s, nil
	}
	if !wait {
		p.mu.Unlock()
		return nil, ErrNoServer
	}
	p.seq++
	w := &waiter{seq: p.seq, ready: make(chan struct{})}
	if s != nil {
		tx.ServerQueue = len(s.queue.list)
		s.queue.push(w)
		s.Queue.Add(1)
	} else {
		tx.BackQueue = len(p.queue.list)
		p.queue.push(w)
		p.px.Queue.Add(1)
	}
	p.mu.Unlock()
	return p.await(ctx, tx, w, client)
}

// choose picks a server. With wait set, the stream is to queue: for that server, or for any when it is nil. Neither
// means that no server can serve it. Pool.mu is held.
func (p *Pool) choose(forced, avoid *server, key uint64, hashed bool) (s *server, wait bool) {
	if forced == nil && hashed {
		forced = p.byHash(key)
	}
	if forced != nil {
		if !forced.saturated() {
			return forced, false
		}
		if !forced.queueFull() {
			return forced, true
		}
	}
	backup, usable := p.tier()
	if !usable {
		return nil, false
	}
	if s := p.balance(avoid, backup); s != nil {
		if s.saturated() {
			return s, true
		}
		return s, false
	}
	if avoid != nil && avoid.candidate(nil, backup) && !avoid.saturated() {
		return avoid, false
	}
	return nil, true
}

// tier tells whether it is the backups' turn, and whether there is any server at all. Of several backups only the
// first usable one works.
func (p *Pool) tier() (backup *server, usable bool) {
	for _, s := range p.servers {
		if !s.Usable() || s.Weight.Load() == 0 {
			continue
		}
		if !s.Model.Backup {
			return nil, true
		}
		if backup == nil {
			backup = s
		}
	}
	return backup, backup != nil
}

// candidate says whether the balancing may pick s.
func (s *server) candidate(avoid, backup *server) bool {
	if s == avoid || s.Weight.Load() == 0 || !s.Usable() {
		return false
	}
	if backup != nil {
		return s == backup
	}
	return !s.Model.Backup
}

// balance runs the algorithm over the servers that have room; nil when none has. leastconn may give one to queue for.
func (p *Pool) balance(avoid, backup *server) *server {
	switch p.m.Balance.Algo {
	case "leastconn":
		return p.leastConn(avoid, backup)
	case "first":
		return p.first(avoid, backup)
	case "random":
		return p.random(avoid, backup)
	case "static-rr":
		return p.roundRobin(avoid, backup, func(s *server) int64 { return int64(s.Model.Weight) })
	}
	return p.roundRobin(avoid, backup, func(s *server) int64 { return s.Weight.Load() })
}

// roundRobin spreads by weight, smoothly: everybody's balance grows by its weight, the richest pays for the turn.
func (p *Pool) roundRobin(avoid, backup *server, weight func(*server) int64) *server {
	var best *server
	var total int64
	for _, s := range p.servers {
		if !s.candidate(avoid, backup) || s.saturated() {
			continue
		}
		w := weight(s)
		s.turn += w
		total += w
		if best == nil || s.turn > best.turn {
			best = s
		}
	}
	if best != nil {
		best.turn -= total
	}
	return best
}

// leastConn picks the server with the fewest streams, queued ones included, for its weight.
func (p *Pool) leastConn(avoid, backup *server) *server {
	var best *server
	n := len(p.servers)
	for i := range n {
		s := p.servers[(p.rotate+i)%n]
		if !s.candidate(avoid, backup) || s.saturated() && (s.Model.MaxQueue == 0 || s.queueFull()) {
			continue
		}
		if best == nil || s.lighter(best) {
			best = s
		}
	}
	p.rotate++
	return best
}

// lighter compares load by weight.
func (s *server) lighter(than *server) bool {
	a := int64(s.served+len(s.queue.list)) * than.Weight.Load()
	b := int64(than.served+len(than.queue.list)) * s.Weight.Load()
	return a < b
}

// first picks the server with the lowest id that has room.
func (p *Pool) first(avoid, backup *server) *server {
	var best *server
	for _, s := range p.servers {
		if s.candidate(avoid, backup) && !s.saturated() && (best == nil || s.ID < best.ID) {
			best = s
		}
	}
	return best
}

// random draws by weight and picks the least loaded of the drawn.
func (p *Pool) random(avoid, backup *server) *server {
	var total int64
	for _, s := range p.servers {
		if s.candidate(avoid, backup) && !s.saturated() {
			total += s.Weight.Load()
		}
	}
	if total == 0 {
		return nil
	}
	var best *server
	for range max(1, p.m.Balance.RandomDraws) {
		at := rand.Int64N(total)
		for _, s := range p.servers {
			if !s.candidate(avoid, backup) || s.saturated() {
				continue
			}
			if at -= s.Weight.Load(); at < 0 {
				if best == nil || s.lighter(best) {
					best = s
				}
				break
			}
		}
	}
	return best
}

// forced is the server that a use-server rule names, if one that works does.
func (p *Pool) forced(tx *txn.Txn) *server {
	for i := range p.cfg.UseServer {
		r := &p.cfg.UseServer[i]
		if r.Cond != nil && !r.Cond.Holds(tx) {
			continue
		}
		name := r.Name
		if r.Fmt != nil {
			name = string(r.Fmt.Append(tx.Scratch.Take(128)[:0], tx))
		}
		for _, s := range p.servers {
			if s.Name == name && s.Up.Load() && proxy.AdminState(s.Admin.Load()) != proxy.Maint {
				return s
			}
		}
	}
	return nil
}

// roundRobinKind says whether the algorithm gives a stream no claim to one server, so that a retry may go elsewhere.
func roundRobinKind(m *model.Proxy) bool {
	switch m.Balance.Algo {
	case "", "roundrobin", "static-rr", "leastconn", "first", "random":
		return true
	}
	return false
}
