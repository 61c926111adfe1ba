// Package vm is Lua: PUC Lua 5.4 through a C shim of our own, behind an interface in which nothing of C or Lua's
// stack shows. It is the only package of eddy that uses cgo.
//
// A State is one big lock with many coroutines in it. Every call from Go is a Run: a coroutine that the calling
// goroutine drives. The goroutine takes the lock, resumes the coroutine, and lets go of the lock when the coroutine
// ends, waits (Call.Wait) or is preempted. So a script that sleeps costs a parked goroutine and holds up nobody.
package vm

/*
#include <stdlib.h>
#include "vm.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"eddy/internal/base/value"
)

// DefaultMaxMem bounds a state whose configuration names no tune.lua.maxmem: enough for any sane script, little
// enough that one mad string.rep is refused instead of filling the machine.
const DefaultMaxMem = 1 << 30

// Options describe a State.
type Options struct {
	MaxMem int64 // bytes; 0: DefaultMaxMem
	// ForcedYield is the number of instructions between two looks at the clock and at who else wants the lock
	// (tune.lua.forced-yield). 0 is faster: a run that takes milliseconds is looked at every few of them, others never.
	ForcedYield int
	OpenLibs    []string // standard libraries besides base and package; nil: all (tune.lua.openlibs)
	// Warn is told, once for each place, what a script does that holds up others. It may be called from any goroutine
	// that runs Lua, with the lock held, and must not block.
	Warn func(text string)
}

// State is one Lua state. Its methods may be called from any goroutine unless they say otherwise.
type State struct {
	mu      sync.Mutex // the big lock
	waiters int32      // goroutines that want it; C reads this
	stop    int32      // set by Kill; C reads this
	c       *C.eddy_state
	pin     runtime.Pinner
	watch   *watch // nil: the hook counts instructions

	stats   stats // under the lock
	funcs   []Func
	call    Call    // reused for every call into Go; valid while the lock is held
	cur     *Run    // the run that has the lock
	emitted Emitted // reused by drain
	warn    func(string)

	warned  map[string]bool   // places that were warned about, under the lock
	places  map[string]string // what Call.Where gave, under the lock
	handles handles

	unrefMu sync.Mutex
	unrefs  []Ref // let go of at the next occasion
	nunref  atomic.Int32

	closed  bool
	running sync.WaitGroup // runs in progress
}

// Func is a Go function that Lua can call. It runs with the state's lock held, on the goroutine that drives the
// coroutine, so it must not block: what takes time goes through Call.Wait. An error becomes a Lua error with the
// script's position in front.
type Func func(c *Call) error

// ErrClosed is returned for runs on a state that was closed.
var ErrClosed = errors.New("the Lua state is closed")

// New makes a state with the libraries of opts and no script in it.
func New(opts Options) (*State, error) {
	if opts.MaxMem == 0 {
		opts.MaxMem = DefaultMaxMem
	}
	if opts.Warn == nil {
		opts.Warn = func(text string) { fmt.Fprintln(os.Stderr, text) }
	}
	s := &State{warn: opts.Warn, warned: map[string]bool{}, places: map[string]string{}}
	s.pin.Pin(s)
	// C keeps the address as a number and hands it back; it never looks behind it.
	s.c = C.eddy_new(C.uintptr_t(uintptr(unsafe.Pointer(s))), (*C.int32_t)(&s.waiters), (*C.int32_t)(&s.stop),
		C.size_t(opts.MaxMem), C.int(opts.ForcedYield))
	if s.c == nil {
		s.pin.Unpin()
		return nil, errors.New("no memory for a Lua state (tune.lua.maxmem)")
	}
	var names *C.char
	if opts.OpenLibs != nil {
		names = C.CString(strings.Join(opts.OpenLibs, ","))
		defer C.free(unsafe.Pointer(names))
	}
	if C.eddy_openlibs(s.c, names) != 0 {
		err := errors.New(s.outText())
		s.Close()
		return nil, err
	}
	if opts.ForcedYield == 0 {
		s.watch = newWatch(s)
	}
	return s, nil
}

// Close ends the state when the last run has come to its end; new runs are refused from now on. Ending runs that wait
// is their contexts' business, ending those that compute is Kill's.
func (s *State) Close() {
	s.lock()
	if s.closed {
		s.unlock()
		return
	}
	s.closed = true
	s.unlock()
	s.running.Wait()
	s.watch.stop()
	s.lock()
	defer s.unlock()
	C.eddy_free(s.c)
	s.c = nil
	s.pin.Unpin()
	s.handles.closeAll()
}

// Kill makes every run, present and future, stop at its next look at the clock.
func (s *State) Kill() { atomic.StoreInt32(&s.stop, 1) }

// lock takes the big lock; while it waits, the running script is told that somebody does.
func (s *State) lock() {
	if s.mu.TryLock() {
		return
	}
	began := time.Now()
	atomic.AddInt32(&s.waiters, 1)
	s.mu.Lock()
	atomic.AddInt32(&s.waiters, -1)
	s.stats.waits++
	s.stats.waited += time.Since(began)
}

func (s *State) unlock() { s.mu.Unlock() }

// Do runs f with the lock held. f must not call Run.
func (s *State) Do(f func()) {
	s.lock()
	defer s.unlock()
	f()
}

// Register puts f into the private table under name: preludes find it there, scripts do not. It belongs before the
// first run.
func (s *State) Register(name string, f Func) {
	s.lock()
	defer s.unlock()
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	s.funcs = append(s.funcs, f)
	C.eddy_register(s.c, cname, C.int(len(s.funcs)-1))
}

// LoadPrelude runs Lua source of eddy's own, with the private table as the chunk's argument. It must not wait. Messages
// about what a Go function was given name the line of the script that called the prelude (their chunks are called "[eddy] ...", see vm.c).
func (s *State) LoadPrelude(name, src string) error {
	s.lock()
	defer s.unlock()
	cname, csrc := C.CString("=[eddy] "+name), C.CString(src)
	defer C.free(unsafe.Pointer(cname))
	defer C.free(unsafe.Pointer(csrc))
	if C.eddy_prelude(s.c, cname, csrc, C.size_t(len(src))) != 0 {
		return newError(s.outText())
	}
	return nil
}

// Load compiles source text (never bytecode) and keeps the chunk as a function. name is what messages show: "@file"
// or "=text" as in Lua.
func (s *State) Load(name, src string) (Ref, error) {
	s.lock()
	defer s.unlock()
	if s.closed {
		return 0, ErrClosed
	}
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	csrc := C.CString(src)
	defer C.free(unsafe.Pointer(csrc))
	var ref C.int64_t
	if C.eddy_load(s.c, cname, csrc, C.size_t(len(src)), &ref) != 0 {
		return 0, newError(s.outText())
	}
	return Ref(ref), nil
}

// Global keeps the value of a global variable.
func (s *State) Global(name string) (Ref, error) {
	s.lock()
	defer s.unlock()
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	var ref C.int64_t
	if C.eddy_global_ref(s.c, cname, &ref) != 0 {
		return 0, newError(s.outText())
	}
	return Ref(ref), nil
}

// Memory is how many bytes the state has allocated.
func (s *State) Memory() int64 {
	s.lock()
	defer s.unlock()
	if s.c == nil {
		return 0
	}
	return int64(C.eddy_gc_count(s.c))
}

// Collect runs a full garbage collection.
func (s *State) Collect() {
	s.lock()
	defer s.unlock()
	C.eddy_gc_full(s.c)
}

// Ref keeps a Lua value from being collected until Release.
type Ref int64

// Release lets go of a kept value.
func (s *State) Release(r Ref) {
	if r <= 0 {
		return
	}
	s.unrefMu.Lock()
	s.unrefs = append(s.unrefs, r)
	s.nunref.Add(1)
	s.unrefMu.Unlock()
}

// sweep lets go of what Release collected; the lock is held.
func (s *State) sweep() {
	if s.nunref.Load() == 0 {
		return
	}
	s.unrefMu.Lock()
	for _, r := range s.unrefs {
		C.eddy_unref(s.c, C.int64_t(r))
	}
	s.unrefs = s.unrefs[:0]
	s.nunref.Store(0)
	s.unrefMu.Unlock()
}

// outBytes is what C left in its out buffer; it is valid until the next call into C.
func (s *State) outBytes() []byte { return bufBytes(&s.c.out) }

func bufBytes(b *C.eddy_buf) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(b.p)), int(b.len))
}

// outText decodes an error text.
func (s *State) outText() string {
	v, _, err := value.Decode(s.outBytes())
	if t, ok := v.AsStr(); ok && err == nil {
		return t
	}
	return "error"
}

// warnOnce tells of a place where a script blocks others, once.
func (s *State) warnOnce(where, text string) {
	if where == "" || s.warned[where] || len(s.warned) >= 1000 {
		return
	}
	s.warned[where] = true
	s.warn(where + ": " + text)
}
