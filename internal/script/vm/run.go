package vm

/*
#include <stdlib.h>
#include "vm.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"eddy/internal/base/value"
)

// RunKind says what a run is for.
type RunKind uint8

// The kinds of runs.
const (
	KindInit RunKind = iota // a script's main chunk, core.register_init
	KindAction
	KindFetch
	KindConverter
	KindService
	KindTask
	KindCLI
	KindHandler // of a job
	KindResult  // onresult and onerror
	KindHook    // of a plugin
	KindTidy    // finalizers of what a script no longer uses
	NumRunKinds
)

// String names the kind.
func (k RunKind) String() string {
	switch k {
	case KindInit:
		return "init"
	case KindAction:
		return "action"
	case KindFetch:
		return "fetch"
	case KindConverter:
		return "converter"
	case KindService:
		return "service"
	case KindTask:
		return "task"
	case KindCLI:
		return "command"
	case KindHandler:
		return "handler"
	case KindResult:
		return "result"
	case KindHook:
		return "hook"
	case KindTidy:
		return "finalizer"
	}
	return "unknown"
}

// View is bytes that Lua may ask for without a call into Go: a prelude's view(handle, i) gives the i-th span. It is
// looked at only while the run has the lock.
type View struct {
	Handle Handle
	Bytes  []byte
	Spans  []uint32 // offset and length, in turn
	Facts  []int64  // numbers about it, for view_fact
}

// Run is one call into Lua. It may be used again when State.Run has returned; it then costs no allocation.
type Run struct {
	Fn    Ref
	Kind  RunKind
	Args  []Value
	Ready []byte // further arguments in front of Args, as value.Append writes them
	Owner any    // what Call.Owner gives
	// Emit reads what emitters noted (see Emitted), with the lock held, on the run's goroutine; nil: it is dropped.
	Emit func(e *Emitted)
	View *View // may be nil
	// Burst bounds the time that the script computes between two waits of its own, Total all the time that it
	// computes; 0: no bound. Time spent waiting, for the lock too, does not count.
	Burst, Total time.Duration

	// Waits is the context of what the run waits for; nil: the one given to State.Run. That one then needs no Done channel.
	Waits context.Context

	Results []Value // set by State.Run; the slice is reused

	ctx  context.Context
	wait func(ctx context.Context) Resume
	enc  []byte
	co   *C.lua_State
	used time.Duration // computed in all
	once time.Duration // computed since the last wait
}

// ErrExit says that a Go function ended the run (Call.Exit).
var ErrExit = errors.New("the run was ended by the script")

// Error is an error that a script raised, or what stopped it.
type Error struct {
	Text      string // the message, with the position that Lua put in front
	Script    string // file and line where it happened, as far as the message or the traceback tells
	Line      int
	Traceback string // the frames, a line each; may be empty
	Timeout   bool   // it was over its time
}

func (e *Error) Error() string { return e.Text }

// preludeMark begins the names of the preludes' chunks.
const preludeMark = "[eddy] "

var position = regexp.MustCompile(`^\s*(\[string "[^"]*"\]|[^:\n]+):(\d+):`)

func newError(text string) *Error {
	e := &Error{Text: text}
	if i := strings.Index(text, "\nstack traceback:"); i >= 0 {
		e.Text, e.Traceback = text[:i], strings.TrimPrefix(text[i+1:], "stack traceback:\n")
	}
	for _, t := range []string{e.Text, e.Traceback} {
		for line := range strings.Lines(t) {
			if m := position.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[1], preludeMark) {
				e.Script = m[1]
				e.Line, _ = strconv.Atoi(m[2])
				e.reposition()
				return e
			}
		}
	}
	return e
}

// reposition makes an error that was raised inside a prelude one of the script line that called it. What a script does
// wrong with a method is mostly the dot.
func (e *Error) reposition() {
	m := position.FindString(e.Text)
	if !strings.HasPrefix(m, preludeMark) {
		return
	}
	e.Text = fmt.Sprintf("%s:%d:%s", e.Script, e.Line, e.Text[len(m):])
	if strings.HasSuffix(e.Text, "(local 'self')") {
		e.Text += "; methods are called with ':'"
	}
}

// LoadFile runs a script's main chunk with args as its "...". Relative names are the working folder's.
func (s *State) LoadFile(ctx context.Context, path string, args []string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return s.LoadText(ctx, "@"+path, string(src), args)
}

// LoadString is LoadFile for text; messages call it name.
func (s *State) LoadString(ctx context.Context, name, src string) error {
	return s.LoadText(ctx, "="+name, src, nil)
}

// LoadText is LoadFile for the text of a file, or another; name is Load's.
func (s *State) LoadText(ctx context.Context, name, src string, args []string) error {
	if strings.HasPrefix(src, "#") { // "#!/usr/bin/lua": keep the line, so that numbers stay right
		src = "--" + src
	}
	fn, err := s.Load(name, src)
	if err != nil {
		return err
	}
	defer s.Release(fn)
	r := Run{Fn: fn, Kind: KindInit}
	for _, a := range args {
		r.Args = append(r.Args, Str(a))
	}
	return s.Run(ctx, &r)
}

// Run calls r.Fn in a coroutine and drives it to its end on the calling goroutine. It returns nil, ErrExit, ErrClosed,
// or an *Error. When ctx ends, the script is stopped wherever it is.
func (s *State) Run(ctx context.Context, r *Run) error {
	r.ctx, r.used, r.once, r.co, r.wait = ctx, 0, 0, nil, nil
	r.Results = r.Results[:0]
	r.enc = append(r.enc[:0], r.Ready...)
	for i := range r.Args {
		var err error
		if r.enc, err = value.Append(r.enc, r.Args[i]); err != nil {
			return err
		}
	}
	s.lock()
	if s.closed {
		s.unlock()
		return ErrClosed
	}
	s.running.Add(1)
	defer s.running.Done()
	if ctx.Err() != nil {
		s.unlock()
		return gone(ctx)
	}
	s.sweep()
	s.stats.runs[r.Kind]++
	status := s.step(r, true)
	for {
		ended := status&C.EDDY_ENDED != 0
		switch status &^ C.EDDY_ENDED {
		case C.EDDY_DONE:
			var err error
			if s.c.out.len > 0 {
				r.Results, err = value.DecodeAll(r.Results, s.outBytes())
			}
			s.leave()
			return err
		case C.EDDY_ERROR:
			err := newError(s.outText())
			s.leave()
			return err
		case C.EDDY_KILLED:
			err := newError(s.outText())
			err.Timeout = true
			s.drop(r, ended)
			return err
		case C.EDDY_EXIT:
			s.drop(r, ended)
			return ErrExit
		case C.EDDY_WAIT:
			status = s.waited(r)
		case C.EDDY_JOB:
			status = s.worked(r)
		case C.EDDY_YIELD:
			r.enc = r.enc[:0]
			s.leave()
			runtime.Gosched()
			s.lock()
			if ctx.Err() != nil {
				s.drop(r, false)
				return gone(ctx)
			}
			status = s.step(r, false)
		}
	}
}

func (r *Run) waits() context.Context {
	if r.Waits != nil {
		return r.Waits
	}
	return r.ctx
}

func gone(ctx context.Context) error {
	return &Error{Text: "the caller has gone: " + ctx.Err().Error()}
}

// step resumes r's coroutine; the lock is held and stays so.
func (s *State) step(r *Run, first bool) int {
	s.cur = r
	s.watch.begins()
	var budget time.Duration
	if r.Burst > 0 {
		budget = max(r.Burst-r.once, 1)
	}
	if r.Total > 0 && (budget == 0 || r.Total-r.used < budget) {
		budget = max(r.Total-r.used, 1)
	}
	s.c.cancel = 0
	if r.ctx.Err() != nil {
		s.c.cancel = 1
	}
	var (
		h      C.int64_t
		vp     *C.char
		vlen   C.size_t
		spans  *C.uint32_t
		nspans C.int
		facts  *C.int64_t
		nfacts C.int
	)
	if v := r.View; v != nil && len(v.Spans) > 1 {
		h, vp, vlen = C.int64_t(v.Handle), (*C.char)(unsafe.Pointer(unsafe.SliceData(v.Bytes))), C.size_t(len(v.Bytes))
		spans, nspans = (*C.uint32_t)(unsafe.Pointer(&v.Spans[0])), C.int(len(v.Spans)/2)
		facts, nfacts = (*C.int64_t)(unsafe.Pointer(unsafe.SliceData(v.Facts))), C.int(len(v.Facts))
	}
	enc := (*C.char)(unsafe.Pointer(unsafe.SliceData(r.enc)))
	var st C.int
	if first {
		s.c.coarse = 0
		if r.Total == 0 {
			s.c.coarse = 1
		}
		st = C.eddy_start(C.uintptr_t(uintptr(unsafe.Pointer(s.c))), C.int64_t(r.Fn), enc, C.size_t(len(r.enc)), C.int64_t(budget), h, vp, vlen, spans, nspans, facts, nfacts)
		r.co = s.c.begun
	} else {
		s.c.coarse = 0
		st = C.eddy_resume(s.c, r.co, enc, C.size_t(len(r.enc)), C.int64_t(budget), h, vp, vlen, spans, nspans, facts, nfacts)
	}
	s.stats.computed[r.Kind] += time.Duration(s.c.spent)
	r.used += time.Duration(s.c.ran)
	r.once += time.Duration(s.c.ran)
	s.drain()
	return int(st)
}

// leave lets go of the lock between steps.
func (s *State) leave() {
	s.cur = nil
	s.unlock()
}

// drop ends a suspended coroutine, unless C has done so, and lets go of the lock.
func (s *State) drop(r *Run, ended bool) {
	if !ended {
		s.watch.begins()
		C.eddy_drop(s.c, r.co)
	}
	s.leave()
}

// waited runs what the script waits for, off the lock, and resumes it with the outcome.
func (s *State) waited(r *Run) int {
	wait := r.wait
	r.wait, r.once = nil, 0
	s.leave()
	res := wait(r.waits())
	r.enc = r.enc[:0]
	err := res.Err
	if err == nil {
		r.enc = append(r.enc, tagTrue)
		for _, v := range res.Values {
			if r.enc, err = value.Append(r.enc, v); err != nil {
				break
			}
		}
	}
	if err != nil {
		r.enc = value.AppendStr(append(r.enc[:0], tagFalse), err.Error())
	}
	s.lock()
	return s.step(r, false)
}

// worked runs C work off the lock and resumes the script.
func (s *State) worked(r *Run) int {
	job := s.c.job
	job.deadline = s.c.deadline
	s.leave()
	done := make(chan struct{})
	stop := context.AfterFunc(r.waits(), func() {
		atomic.StoreInt32((*int32)(unsafe.Pointer(&job.cancel)), 1)
		close(done)
	})
	t0 := time.Now()
	C.eddy_job_run(job)
	spent := time.Since(t0)
	r.used += spent
	r.once += spent
	if !stop() {
		<-done // job belongs to Lua again from here on
	}
	r.enc = r.enc[:0]
	s.lock()
	return s.step(r, false)
}
