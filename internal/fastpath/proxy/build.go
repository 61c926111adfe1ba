package proxy

import (
	"net/netip"

	"eddy/internal/config/model"
)

// New makes the running side of a configured proxy. Its servers are up, but for those that are disabled; who builds
// the generation resolves their addresses (Server.Addr) and binds the listeners.
func New(m *model.Proxy) *Proxy {
	p := &Proxy{Model: m, Name: m.Name, ID: m.ID}
	for i, sm := range m.Servers {
		s := &Server{Model: sm, Proxy: p, Name: sm.Name, ID: sm.ID}
		if s.ID == 0 {
			s.ID = i + 1
		}
		s.Up.Store(true)
		s.Weight.Store(int64(sm.Weight))
		s.MaxCon.Store(int64(sm.MaxConn))
		if sm.Disabled {
			s.Admin.Store(int32(Maint))
		}
		if a, err := netip.ParseAddr(sm.Addr.Host); err == nil {
			ap := netip.AddrPortFrom(a, uint16(sm.Addr.Port))
			s.Addr.Store(&ap)
		}
		p.Servers = append(p.Servers, s)
	}
	return p
}
