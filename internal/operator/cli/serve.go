package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/listener"
	"eddy/internal/fastpath/report"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/process"
	"eddy/internal/operator/summary"

	"golang.org/x/sys/unix"
)

// termGrace is how long SIGTERM lets requests finish when the configuration has no hard-stop-after. HAProxy cuts
// them at once.
const termGrace = 5 * time.Second

// superviseWorkers is the master of -W.
func (r *run) superviseWorkers() int {
	pid, err := process.WritePIDFile(r.cfg.Global.PIDFile)
	if err != nil {
		r.errorf("", "%v", err)
		return exitFailed
	}
	defer pid.Remove()
	// The workers have the sockets; the master is only told to leave. Signals would do where there is no gate.
	if gate, err := process.OpenGate(func() []listener.Socket { return nil }, func(string) {}, process.SignalSelf); err == nil {
		gate.Serve()
		defer gate.Close()
	}
	m := &process.Master{Dir: r.dir, Old: r.handover(), Notef: r.notef, Warnf: r.warnf, Systemd: r.f.systemd, Ready: func() {
		if err := r.self.Ready(r.background()); err != nil {
			r.warnf("", "%v", err)
		}
	}}
	return m.Run()
}

// handover collects the older processes: those of the flags, or for a worker those that its master names.
func (r *run) handover() process.Handover {
	if r.self.Role == process.Worker {
		return process.ParseHandover(r.self.Old)
	}
	return process.Handover{Finish: r.f.finish, Terminate: r.f.terminate}
}

// serve runs the engine in this process until a signal ends it.
//
// The order matters: scripts first, so that a broken one changes nothing; then everything that needs privileges;
// then, without them, traffic. Older processes are told to leave when this one serves.
func (r *run) serve() int {
	r.limits()
	e := r.build()
	if e == nil {
		return exitFailed
	}
	// They stay caught to the end: one that comes late must not change the exit code.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP,
		syscall.SIGTTOU, syscall.SIGTTIN, syscall.SIGUSR2)

	old := r.handover()
	defer old.Close()
	stats, gate, pid, err := r.open(e, &old)
	if err != nil {
		r.errorf(listenHint(err), "cannot start: %v", err)
		cut(e)
		return exitFailed
	}
	defer pid.Remove()
	defer stats.Close()
	defer gate.Close()
	if !starting(signals, startGrace, func() { err = e.Start() }) {
		return r.unstarted()
	}
	if err != nil {
		r.errorf("", "cannot start: %v", err)
		cut(e)
		return exitFailed
	}
	stats.Serve()
	gate.Serve()
	if err := old.Tell(); err != nil {
		r.warnf("", "%v", err)
	}
	old.Close()
	if err := r.announce(); err != nil {
		r.warnf("", "%v", err)
	}
	return r.untilStopped(e, stats, signals)
}

// open does what may need privileges, and gives them up.
func (r *run) open(e Engine, old *process.Handover) (*admin.Server, *process.Gate, *process.PIDFile, error) {
	g := &r.cfg.Global
	stats := &admin.Server{Commands: e.Commands(), Timeout: g.StatsTime}
	addrs := statsSockets(g.StatsSocks)
	drop := process.Privileges{User: g.User, Group: g.Group, UID: g.UID, GID: g.GID, Chroot: g.Chroot}
	if err := errors.Join(r.checkPIDFile(), admin.Check(addrs), drop.Check()); err != nil {
		return nil, nil, nil, err // before anybody is asked to leave
	}
	sockets, err := old.Ask()
	if err != nil {
		r.notef("%v", err)
	}
	if err := old.Listen(func() error { return e.Listen(old.Processes(), sockets) }); err != nil {
		return nil, nil, nil, err
	}
	if err := old.Listen(func() error { return stats.Open(addrs) }); err != nil {
		return nil, nil, nil, err
	}
	gate, err := process.OpenGate(e.Sockets, e.Taken, process.SignalSelf)
	if err != nil {
		r.notef("a process that replaces this one will have to wait for its ports: %v", err)
	}
	pid, err := r.writePIDFile()
	if err == nil {
		// The ports are ours. Without privileges it may be impossible to signal the older processes that cannot be told in
		// another way, so now is the time.
		if err := old.TellSilent(); err != nil {
			r.warnf("", "%v", err)
		}
		err = drop.Drop()
	}
	if err != nil {
		stats.Close()
		gate.Close()
		pid.Remove()
		return nil, nil, nil, err
	}
	return stats, gate, pid, nil
}

func (r *run) checkPIDFile() error {
	if r.self.Role == process.Worker {
		return nil
	}
	return process.CheckPIDFile(r.cfg.Global.PIDFile)
}

// writePIDFile writes the pid file, where it is not the master that has its own there.
func (r *run) writePIDFile() (*process.PIDFile, error) {
	if r.self.Role == process.Worker {
		return nil, nil
	}
	return process.WritePIDFile(r.cfg.Global.PIDFile)
}

