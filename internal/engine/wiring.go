package engine

import (
	"fmt"
	"slices"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/engine/exporter"
	"eddy/internal/fastpath/backend"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/rule"
	"eddy/internal/fastpath/stream"
	"eddy/internal/fastpath/txn"
)

// wiring turns the model of each proxy into what streams run.
type wiring struct {
	e        *Engine
	problems *diag.List
	rules    *rule.Builder
}

func newWiring(e *Engine, problems *diag.List) *wiring {
	w := &wiring{e: e, problems: problems}
	w.rules = &rule.Builder{Env: e.env, Config: e.cfg, Problems: problems}
	w.rules.Lua = func(a *model.Action, ctx string) (rule.Action, error) {
		if e.scripts == nil {
			return nil, errNoScript
		}
		return e.scripts.Action(a, ctx)
	}
	w.rules.Service = func(a *model.Action, ctx string) (txn.Service, error) {
		if name, own := a.OwnService(); own && name == model.MetricsService {
			return exporter.New(e.snapshot), nil
		}
		if e.scripts == nil {
			return nil, errNoScript
		}
		return e.scripts.Service(a, ctx)
	}
	return w
}

var errNoScript = fmt.Errorf("no script is loaded; \"lua-load FILE\" in the global section loads one")

// compile builds a rule list; an empty one is nil, which costs nothing to run.
func (w *wiring) compile(rules []*model.Rule, ctx string, p *proxy.Proxy) stream.Rules {
	if l := w.rules.Compile(rules, ctx, p); len(l) > 0 {
		return l
	}
	return nil
}

// cond and format give a nil interface for nothing.
func (w *wiring) cond(m *model.Cond) stream.Cond {
	if m == nil {
		return nil
	}
	return w.e.env.Cond(m)
}

func (w *wiring) format(m *model.Format) stream.Format {
	if m == nil {
		return nil
	}
	return w.e.env.Format(m)
}

// backend wires the proxy's servers and the rules that it has as a backend.
func (w *wiring) backend(p *proxy.Proxy) {
	m := p.Model
	cfg := backend.Config{Proxy: p, Pools: w.e.pools}
	for _, u := range m.UseServer {
		s := backend.UseServer{Name: u.Name, Cond: w.cond(u.Cond)}
		if u.Fmt != nil {
			s.Fmt = w.format(u.Fmt)
		}
		cfg.UseServer = append(cfg.UseServer, s)
	}
	if m.Balance.Expr != nil {
		cfg.Hash = w.e.env.Expr(m.Balance.Expr)
	}
	pool, err := backend.New(cfg)
	if err != nil {
		w.problems.Errorf(m.Pos, "", "%s: %v", p.Name, err)
		return
	}
	w.e.servers = append(w.e.servers, pool)
	w.e.backends[p] = stream.NewBackend(stream.BackendConfig{
		Proxy:      p,
		Pool:       pool,
		TCPContent: w.compile(m.TCPReqContent, "tcp-req-cont", p),
		TCPRes:     w.compile(m.TCPRespContent, "tcp-res", p),
		HTTPReq:    w.compile(m.HTTPRequest, "http-req", p),
		HTTPRes:    w.compile(m.HTTPResponse, "http-res", p),
		HTTPAfter:  w.compile(m.HTTPAfter, "http-after-res", p),
		Errors:     w.errors(p),
	})
}

// frontend wires what the proxy does as a frontend.
func (w *wiring) frontend(p *proxy.Proxy) {
	m := p.Model
	cfg := stream.Config{
		Proxy:      p,
		Pools:      w.e.pools,
		Limits:     http1.Limits{MaxHeaders: w.e.cfg.Global.MaxHdr, MaxHead: w.e.cfg.Global.BufSize - w.e.cfg.Global.MaxRewrite},
		Proc:       w.e.proc,
		Parking:    w.e.parking,
		IDs:        &w.e.ids,
		TCPConn:    w.compile(m.TCPReqConn, "tcp-req-conn", p),
		TCPSess:    w.compile(m.TCPReqSess, "tcp-req-sess", p),
		TCPContent: w.compile(m.TCPReqContent, "tcp-req-cont", p),
		HTTPReq:    w.compile(m.HTTPRequest, "http-req", p),
		HTTPRes:    w.compile(m.HTTPResponse, "http-res", p),
		HTTPAfter:  w.compile(m.HTTPAfter, "http-after-res", p),
		Default:    w.target(m.DefaultBackend),
		Find:       w.target,
		Errors:     w.errors(p),
		LogFormat:  w.logFormat(m),
		ErrFormat:  w.format(m.ErrorFormat),
		UniqueID:   w.format(m.UniqueIDFmt),
	}
	if cfg.Default == nil {
		cfg.Default = w.e.backends[p] // a listen section's own servers
	}
	for _, u := range m.UseBackend {
		b := stream.UseBackend{Cond: w.cond(u.Cond)}
		if u.Fmt != nil {
			b.Fmt = w.format(u.Fmt)
		} else {
			b.Backend = w.target(u.Name)
		}
		cfg.UseBackend = append(cfg.UseBackend, b)
	}
	for _, c := range m.MonitorFail {
		cfg.MonitorFail = append(cfg.MonitorFail, w.cond(c))
	}
	if l := w.e.loggers[p]; l != nil {
		cfg.Log = l.With(m.LogTag)
	}
	f, err := stream.New(cfg)
	if err != nil {
		w.problems.Errorf(m.Pos, "", "%s: %v", p.Name, err)
		return
	}
	w.e.fronts = append(w.e.fronts, &front{px: p, stream: f})
}

// logFormat is the format of a frontend's log lines: its own, or the one that its log options stand for
// (configuration.txt §8.2).
func (w *wiring) logFormat(m *model.Proxy) stream.Format {
	if m.LogFormat != nil {
		return w.format(m.LogFormat)
	}
	text := ""
	switch o := &m.Options; {
	case o.HTTPLog && o.LogCLF:
		text = expr.HTTPLogCLF
	case o.HTTPLog:
		text = expr.HTTPLog
	case o.TCPLog && o.LogCLF:
		text = expr.TCPLogCLF
	case o.TCPLog:
		text = expr.TCPLog
	case m.Mode == model.ModeHTTP:
		text = expr.DefaultLog("HTTP")
	default:
		text = expr.DefaultLog("TCP")
	}
	ctx := &expr.Ctx{Diags: w.problems, Scope: expr.Log, Proxy: m.Name, Mode: m.Mode}
	return w.format(expr.ParseFormat(ctx, expr.Word{Text: text, Pos: m.Pos}))
}

// target finds a backend by name; nil when there is none.
func (w *wiring) target(name string) *stream.Backend {
	if name == "" {
		return nil
	}
	if p := w.e.proxies.Find(name, model.Backend); p != nil {
		return w.e.backends[p]
	}
	return nil
}

// errors wires the answers that replace the standard error pages, in the order of their status.
func (w *wiring) errors(p *proxy.Proxy) map[int]*stream.ErrorAnswer {
	if len(p.Model.ErrorFiles) == 0 {
		return nil
	}
	answers := map[int]*stream.ErrorAnswer{}
	var codes []int
	for code := range p.Model.ErrorFiles {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		f := p.Model.ErrorFiles[code]
		a := &stream.ErrorAnswer{Raw: f.Raw}
		if f.Return != nil {
			a.Answer = w.compile([]*model.Rule{{Pos: f.Pos, Action: *f.Return}}, "http-req", p)
		}
		answers[code] = a
	}
	return answers
}
