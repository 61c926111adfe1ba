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
// sure of itself; when it fails before, the old ones go on. One worker starts at a time: a reload that is asked for
// meanwhile comes after it. SIGUSR1, SIGTERM and SIGINT are passed on to all workers, and the master leaves when they
// have. A worker that dies by itself is started again after a pause that doubles from 200 ms; one that has died five
// times in a row, each time within ten seconds of its start, ends the master with its exit code.
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
	current int              // pid of the newest worker that serves; 0: none
	respawn <-chan time.Time // when to start another one in place of a dead one; nil: no need
	again   bool             // reload once the worker that is starting has started, or failed
	quick   int              // deaths in a row
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
	m.signals = make(chan os.Signal, 16) // caught to the end: one that comes late must not change the exit code
	m.events = make(chan event)
	m.workers = map[int]*worker{}
	signal.Notify(m.signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTTOU, syscall.SIGTTIN)
	if err := m.spawn(); err != nil {
		m.Warnf("", "%v", err)
		return 1
	}
	for len(m.workers) > 0 || m.respawn != nil {
		select {
		case s := <-m.signals:
			m.signal(s.(syscall.Signal))
		case e := <-m.events:
			if e.ready != nil {
				m.started(e.pid, *e.ready)
			} else {
				m.ended(e.pid, e.state)
			}
			if m.again && !m.leaving && !m.starting() {
				m.reload()
			}
		case <-m.respawn:
			m.start()
		}
	}
	return m.code
}

// starting tells whether a worker is on its way.
func (m *Master) starting() bool {
	for _, w := range m.workers {
		if !w.serving {
			return true
		}
	}
	return false
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

// started takes note that a worker serves, or that it will not.
func (m *Master) started(pid int, ok bool) {
	w := m.workers[pid]
	if !ok {
		_ = w.c.cmd.Process.Signal(syscall.SIGTERM) // it may hang
		return
	}
	w.serving, m.current = true, pid
	m.Notef("worker %d is ready", pid)
	if m.Ready != nil {
		m.Ready()
		m.Ready = nil
	}
	m.tell("READY=1")
}

// ended takes note of a worker's end, and starts another after a pause when one is missing.
func (m *Master) ended(pid int, state *os.ProcessState) {
	w, relieved := m.workers[pid], m.current != pid
	delete(m.workers, pid)
	if !relieved {
		m.current = 0
	}
	code := exitCode(state)
	switch {
	case m.leaving:
		return
	case w.serving && (relieved || code == 0 && m.starting()): // the new one may ask for the ports before it is ready
		m.Notef("worker %d has left", pid)
		return
	case w.serving && m.starting():
		m.Warnf("", "worker %d died (%s); another is starting already", pid, state)
		return
	case !w.serving && m.Ready != nil: // the very first: nobody to fall back on
		m.code = max(code, 1)
		return
	case !w.serving && m.current != 0:
		m.Warnf("mend the configuration and reload again", "the new worker %d failed (%s); worker %d goes on", pid, state, m.current)
		m.tell("READY=1")
		return
	}
	m.quick++
	if time.Since(w.started) > quickDeath {
		m.quick = 1
	}
	m.code = max(code, 1)
	if m.quick >= maxQuick {
		m.Warnf("", "worker %d died (%s), the fifth in a row: giving up", pid, state)
		return
	}
	pause := respawnPause << m.quick
	m.Warnf("", "worker %d died (%s); starting another in %v", pid, state, pause)
	m.respawn = time.After(pause)
}

func (m *Master) signal(s syscall.Signal) {
	switch s {
	case syscall.SIGUSR2, syscall.SIGHUP:
		switch {
		case m.leaving:
		case m.starting():
			m.Notef("a worker is starting; reloading after that")
			m.again = true
		default:
			m.reload()
		}
	case syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGINT:
		m.leaving, m.code, m.respawn = true, 0, nil
		m.tell("STOPPING=1")
		for pid := range m.workers {
			_ = syscall.Kill(pid, s)
		}
	}
}

// reload starts a worker that relieves the others, at once also where one is waited for in place of a dead one.
func (m *Master) reload() {
	m.again = false
	m.Notef("reloading")
	m.tell("RELOADING=1")
	m.start()
}

// start starts a worker; when even that fails, it tries again in a second.
func (m *Master) start() {
	m.respawn = nil
	if err := m.spawn(); err != nil {
		m.Warnf("", "%v", err)
		m.respawn = time.After(time.Second)
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
