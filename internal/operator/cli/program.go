// Package cli is the eddy command: flags, messages, signals and the life of the process. It knows the engine by the
// interface Engine only; package app brings the two together.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"eddy/internal/config"
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/listener"
	"eddy/internal/fastpath/report"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/process"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the configuration, or the start
	exitUsage  = 2
)

// Engine is one generation of the traffic engine, as the command operates it.
type Engine interface {
	// Listen opens all sockets, or none; those of the processes old, which it replaces, where they fit.
	Listen(old []int, sockets *listener.Inherited) error
	Sockets() []listener.Socket    // what it listens on, for a process that is to replace it; any goroutine
	Taken(name string)             // such a process serves one of the sockets now; any goroutine
	Start() error                  // serves; after privileges were given up
	SoftStop()                     // takes nothing new, finishes what runs; returns at once
	Stop(ctx context.Context) bool // SoftStop, waits until ctx is done, cuts the rest; false when something was cut
	Status() []string              // what is going on, for SIGHUP
	Commands() []admin.Command     // for the stats socket
	Reports() []*report.Lane       // of observed lanes, also after Stop; any goroutine
	Unfinished() []string          // after Stop: what was left undone, a line each
	Finished() <-chan struct{}     // closed when nothing is left to do: there were captures to read, and no more; else nil
}

// Program is what the command puts to work. Package app fills it with eddy's own rooms.
type Program struct {
	Version string
	About   []string // lines for -vv
	Load    func(config.Options) (*model.Config, *diag.List)
	Build   func(cfg *model.Config, out, errOut io.Writer) (Engine, *diag.List)
	// Observe builds a lane for "eddy observe", or says what is wrong; of cfg it takes the queues and the state-dir. Plugins
	// print to out; messages go to errOut.
	Observe func(lane *model.Observe, cfg *model.Config, out, errOut io.Writer) (Lane, *diag.List)
}

// run is one execution of the command.
type run struct {
	Program
	*console
	f    *flags
	self *process.Self
	dir  string // the folder the command was started in
	cfg  *model.Config
}

// Run executes the command line args (without the program's name) and returns the exit code.
func (p Program) Run(args []string, out, errOut io.Writer) int {
	if len(args) > 0 && args[0] == observeCommand {
		return p.runObserve(args[1:], out, errOut)
	}
	if len(args) > 0 && args[0] == jobsCommand {
		return p.runJobs(args[1:], out, errOut)
	}
	if len(args) > 0 && args[0] == topCommand {
		return p.runTop(args[1:], out, errOut)
	}
	r := &run{Program: p, console: newConsole(out, errOut, os.LookupEnv)}
	f, err := parseFlags(args)
	if err != nil {
		return r.usage(err)
	}
	r.f, r.quiet, r.verbose = f, f.quiet, f.verbose
	switch {
	case f.help:
		printHelp(out)
		return exitOK
	case f.version > 0:
		printVersion(out, p.Version, f.version > 1, p.About)
		return exitOK
	case len(args) == 0:
		printHelp(errOut)
		return exitUsage
	case len(f.files) == 0:
		r.errorf("eddy -f FILE", "no configuration was given")
		return exitUsage
	}
	// Whoever reads our messages may go away. Ignoring the signal would be inherited by the programs that scripts start.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	r.self = process.Start()
	for _, n := range f.notes {
		r.notef("%s", n)
	}
	return r.start()
}

// start loads the configuration and goes on in the role that flags, configuration and the parent process give.
func (r *run) start() int {
	if err := r.enter(); err != nil {
		r.errorf("", "%v", err)
		return exitFailed
	}
	if !r.load() {
		return exitFailed
	}
	switch {
	case r.f.check:
		return r.checkOnly()
	case r.cfg.Idle():
		r.errorf("add a bind line to a frontend, say", "there is nothing to do: the configuration has no address to listen on, and no script")
		return exitFailed
	case r.background() && r.self.Role == process.Plain:
		pid, code, err := process.Daemonize(r.dir)
		if err != nil {
			r.errorf("", "%v", err)
			return code
		}
		r.notef("process %d runs in the background", pid)
		return exitOK
	case r.supervised() && r.self.Role != process.Worker:
		return r.superviseWorkers()
	}
	return r.serve()
}

// background and supervised tell what flags and configuration ask for together.
func (r *run) background() bool { return (r.f.daemon || r.cfg.Global.Daemon) && !r.f.foreground }

func (r *run) supervised() bool { return (r.f.master || r.cfg.Global.MasterWork) && !r.f.foreground }

// enter changes into the -C folder and sets the variables that configurations may use.
func (r *run) enter() error {
	var err error
	if r.dir, err = os.Getwd(); err != nil {
		return err
	}
	if r.f.dir != "" {
		if err := os.Chdir(r.f.dir); err != nil {
			return fmt.Errorf("-C: %w", err)
		}
	}
	return os.Setenv("HAPROXY_CFGFILES", strings.Join(r.f.files, ";"))
}

// load reads the configuration, prints what is wrong with it, and lays the flags over it.
func (r *run) load() bool {
	cfg, problems := r.Load(config.Options{Files: r.f.files, Env: os.LookupEnv, Version: r.Version, LocalPeer: r.f.localPeer, Diag: r.f.diag})
	if cfg != nil && cfg.Global.Quiet && !r.f.verbose {
		r.quiet = true
	}
	// The parent of a daemon, and a master, load only to know their role; their child says it all again.
	if r.self.Role == process.Plain || problems.Failed() {
		r.problems(problems)
	}
	if cfg == nil || problems.Failed() {
		r.errorf("", "the configuration cannot be used: %s", problems.Summary())
		return false
	}
	if r.f.zeroWarn && problems.Len() > 0 {
		r.errorf("mend what they say, or leave -dW out", "there are warnings, and -dW does not allow them")
		return false
	}
	g := &cfg.Global
	if r.f.maxConn > 0 {
		g.MaxConn = r.f.maxConn
	}
	if r.f.pidFile != "" {
		g.PIDFile = r.f.pidFile
	}
	if r.f.perProxy > 0 {
		for _, p := range cfg.Proxies {
			if p.MaxConn == 0 {
				p.MaxConn = r.f.perProxy
			}
		}
	}
	r.cfg = cfg
	return true
}

// build makes the engine and prints what is wrong with scripts and names. The variables that the configuration sets
// go into the environment here and not in load: a master must not hand those of an older configuration to a worker.
func (r *run) build() Engine {
	for name, value := range r.cfg.Global.Env {
		if err := os.Setenv(name, value); err != nil {
			r.errorf("", "setenv %s: %v", name, err)
			return nil
		}
	}
	e, problems := r.Build(r.cfg, r.out, r.err)
	r.problems(problems)
	if e == nil || problems.Failed() {
		r.errorf("", "the configuration cannot be used: %s", problems.Summary())
		return nil
	}
	if r.f.zeroWarn && problems.Len() > 0 {
		r.errorf("mend what they say, or leave -dW out", "there are warnings, and -dW does not allow them")
		cut(e)
		return nil
	}
	return e
}

func (r *run) checkOnly() int {
	e := r.build()
	if e == nil {
		return exitFailed
	}
	cut(e)
	if !r.quiet {
		fmt.Fprintln(r.out, "Configuration file is valid")
	}
	return exitOK
}

// cut ends an engine without waiting for anything.
func cut(e Engine) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e.Stop(ctx)
}
