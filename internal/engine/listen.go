package engine

import (
	"context"
	"errors"
	"time"

	"eddy/internal/base/syslog"
	"eddy/internal/fastpath/listener"
	"eddy/internal/fastpath/proxy"
)

// Listen opens all listening sockets and the inputs of observed lanes. Of the sockets of older processes it uses those that
// fit. When one fails, all are closed again and the error names every one that failed. old are the processes that this one is
// to relieve: Start takes their queues over.
func (e *Engine) Listen(old []int, sockets *listener.Inherited) error {
	e.relieved = old
	if err := e.jobs.Prepare(); err != nil {
		return err
	}
	if err := e.jobs.Check(context.Background(), old); err != nil {
		return err
	}
	e.conns = listener.NewLimit(e.cfg.Global.MaxConn)
	var errs []error
	for _, f := range e.fronts {
		limits := []*listener.Limit{listener.NewLimit(f.px.Model.MaxConn), e.conns}
		for _, l := range f.px.Listeners {
			if err := e.listen(f, l, limits, sockets); err != nil {
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

func (e *Engine) listen(f *front, l *proxy.Listener, limits []*listener.Limit, sockets *listener.Inherited) error {
	m := f.px.Model
	opened, err := listener.Open(listener.Options{
		Listener:      l,
		Handler:       f.stream,
		Limits:        limits,
		Inherited:     sockets,
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

// Sockets gives what the generation listens on, for a process that is to replace this one. Any goroutine may call it after
// Listen; whoever does closes the files.
func (e *Engine) Sockets() []listener.Socket {
	var out []listener.Socket
	for _, f := range e.fronts {
		for _, l := range f.listeners {
			if s, ok := l.Share(); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// Taken says that another process serves one of the sockets now. Any goroutine may call it after Listen.
func (e *Engine) Taken(name string) {
	for _, f := range e.fronts {
		for _, l := range f.listeners {
			l.Taken(name)
		}
	}
}

func firstOf(ds ...time.Duration) time.Duration {
	for _, d := range ds {
		if d > 0 {
			return d
		}
	}
	return 0
}
