package call

import (
	"strings"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
)

// Find gives the proxy of that name that plays side, or nil.
func (w *World) Find(name []byte, side model.Side) *proxy.Proxy {
	if w.Proxies == nil {
		return nil
	}
	return w.Proxies.Find(string(name), side)
}

// FindServer finds "backend/server", or a server of the current backend; nil when there is none.
func (w *World) FindServer(tx *txn.Txn, name []byte) *proxy.Server {
	be, srv, ok := strings.Cut(string(name), "/")
	p := CurrentBackend(tx)
	if ok {
		p = w.Find([]byte(be), model.Backend)
	} else {
		srv = be
	}
	if p == nil {
		return nil
	}
	return p.Server(srv)
}

// CurrentBackend is the backend chosen, or the frontend when it is one itself, or nil.
func CurrentBackend(tx *txn.Txn) *proxy.Proxy {
	if tx.Back != nil {
		return tx.Back
	}
	if tx.Front != nil && tx.Front.Model != nil && tx.Front.Model.Side&model.Backend != 0 {
		return tx.Front
	}
	return nil
}

// ServerUp says what srv_is_up means by up: not down and not in maintenance.
func ServerUp(s *proxy.Server) bool {
	return s.Up.Load() && proxy.AdminState(s.Admin.Load()) != proxy.Maint
}
