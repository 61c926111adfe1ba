package engine

import (
	"context"
	"net"
	"net/netip"
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
			p.Servers = append(p.Servers, buildServer(p, j, s, problems))
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
	return proxy.NewSet(all)
}

func buildServer(p *proxy.Proxy, i int, m *model.Server, problems *diag.List) *proxy.Server {
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
	if m.Addr.Kind != model.AddrTCP {
		return s
	}
	ip, err := resolve(&m.Addr)
	if err != nil {
		problems.Errorf(m.Pos, "give an address, or make the name known to this machine's resolver",
			"server %s/%s: cannot look up %q: %v", p.Name, m.Name, m.Addr.Host, err)
		return s
	}
	ap := netip.AddrPortFrom(ip, uint16(m.Addr.Port))
	s.Addr.Store(&ap)
	return s
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
