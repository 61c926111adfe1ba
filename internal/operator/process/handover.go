package process

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"eddy/internal/fastpath/listener"
)

// handoverLimit is how long the ports of older processes are waited for.
const handoverLimit = 10 * time.Second

// Handover relieves older processes (-sf, -st).
//
// HAProxy binds beside the old process with SO_REUSEPORT, is given sockets by it (-x), or pauses it with SIGTTOU. Here the
// new process asks the old ones for their listening sockets and shares them: connections wait in one queue for both, so that
// none is refused when the old process leaves, which it is asked to when the new one serves. Where no sockets are given, and a
// port is taken, the old process is asked to leave first, and the port is tried again until it is free. The configuration and
// its scripts were found good before that, and what else can be looked at beforehand, so that a bad configuration stops nobody.
// Nor does a port that somebody else has.
type Handover struct {
	Finish    []int // to be sent SIGUSR1
	Terminate []int // to be sent SIGTERM
	told      map[int]bool
	visits    map[int][]*visit // at the gates of the processes, and of their children
	sockets   *listener.Inherited
}

// Ask asks all processes for their listening sockets; Close lets go of them. What could not be had is an error to be told, no
// reason to give up.
func (h *Handover) Ask() (*listener.Inherited, error) {
	var errs []error
	var sockets []listener.Socket
	h.visits = map[int][]*visit{}
	for _, pid := range h.pids() {
		visits, got, err := visitGates(pid)
		if err != nil {
			errs = append(errs, err)
		}
		h.visits[pid] = visits
		sockets = append(sockets, got...)
	}
	h.sockets = listener.NewInherited(sockets)
	return h.sockets, errors.Join(errs...)
}

// Close ends what Ask began. Processes that were not told to leave go on.
func (h *Handover) Close() {
	for _, visits := range h.visits {
		for _, v := range visits {
			_ = v.conn.Close()
		}
	}
	h.sockets.Close()
}

// Processes are those to be relieved.
func (h *Handover) Processes() []int { return h.pids() }

func (h *Handover) pids() []int { return slices.Concat(h.Finish, h.Terminate) }

// Listen calls listen until it succeeds, it fails with something else than a port in use, nobody can be asked to
// leave, or the time is over. Errors with a method "ListenAddr() string", and those of package net, tell which port.
func (h *Handover) Listen(listen func() error) error {
	end := time.Now().Add(handoverLimit)
	pause := 5 * time.Millisecond
	for {
		err := listen()
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) || h.empty() {
			return err
		}
		if len(h.told) == 0 {
			if pid, addr := stranger(takenAddresses(err), h.pids()); pid != 0 {
				return fmt.Errorf("%s belongs to process %d (%s), which is not to be replaced: stop it, or choose another address or port", addr, pid, nameOf(pid))
			}
		}
		if failed := h.Tell(); failed != nil {
			return errors.Join(err, failed)
		}
		if time.Now().After(end) {
			return fmt.Errorf("%w: the older process has not let go of it", err)
		}
		time.Sleep(pause)
		pause = min(2*pause, 200*time.Millisecond)
	}
}

// TellSilent tells those to leave who did not answer Ask. It is for a process that is about to give up the privileges that
// signals take: those that have answered can be told later.
func (h *Handover) TellSilent() error {
	return h.each(func(pid int) bool {
		return !slices.ContainsFunc(h.visits[pid], func(v *visit) bool { return v.pid == pid })
	})
}

// Tell tells all processes to leave that were not told before. Processes that are gone are fine.
func (h *Handover) Tell() error { return h.each(func(int) bool { return true }) }

// each tells those of the processes to leave that choose chooses, each once.
func (h *Handover) each(choose func(pid int) bool) error {
	if h.told == nil {
		h.told = map[int]bool{}
	}
	var errs []error
	for i, pid := range h.pids() {
		if h.told[pid] || !choose(pid) {
			continue
		}
		h.told[pid] = true
		s := syscall.SIGUSR1
		if i >= len(h.Finish) {
			s = syscall.SIGTERM
		}
		if !h.leave(pid, s) {
			errs = append(errs, signalTo(pid, s))
		}
	}
	return errors.Join(errs...)
}

// leave tells a process at its gate to leave; false: it was not heard. The children of a master are told what is served here,
// and the master passes the signal on to them.
func (h *Handover) leave(pid int, s syscall.Signal) bool {
	taken, told := h.sockets.Taken(), false
	for _, v := range h.visits[pid] {
		if v.pid != pid {
			_ = v.leave(taken, 0)
		}
	}
	for _, v := range h.visits[pid] {
		if v.pid == pid {
			told = v.leave(taken, s) == nil
		}
	}
	return told
}

func signalTo(pid int, s syscall.Signal) error {
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("cannot signal process %d: %w", pid, err)
	}
	return nil
}

func (h *Handover) empty() bool { return len(h.Finish) == 0 && len(h.Terminate) == 0 }

// String and ParseHandover carry the processes through an environment variable: "f12 f13 t14".
func (h Handover) String() string {
	var words []string
	for _, pid := range h.Finish {
		words = append(words, "f"+strconv.Itoa(pid))
	}
	for _, pid := range h.Terminate {
		words = append(words, "t"+strconv.Itoa(pid))
	}
	return strings.Join(words, " ")
}

// ParseHandover reads what String wrote; what it cannot read it leaves out.
func ParseHandover(s string) Handover {
	var h Handover
	for _, w := range strings.Fields(s) {
		pid, err := strconv.Atoi(w[1:])
		switch {
		case err != nil || pid < 2:
		case w[0] == 'f':
			h.Finish = append(h.Finish, pid)
		case w[0] == 't':
			h.Terminate = append(h.Terminate, pid)
		}
	}
	return h
}
