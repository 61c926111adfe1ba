package vm

/*
#include "vm.h"
*/
import "C"

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// watch looks at a state every few milliseconds and sends a tick (see vm.c) to the thread on which it finds the same
// step as the last time. While nothing runs it sleeps. A nil watch does nothing.
type watch struct {
	s      *State
	begun  atomic.Uint32 // steps
	asleep atomic.Bool
	wake   chan struct{}
	quit   chan struct{}
	done   chan struct{}
}

const (
	watchEvery = 2 * time.Millisecond
	watchTired = 100 // looks that find nothing, before it sleeps
)

func newWatch(s *State) *watch {
	w := &watch{s: s, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

// begins is called when a step begins.
func (w *watch) begins() {
	if w == nil {
		return
	}
	w.begun.Add(1) // before the look at asleep; run does it the other way round, so one of the two sees the other
	if w.asleep.Load() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// stop ends the goroutine. It belongs before the state's end.
func (w *watch) stop() {
	if w != nil {
		close(w.quit)
		<-w.done
	}
}

func (w *watch) run() {
	defer close(w.done)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	seq, tid := (*uint32)(unsafe.Pointer(&w.s.c.seq)), (*int32)(unsafe.Pointer(&w.s.c.tid))
	signal, pid := unix.Signal(C.eddy_tick_signal()), unix.Getpid()
	last, tired := uint32(0), 0
	for {
		begun := w.begun.Load()
		select {
		case <-w.quit:
			return
		case <-tick.C:
		}
		now := atomic.LoadUint32(seq)
		switch {
		case now != last:
			tired = 0
		case now&1 == 1:
			// The thread may have left the step by the time the signal arrives: the handler looks for itself.
			_ = unix.Tgkill(pid, int(atomic.LoadInt32(tid)), signal)
		default:
			tired++
		}
		last = now
		if tired < watchTired {
			continue
		}
		tired = 0
		w.asleep.Store(true)
		if w.begun.Load() == begun { // else a step may have begun before it could see that nobody watches
			select {
			case <-w.quit:
				return
			case <-w.wake:
			}
		}
		w.asleep.Store(false)
	}
}
