package engine

import (
	"errors"
	"time"

	"eddy/internal/base/syslog"
	"eddy/internal/fastpath/listener"
	"eddy/internal/fastpath/proxy"
)

// Listen opens all listening sockets and the inputs of observed lanes. When one fails, all are closed again and the error names every one that failed.
func (e *Engine) Listen() error {
	e.conns = listener.NewLimit(e.cfg.Global.MaxConn)
	var errs []error
	for _, f := range e.fronts {
		limits := []*listener.Limit{listener.NewLimit(f.px.Model.MaxConn), e.conns}
		for _, l := range f.px.Listeners {
			if err := e.listen(f, l, limits); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if err := e.openLanes(); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		for _, f := range e.fronts {
			for _, l := range f.listeners {
				l.Close()
			}
			f.listeners = nil
		}
	}
	return errors.Join(errs...)
}

func (e *Engine) listen(f *front, l *proxy.Listener, limits []*listener.Limit) error {
	m := f.px.Model
	opened, err := listener.Open(listener.Options{
		Listener:      l,
		Handler:       f.stream,
		Limits:        limits,
		Backlog:       m.Backlog,
		HeaderTimeout: firstOf(m.Timeouts.HTTPRequest, m.Timeouts.Client),
		KeepAlive:     m.Options.ClitcpKA,
		Report: func(err error) {
			if log := e.loggers[f.px]; log != nil {
				log.Log(syslog.Warning, m.LogTag, []byte(f.px.Name+": "+err.Error()))
			}
		},
	})
	if err != nil {
		return err
	}
	l.Addr = opened.Addr().String()
	f.listeners = append(f.listeners, opened)
	return nil
}

func firstOf(ds ...time.Duration) time.Duration {
	for _, d := range ds {
		if d > 0 {
			return d
		}
	}
	return 0
}