// announce says that the process serves, to whoever waits for that.
func (r *run) announce() error {
	r.notef("ready, process %d", os.Getpid())
	var err error
	if r.self.Role != process.Worker { // the master tells systemd
		err = process.NotifySystemd("READY=1")
	}
	return errors.Join(err, r.self.Ready(r.background()))
}

// untilStopped obeys signals and returns the exit code.
func (r *run) untilStopped(e Engine, stats *admin.Server, signals <-chan os.Signal) int {
	hard := r.cfg.Global.HardStop
	for {
		var s os.Signal
		select {
		case <-e.Finished():
			return r.stop(e, signals, hard)
		case s = <-signals:
		}
		switch s {
		case syscall.SIGHUP:
			for _, line := range e.Status() {
				r.printf("%s", line)
			}
			continue
		case syscall.SIGUSR1:
		case syscall.SIGTERM, syscall.SIGINT:
			if hard == 0 {
				hard = termGrace
			}
		case syscall.SIGUSR2:
			r.printf("SIGUSR2 reloads with -W only; start a new process with -sf %d instead", os.Getpid())
			continue
		default: // SIGTTOU and SIGTTIN, with which HAProxy pauses an older process: ignored
			continue
		}
		stats.Release()
		return r.stop(e, signals, hard)
	}
}

// stop lets what runs finish, for limit at most (0: without end) or until another SIGTERM or SIGINT.
func (r *run) stop(e Engine, signals <-chan os.Signal, limit time.Duration) int {
	r.notef("finishing what runs")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	done := make(chan bool, 1)
	go func() { done <- e.Stop(ctx) }()
	for {
		select {
		case clean := <-done:
			if !clean {
				r.printf("stopped; some connections were cut")
			}
			for _, line := range e.Unfinished() {
				r.printf("%s", line)
			}
			r.summarize(e.Reports())
			return exitOK
		case s := <-signals:
			if s == syscall.SIGTERM || s == syscall.SIGINT {
				cancel()
			}
		}
	}
}

// summarize prints what the observed lanes have seen.
func (r *run) summarize(lanes []*report.Lane) {
	if r.quiet {
		return
	}
	for _, lane := range lanes {
		r.printf("observe %s", lane.Name)
		_ = summary.Of(lane, 0).Text(r.err) // when nobody reads it, nobody misses it
	}
}

// limits sets what holds for the whole process. What cannot be had is a warning: the process can serve with less.
func (r *run) limits() {
	g := &r.cfg.Global
	if g.NbThread > 0 {
		runtime.GOMAXPROCS(g.NbThread)
	}
	if r.f.memory > 0 {
		debug.SetMemoryLimit(int64(r.f.memory) << 20)
	}
	if err := process.RaiseFileLimit(g.UlimitN); err != nil {
		r.warnf("raise the hard limit for this user, or start as root", "ulimit-n: %v", err)
	}
	// A connection through a proxy is two descriptors; a few more are sockets, logs and scripts' files.
	need := 2*g.MaxConn + 64
	var lim unix.Rlimit
	if g.MaxConn > 0 && unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) == nil && lim.Cur < uint64(need) {
		if err := process.RaiseFileLimit(need); err != nil {
			r.warnf(fmt.Sprintf("raise it (ulimit -n %d), or lower maxconn", need),
				"maxconn %d needs %d open files, the limit is %d", g.MaxConn, need, lim.Cur)
		}
	}
}

// statsSockets translates "stats socket" lines.
func statsSockets(binds []model.Bind) []admin.Listen {
	var out []admin.Listen
	for _, b := range binds {
		l := admin.Listen{Network: "unix", Addr: b.Addr.Path, Mode: b.Mode, UID: b.UID, GID: b.GID, Level: admin.ParseLevel(b.Level)}
		switch b.Addr.Kind {
		case model.AddrAbstract:
			l.Addr = "@" + b.Addr.Path
		case model.AddrFD:
			l.File = os.NewFile(uintptr(b.Addr.FD), "stats socket")
		case model.AddrTCP, model.AddrUDP:
			l.Network = "tcp"
			host := strings.Trim(b.Addr.Host, "[]")
			if host == "*" {
				host = ""
			}
			l.Addr = net.JoinHostPort(host, strconv.Itoa(b.Addr.Port))
		}
		out = append(out, l)
	}
	return out
}

func listenHint(err error) string {
	var socket *net.OpError
	var file *fs.PathError
	switch {
	case errors.Is(err, syscall.EACCES) && !errors.As(err, &socket) && errors.As(err, &file):
		return "give the folder to the user that eddy runs as, or name another one"
	case errors.Is(err, syscall.EADDRINUSE):
		return "something listens there already; to replace a running eddy, name it: -sf PID"
	case errors.Is(err, syscall.ENOENT):
		return "make the folder first: mkdir -p"
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 need root or CAP_NET_BIND_SERVICE; socket files need a folder that you may write"
	}
	return ""
}
