// Package engine builds a generation out of a configuration and runs it: it is the only place that knows all rooms
// and wires them.
//
//	Build   everything but sockets: addresses, scripts, rules, pools. Nothing is visible from outside.
//	Listen  opens the listening sockets; the privileges for them can be given up afterwards.
//	Start   runs init functions, tasks and the accept loops.
//	Stop    ends it all in the order that Stop's body shows.
//
// A failed step takes back what was done; what runs already is not touched.
package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"eddy/internal/base/syslog"
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/engine/jobs"
	"eddy/internal/engine/observed"
	"eddy/internal/fastpath/backend"
	"eddy/internal/fastpath/listener"
	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/stream"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
	"eddy/internal/script/haproxy"
	"eddy/internal/script/stdlib"
)

// Options are the surroundings of an Engine; zero fields take the process's own.
type Options struct {
	Version string
	Stdout  io.Writer // where scripts print
	Stderr  io.Writer // where messages go that no log takes
}

// Engine is one generation. Its methods are for the goroutine that operates it, except where they say otherwise.
type Engine struct {
	cfg     *model.Config
	opts    Options
	started time.Time

	logs      *logBook
	loggers   map[*proxy.Proxy]*syslog.Logger
	globalLog *syslog.Logger

	proxies *proxy.Set
	env     *sample.Env
	proc    *txn.ProcVars
	jobs    *jobs.Jobs // the off path
	jobless bool       // it was stopped
	errors  errorBook
	scripts *haproxy.Binding // nil when no script is loaded
	// libraries are the Lua libraries of the scripts' states.
	libraries []*stdlib.Library

	pools    *wire.Pools
	parking  *wire.Parking // idle client connections of all frontends
	ids      atomic.Uint64 // transactions so far
	backends map[*proxy.Proxy]*stream.Backend
	servers  []*backend.Pool
	fronts   []*front
	lanes    []*observed.Lane
	finished chan struct{}   // see Finished
	conns    *listener.Limit // of the whole process
	stopping atomic.Bool
	relieved []int    // processes that this one takes the queues of
	undone   []string // see Unfinished
	cancel   context.CancelFunc
	running  sync.WaitGroup // accept loops and what else Start started
}

// front is a frontend with its listening sockets.
type front struct {
	px        *proxy.Proxy
	stream    *stream.Frontend
	listeners []*listener.Listener
}

// Build makes a generation. Problems hold everything that is wrong; with an error among them the Engine is nil and
// nothing is left behind. Scripts' main chunks run here.
func Build(cfg *model.Config, opts Options) (*Engine, *diag.List) {
	if opts.Stdout == nil {
		opts.Stdout = os.Stdout
	}
	if opts.Stderr == nil {
		opts.Stderr = os.Stderr
	}
	problems := new(diag.List)
	e := &Engine{
		cfg:      cfg,
		opts:     opts,
		started:  time.Now(),
		logs:     newLogBook(&cfg.Global),
		loggers:  map[*proxy.Proxy]*syslog.Logger{},
		proc:     new(txn.ProcVars),
		pools:    wire.NewPools(cfg.Global.BufSize),
		backends: map[*proxy.Proxy]*stream.Backend{},
	}
	var err error
	if e.parking, err = wire.NewParking(); err != nil {
		problems.Errorf(diag.Pos{}, "", "cannot watch idle connections: %v", err)
		return nil, problems
	}
	e.build(problems)
	if problems.Failed() {
		e.discard()
		return nil, problems
	}
	return e, problems
}

// build goes through the rooms in the order in which they need each other.
func (e *Engine) build(problems *diag.List) {
	e.proxies = buildProxies(e.cfg, problems)
	e.openLogs(problems)
	e.env = e.newEnv(problems)
	e.env.InitVars(e.cfg.Global.ProcVars)
	e.buildJobs(problems)
	e.loadScripts(problems)
	if problems.Failed() {
		return // names that the scripts did not get to register would all be reported too
	}
	b := newWiring(e, problems)
	for _, p := range e.proxies.All {
		if p.Model.Side&model.Backend != 0 {
			b.backend(p)
		}
	}
	for _, p := range e.proxies.All {
		if p.Model.Side&model.Frontend != 0 {
			b.frontend(p)
		}
	}
	e.buildLanes(problems)
	e.env.Problems = nil // what is built from now on, by scripts, reports for itself
}

func (e *Engine) openLogs(problems *diag.List) {
	open := func(lines []model.Log, pos diag.Pos) *syslog.Logger {
		l, err := e.logs.logger(lines)
		if err != nil {
			problems.Errorf(pos, "", "log: %v", err)
		}
		return l
	}
	e.globalLog = open(e.cfg.Global.Logs, diag.Pos{})
	for _, p := range e.proxies.All {
		e.loggers[p] = open(p.Model.Logs, p.Model.Pos)
	}
}

func (e *Engine) newEnv(problems *diag.List) *sample.Env {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return &sample.Env{
		Proxies:  e.proxies,
		Proc:     e.proc,
		Files:    &patfile.Store{},
		Problems: problems,
		Process: sample.Process{
			Hostname: host,
			Version:  e.opts.Version,
			PID:      os.Getpid(),
			Threads:  e.Threads(),
			Started:  e.started,
			Conns:    e.Conns,
			Stopping: e.stopping.Load,
			Env:      e.lookupEnv,
			Debug:    e.debug,
		},
	}
}

// debug writes what the debug converter shows.
func (e *Engine) debug(_ string, line []byte) { fmt.Fprintf(e.opts.Stderr, "%s\n", line) }

func (e *Engine) lookupEnv(name string) (string, bool) {
	if v, ok := e.cfg.Global.Env[name]; ok {
		return v, true
	}
	return os.LookupEnv(name)
}

// Conns is the number of client connections now. Any goroutine may call it.
func (e *Engine) Conns() int64 {
	var n int64
	for _, p := range e.proxies.All {
		n += p.Front.Conns.Load()
	}
	return n
}

// Proxies are the generation's proxies, for those who show or steer them.
func (e *Engine) Proxies() *proxy.Set { return e.proxies }

// Scripts is the binding of HAProxy's Lua; nil when no script is loaded.
func (e *Engine) Scripts() *haproxy.Binding { return e.scripts }

// Stopping says whether the stop has begun. Any goroutine may call it.
func (e *Engine) Stopping() bool { return e.stopping.Load() }

// DroppedLogs is the number of log lines lost so far.
func (e *Engine) DroppedLogs() uint64 { return e.logs.dropped() }

// Start opens the stores of queues, runs the scripts' init functions, their tasks, observed lanes, workers, and the accept
// loops. Listen was called before. When it fails the Engine has to be stopped.
func (e *Engine) Start() error {
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	if err := e.jobs.Open(e.relieved); err != nil {
		return err
	}
	if e.scripts != nil {
		if err := e.scripts.RunInits(ctx); err != nil {
			return fmt.Errorf("a script's init function failed: %w", err)
		}
		e.scripts.StartTasks(ctx)
		e.running.Go(func() { e.finalize(ctx) })
	}
	if err := e.startLanes(); err != nil {
		return err
	}
	e.jobs.Start() // behind those who take results of jobs that an earlier process has left
	for _, f := range e.fronts {
		for _, l := range f.listeners {
			e.running.Go(l.Run)
		}
	}
	return nil
}
