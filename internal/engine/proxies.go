package engine

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
)

// resolveTimeout bounds looking up one server's name at the start.
const resolveTimeout = 5 * time.Second

// buildProxies makes the running side of every proxy that is not disabled, with its servers' addresses looked up.
func buildProxies(cfg *model.Config, problems *diag.List) *proxy.Set {
	var all []*proxy.Proxy
	for i, m := range cfg.Proxies {
		if m.Disable {
			continue
		}
		p := &proxy.Proxy{Model: m, Name: m.Name, ID: m.ID}
		if p.ID == 0 {
			p.ID = i + 2 // HAProxy numbers proxies from 2, after its own
		}
		for j, s := range m.Servers {
			p.Servers = append(p.Servers, buildServer(p, j, s))
		}
		for j := range m.Binds {
			b := &m.Binds[j]
			l := &proxy.Listener{Model: b, Name: b.Name, ID: b.ID, Addr: b.Addr.Text}
			if l.ID == 0 {
				l.ID = j + 1
			}
			p.Listeners = append(p.Listeners, l)
		}
		all = append(all, p)
	}
	resolveServers(all, problems)
	return proxy.NewSet(all)
}

func buildServer(p *proxy.Proxy, i int, m *model.Server) *proxy.Server {
	s := &proxy.Server{Model: m, Proxy: p, Name: m.Name, ID: m.ID}
	if s.ID == 0 {
		s.ID = i + 1
	}
	s.Up.Store(true)
	if m.Disabled {
		s.Admin.Store(int32(proxy.Maint))
	}
	s.Weight.Store(int64(m.Weight))
	s.MaxCon.Store(int64(m.MaxConn))
	return s
}

// lookups bounds how many names are looked up at a time.
const lookups = 16

// resolveServers finds the servers' addresses, several at a time so that a dead resolver costs its timeout few times.
func resolveServers(all []*proxy.Proxy, problems *diag.List) {
	var wait sync.WaitGroup
	var mu sync.Mutex // guards problems
	slots := make(chan struct{}, lookups)
	for _, p := range all {
		for _, s := range p.Servers {
			if s.Model.Addr.Kind != model.AddrTCP {
				continue
			}
			slots <- struct{}{}
			wait.Go(func() {
				defer func() { <-slots }()
				ip, err := resolve(&s.Model.Addr)
				if err != nil {
					mu.Lock()
					defer mu.Unlock()
					ip = unresolved(s, err, problems)
				}
				if ip.IsValid() {
					ap := netip.AddrPortFrom(ip, uint16(s.Model.Addr.Port))
					s.Addr.Store(&ap)
				}
			})
		}
	}
	wait.Wait()
}

// unresolved does what init-addr says for a server whose name is not known (configuration.txt §5.2 init-addr): an
// address of the list, a server that is down, or an error.
func unresolved(s *proxy.Server, err error, problems *diag.List) netip.Addr {
	m := s.Model
	for _, how := range strings.Split(m.InitAddr, ",") {
		if how == "none" {
			s.Up.Store(false)
			problems.Warnf(m.Pos, "", "server %s/%s: cannot look up %q: %v; it starts down (init-addr none)", s.Proxy.Name, m.Name, m.Addr.Host, err)
			return netip.Addr{}
		}
		if ip, err := netip.ParseAddr(how); err == nil {
			problems.Warnf(m.Pos, "", "server %s/%s: cannot look up %q: it starts with %s (init-addr)", s.Proxy.Name, m.Name, m.Addr.Host, ip)
			return ip.Unmap()
		}
	}
	problems.Errorf(m.Pos, "give an address, make the name known to this machine's resolver, or add \"init-addr last,libc,none\" to start without it",
		"server %s/%s: cannot look up %q: %v", s.Proxy.Name, m.Name, m.Addr.Host, err)
	return netip.Addr{}
}

// resolve gives the address that a server's host stands for: as it is written, or the first that the resolver knows
// of the wanted family.
func resolve(a *model.Address) (netip.Addr, error) {
	switch a.Host {
	case "", "*", "0.0.0.0":
		if a.V6 {
			return netip.IPv6Unspecified(), nil
		}
		return netip.IPv4Unspecified(), nil
	}
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		return ip.Unmap(), nil
	}
	network := "ip"
	switch {
	case a.V4:
		network = "ip4"
	case a.V6:
		network = "ip6"
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, network, a.Host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, ip := range ips { // IPv4 first, as HAProxy prefers by default
		if ip.Unmap().Is4() {
			return ip.Unmap(), nil
		}
	}
	return ips[0], nil
}
