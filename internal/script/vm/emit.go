package vm

/*
#include "vm.h"
*/
import "C"

import (
	"encoding/binary"
	"math"
)

// Emitted is what a script has asked for through emitters, in order. Preludes make emitters with the private function
// emitter(code, name, signature); calling one costs no crossing into Go. Strings are valid until the next call of Next.
type Emitted struct{ b []byte }

// Next gives the code of the next call; false at the end. Its arguments must then be read, all of them and in order.
func (e *Emitted) Next() (code byte, ok bool) {
	if len(e.b) == 0 {
		return 0, false
	}
	code, e.b = e.b[0], e.b[1:]
	return code, true
}

// Str reads a string; nil for an optional one that was missing.
func (e *Emitted) Str() []byte {
	if e.nothing() {
		return nil
	}
	n := 5 + int(binary.LittleEndian.Uint32(e.b[1:]))
	s := e.b[5:n:n]
	e.b = e.b[n:]
	return s
}

// Num reads a number; ok is false for an optional one that was missing.
func (e *Emitted) Num() (n float64, ok bool) {
	if e.nothing() {
		return 0, false
	}
	n = math.Float64frombits(binary.LittleEndian.Uint64(e.b[1:]))
	e.b = e.b[9:]
	return n, true
}

func (e *Emitted) nothing() bool {
	if e.b[0] != tagNil {
		return false
	}
	e.b = e.b[1:]
	return true
}

// drain gives what was noted to the run; the lock is held. The bytes are emit.c's own, so they are not checked.
func (s *State) drain() {
	if s.c.emitted.len == 0 {
		return
	}
	if s.cur != nil && s.cur.Emit != nil {
		s.emitted.b = bufBytes(&s.c.emitted)
		s.cur.Emit(&s.emitted)
	}
	s.c.emitted.len = 0
}
