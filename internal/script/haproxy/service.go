package haproxy

import (
	"errors"
	"fmt"
	"strings"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/vm"
)

// service is a use of a registered service in the configuration.
type service struct {
	b   *Binding
	reg *registration
}

// Service gives the service for "use-service lua.NAME" in the rule list ctx. The error says what to write instead.
func (b *Binding) Service(a *model.Action, ctx string) (txn.Service, error) {
	name := a.Sub
	if name == "" && len(a.Args) > 0 {
		name = a.Args[0].Text
	}
	name = strings.TrimPrefix(name, "lua.")
	r := b.reg.services[name]
	if r == nil {
		return nil, unknown("service", name, b.reg.services)
	}
	if strings.HasPrefix(ctx, "http") != r.http {
		if r.http {
			return nil, fmt.Errorf("the service 'lua.%s' speaks http: use it in an http-request rule", name)
		}
		return nil, fmt.Errorf("the service 'lua.%s' speaks tcp: use it in a tcp-request content rule", name)
	}
	return &service{b, r}, nil
}

// errService tells the stream that the service failed; what happened is in the log.
var errService = errors.New("the Lua service failed")

// Serve runs the service on the stream's goroutine.
func (s *service) Serve(tx *txn.Txn, io txn.ServiceIO) error {
	k := s.b.enter(tx, s.reg, "service")
	if k == nil {
		return errService
	}
	a := newApplet(io)
	what := "applet tcp"
	if s.reg.http {
		a.http = io
		what = "applet http"
		k.show()
	}
	k.applet, k.what = a, what
	defer func() { k.applet = nil }()
	err := k.run(s.b.stream, s.reg.in(k.u), vm.KindService, k.u.limits.service, vm.Int(k.handle))
	a.hand(false)
	if err != nil {
		k.report(err)
		return errService
	}
	return a.failed
}
