package process

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// Master keeps one worker running (-W). It serves nothing itself.
//
// SIGUSR2 and SIGHUP start a new worker, which reads the configuration anew and relieves the old ones once it is
// ready; when it fails, the old ones go on. SIGUSR1, SIGTERM and SIGINT are passed on to all workers, and the master
// leaves when they have. A worker that dies by itself is started again after a pause that doubles from 200 ms; one
// that has died five times in a row, each time within ten seconds of its start, ends the master with its exit code.
type Master struct {
	Dir     string                              // the folder workers start in
	Old     Handover                            // what the first worker relieves
	Ready   func()                              // called when the first worker serves
	Notef   func(format string, args ...any)    // progress
	Warnf   func(hint, text string, arg ...any) // trouble
	Systemd bool

	signals chan os.Signal
	events  chan event
	workers map[int]*worker
	current int // pid of the newest worker that serves; 0: none
	quick   int // deaths in a row
	leaving bool
	code    int
}

type worker struct {
	c       *child
	started time.Time
	serving bool
}

// event is something that happened to a worker; exactly one of the two.
type event struct {
	pid   int
	ready *bool            // it said that it is ready, or it will not be
	state *os.ProcessState // it ended
}

const (
	quickDeath   = 10 * time.Second
	maxQuick     = 5
	respawnPause = 100 * time.Millisecond
)

// Run starts the first worker and returns an exit code when the last one has left. It is to be called from the main
// goroutine.
func (m *Master) Run() int {
	// Workers are told when the thread that started them ends, so that none outlives a master that was killed.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	m.signals = make(chan os.Signal, 16)
	m.events = make(chan event)
	m.workers = map[int]*worker{}
	signal.Notify(m.signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTTOU, syscall.SIGTTIN)
	defer signal.Stop(m.signals)
	if err := m.spawn(); err != nil {
		m.Warnf("", "%v", err)
		return 1
	}
	var respawn <-chan time.Time
	for len(m.workers) > 0 || respawn != nil {
		select {
		case s := <-m.signals:
			m.signal(s.(syscall.Signal))
			if m.leaving {
				respawn = nil
			}
		case e := <-m.events:
			if again := m.handle(e); again > 0 {
				respawn = time.After(again)
			}
		case <-respawn:
			respawn = nil
			if err := m.spawn(); err != nil {
				m.Warnf("", "%v", err)
				respawn = time.After(time.Second)
			}
		}
	}
	return m.code
}

// spawn starts a worker and a goroutine that reports what becomes of it; the goroutine ends with the worker.
func (m *Master) spawn() error {
	old := m.Old // -sf and -st are for the first worker
	m.Old = Handover{}
	for pid, w := range m.workers {
		if w.serving {
			old.Finish = append(old.Finish, pid)
		}
	}
	c, err := spawn(Worker, m.Dir, old, &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM})
	if err != nil {
		return err
	}
	pid := c.cmd.Process.Pid
	m.workers[pid] = &worker{c: c, started: time.Now()}
	go func() {
		ok := c.await(startLimit)
		m.events <- event{pid: pid, ready: &ok}
		_ = c.cmd.Wait()
		m.events <- event{pid: pid, state: c.cmd.ProcessState}
	}()
	return nil
}

// handle takes note of an event and says after which pause another worker is wanted; 0: none is.
func (m *Master) handle(e event) time.Duration {
	w := m.workers[e.pid]
	if e.ready != nil {
		switch {
		case *e.ready:
			first := m.current == 0
			w.serving, m.current = true, e.pid
			m.Notef("worker %d is ready", e.pid)
			if first && m.Ready != nil {
				m.Ready()
				m.Ready = nil
			}
			m.tell("READY=1")
		default:
			_ = w.c.cmd.Process.Signal(syscall.SIGTERM) // it may hang
		}
		return 0
	}
	delete(m.workers, e.pid)
	code := exitCode(e.state)
	switch {
	case m.leaving:
		return 0
	case !w.serving && m.current == 0 && m.Ready != nil: // the very first: nobody to fall back on
		m.code = max(code, 1)
		return 0
	case !w.serving && m.current != 0:
		m.Warnf("mend the configuration and reload again", "the new worker %d failed (%s); worker %d goes on", e.pid, e.state, m.current)
		m.tell("READY=1")
		return 0
	case e.pid != m.current && w.serving: // relieved
		m.Notef("worker %d has left", e.pid)
		return 0
	}
	m.current = 0
	m.quick++
	if time.Since(w.started) > quickDeath {
		m.quick = 1
	}
	m.code = max(code, 1)
	if m.quick >= maxQuick {
		m.Warnf("", "worker %d died (%s), the fifth in a row: giving up", e.pid, e.state)
		return 0
	}
	pause := respawnPause << m.quick
	m.Warnf("", "worker %d died (%s); starting another in %v", e.pid, e.state, pause)
	return pause
}

func (m *Master) signal(s syscall.Signal) {
	switch s {
	case syscall.SIGUSR2, syscall.SIGHUP:
		if m.leaving {
			return
		}
		for _, w := range m.workers {
			if !w.serving {
				m.Warnf("", "a new worker is still starting; the reload is ignored")
				return
			}
		}
		m.Notef("reloading")
		m.tell("RELOADING=1")
		if err := m.spawn(); err != nil {
			m.Warnf("", "%v", err)
		}
	case syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGINT:
		m.leaving, m.code = true, 0
		m.tell("STOPPING=1")
		for pid := range m.workers {
			_ = syscall.Kill(pid, s)
		}
	}
}

func (m *Master) tell(state string) {
	if !m.Systemd {
		return
	}
	if err := NotifySystemd(state); err != nil {
		m.Warnf("", "cannot tell systemd: %v", err)
	}
}

// exitCode is a shell's: 128 and the signal where there was one.
func exitCode(s *os.ProcessState) int {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}
