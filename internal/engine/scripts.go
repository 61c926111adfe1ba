package engine

import (
	"fmt"
	"runtime"

	"eddy/internal/base/syslog"
	"eddy/internal/config/diag"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/script/haproxy"
	"eddy/internal/script/vm"
)

// loadScripts makes the Lua states and runs the scripts' main chunks, when there are any.
func (e *Engine) loadScripts(problems *diag.List) {
	if len(e.cfg.Global.Lua.Loads) == 0 {
		return
	}
	b, err := haproxy.New(haproxy.Options{
		Lua:     &e.cfg.Global.Lua,
		Threads: e.Threads(),
		Env:     e.env,
		Logger:  scriptLog{e},
		Stderr:  e.opts.Stderr,
		Info:    e.Info,
		Setup:   e.setupState,
	})
	if err != nil {
		problems.Errorf(e.cfg.Global.Lua.Loads[0].Pos, "", "Lua: %v", err)
		return
	}
	e.scripts = b
	e.env.Lua = b
	b.Load(problems)
}

// Threads is how many Lua states lua-load-per-thread makes, and what nbthread samples say.
func (e *Engine) Threads() int {
	if n := e.cfg.Global.NbThread; n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// scriptLog takes what scripts log to the log lines of their proxy, or to the global ones.
type scriptLog struct{ e *Engine }

// Log implements haproxy.Logger.
func (s scriptLog) Log(px *proxy.Proxy, level int, text string) bool {
	l, tag := s.e.globalLog, ""
	if px != nil {
		l, tag = s.e.loggers[px], px.Model.LogTag
	}
	if l == nil {
		return false
	}
	l.Log(level, tag, []byte(text))
	return true
}

// complain tells the operator what nobody else can be told any more.
func (e *Engine) complain(err error) {
	if e.globalLog != nil {
		e.globalLog.Log(syslog.Warning, "", []byte(err.Error()))
	}
	fmt.Fprintf(e.opts.Stderr, "eddy: %v\n", err)
}

func (e *Engine) setupState(*vm.State) error { return nil }
