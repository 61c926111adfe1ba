package process

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// handoverLimit is how long the ports of older processes are waited for.
const handoverLimit = 10 * time.Second

// Handover relieves older processes (-sf, -st).
//
// HAProxy binds beside the old process with SO_REUSEPORT, or pauses it with SIGTTOU. eddy shares no port: when a port
// is taken and there are older processes, it asks them to leave first and tries again until the port is free. The
// configuration and its scripts were found good before that, and what else can be looked at beforehand, so that a bad
// configuration stops nobody. Nor does a port that somebody else has.
type Handover struct {
	Finish    []int // to be sent SIGUSR1
	Terminate []int // to be sent SIGTERM
	told      bool
}

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
		if !h.told {
			if pid, addr := stranger(takenAddresses(err), slices.Concat(h.Finish, h.Terminate)); pid != 0 {
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

// Tell sends the signals, once. Processes that are gone are fine.
func (h *Handover) Tell() error {
	if h.told {
		return nil
	}
	h.told = true
	var errs []error
	send := func(pids []int, sig syscall.Signal) {
		for _, pid := range pids {
			if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
				errs = append(errs, fmt.Errorf("cannot signal process %d: %w", pid, err))
			}
		}
	}
	send(h.Finish, syscall.SIGUSR1)
	send(h.Terminate, syscall.SIGTERM)
	return errors.Join(errs...)
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
