package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"eddy/internal/base/syslog"
	"eddy/internal/config/diag"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/haproxy"
	"eddy/internal/script/stdlib"
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
		BufSize: e.cfg.Global.BufSize,
		Async:   e.jobs.Shared,
		Fifo:    e.fifo(),

		BoolSamples: e.cfg.Global.Lua.BoolSamples,
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
	if level <= syslog.Err {
		s.e.errors.add("script", text)
	}
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

// fifo makes the queues of scripts' fifos; nil when fifos are kept in memory.
func (e *Engine) fifo() func(name string) (*queue.Queue, error) {
	if !e.cfg.Global.Lua.FifoDisk {
		return nil
	}
	return e.jobs.Fifo
}

// complain tells the operator what nobody else can be told any more.
func (e *Engine) complain(err error) {
	if e.globalLog != nil {
		e.globalLog.Log(syslog.Warning, "", []byte(err.Error()))
	}
	fmt.Fprintf(e.opts.Stderr, "eddy: %v\n", err)
}

// setupState puts Lua's library into a new state.
func (e *Engine) setupState(s *vm.State) error {
	l, err := stdlib.Install(s, stdlib.Options{
		Stdout: asFile(e.opts.Stdout),
		Stderr: asFile(e.opts.Stderr),
		Warn:   func(text string) { e.complain(errors.New(text)) },
	})
	if err != nil {
		return err
	}
	e.libraries = append(e.libraries, l)
	return nil
}

// asFile gives the file behind w; nil, which means the process's own, when there is none.
func asFile(w io.Writer) *os.File {
	f, _ := w.(*os.File)
	return f
}

// drainEvery is how often finalizers of scripts get their turn.
const drainEvery = time.Second

// finalize runs the finalizers of what scripts no longer use, until ctx ends.
func (e *Engine) finalize(ctx context.Context) {
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			turn, cancel := context.WithTimeout(ctx, drainEvery)
			for _, l := range e.libraries {
				l.Drain(turn)
			}
			cancel()
		}
	}
}
