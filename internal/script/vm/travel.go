package vm

/*
#include <stdlib.h>
#include "vm.h"
*/
import "C"

import (
	"bytes"
	"errors"
	"strings"
	"unsafe"

	"eddy/internal/base/value"
)

// Packed is a Lua value on its way to another state: functions with their code and captured variables by value, tables with
// their metatables. What was there before any script ran travels by name (KeepKnown).
//
// Its bytes hold compiled code, which Lua loads without a look at it: they must not come from anybody else, and not from
// another Version.
type Packed struct {
	b     []byte
	Known []KnownUse
}

// KnownUse is a value of the libraries that a packed function uses.
type KnownUse struct{ Name, Variable string }

// Bytes are the packed value, to be kept or sent; nobody writes to them.
func (p *Packed) Bytes() []byte { return p.b }

// PackedOf is the value whose Bytes are b. Who calls it knows that they are unchanged.
func PackedOf(b []byte) *Packed { return &Packed{b: b} }

// Version is the release of Lua that runs here, such as "5.4.6": of the library that was found, not of the headers.
func Version() string {
	ident := C.GoString(C.eddy_ident())
	_, rest, _ := strings.Cut(ident, "Lua ")
	release, _, _ := strings.Cut(rest, " ")
	return release
}

// Size is the packed value's size in bytes.
func (p *Packed) Size() int { return len(p.b) }

// KeepKnown notes everything that can be reached from the globals and from package.loaded now: a function or table of
// these travels by its name, such as "string.format". It belongs behind the preludes and before the first script.
func (s *State) KeepKnown() error {
	s.lock()
	defer s.unlock()
	if C.eddy_known(s.c) != 0 {
		return newError(s.outText())
	}
	return nil
}

// Knows says whether a known value of that name exists here.
func (s *State) Knows(name string) bool {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	s.lock()
	defer s.unlock()
	return s.c != nil && C.eddy_knows(s.c, cname) != 0
}

// Pack copies argument i, usually a function, for another state. name is what messages call it. The error names the
// variable that can't travel: an open file, a coroutine, a C function of a script's own library.
func (c *Call) Pack(i int, name string) (*Packed, error) {
	if c.arg(i) == nil {
		return nil, c.BadArg(i, "function")
	}
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	if C.eddy_arg_pack(c.s.c, C.int(i), cname) != 0 {
		return nil, errors.New(c.s.outText())
	}
	p := &Packed{b: bytes.Clone(bufBytes(&c.s.c.packed))}
	for names := bufBytes(&c.s.c.table); len(names) > 0; {
		var name, variable Value
		var err error
		if name, names, err = value.Decode(names); err != nil {
			return nil, err
		}
		if variable, names, err = value.Decode(names); err != nil {
			return nil, err
		}
		use := KnownUse{}
		use.Name, _ = name.AsStr()
		use.Variable, _ = variable.AsStr()
		p.Known = append(p.Known, use)
	}
	return p, nil
}

// Unpack rebuilds a packed value and keeps it.
func (s *State) Unpack(p *Packed) (Ref, error) {
	s.lock()
	defer s.unlock()
	if s.closed {
		return 0, ErrClosed
	}
	var ref C.int64_t
	if C.eddy_unpack(s.c, (*C.char)(unsafe.Pointer(unsafe.SliceData(p.b))), C.size_t(len(p.b)), &ref) != 0 {
		return 0, newError(s.outText())
	}
	return Ref(ref), nil
}
