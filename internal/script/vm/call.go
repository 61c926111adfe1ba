package vm

/*
#include "vm.h"
*/
import "C"

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strconv"
	"time"
	"unsafe"

	"eddy/internal/base/value"
)

// Call is a call from Lua into a Func: its arguments, counted from 1 as in Lua, and what it returns. It is valid
// until the Func returns and only on its goroutine.
type Call struct {
	s    *State
	n    int
	can  bool // the coroutine can yield
	wait func(ctx context.Context) Resume
}

// Resume is what a wait brings back: values for Lua, or an error that is raised there.
type Resume struct {
	Values []Value
	Err    error
}

// What a Func returns to the trampoline by way of its error; never seen outside.
var (
	errWait  = errors.New("wait")
	errYield = errors.New("yield")
	errExit  = errors.New("exit")
)

func (c *Call) arg(i int) *C.eddy_arg {
	if i < 1 || i > c.n {
		return nil
	}
	return &c.s.c.args[i-1]
}

// State is the state that calls.
func (c *Call) State() *State { return c.s }

// N is the number of arguments.
func (c *Call) N() int { return c.n }

// Kind is the type of argument i; missing ones are nil.
func (c *Call) Kind(i int) Kind {
	if a := c.arg(i); a != nil {
		return Kind(a.kind)
	}
	return KindNil
}

// IsNil reports an argument that is nil or missing.
func (c *Call) IsNil(i int) bool { return c.Kind(i) == KindNil }

// Bool is Lua's truth of argument i.
func (c *Call) Bool(i int) bool {
	a := c.arg(i)
	return a != nil && Kind(a.kind) != KindNil && (Kind(a.kind) != KindBool || a.i != 0)
}

// Int takes integers, floats without a fraction, and strings that read as one of these.
func (c *Call) Int(i int) (int64, bool) {
	switch c.Kind(i) {
	case KindInt:
		return int64(c.arg(i).i), true
	case KindNum:
		return floatInt(float64(c.arg(i).n))
	case KindStr:
		s := c.Str(i)
		if n, err := strconv.ParseInt(s, 0, 64); err == nil {
			return n, true
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return floatInt(f)
		}
	}
	return 0, false
}

func floatInt(f float64) (int64, bool) {
	return value.Num(f).AsInt()
}

// Num takes numbers and strings that read as one.
func (c *Call) Num(i int) (float64, bool) {
	switch c.Kind(i) {
	case KindInt:
		return float64(c.arg(i).i), true
	case KindNum:
		return float64(c.arg(i).n), true
	case KindStr:
		f, err := strconv.ParseFloat(c.Str(i), 64)
		return f, err == nil
	}
	return 0, false
}

// Bytes is the text of a string, or of a number as tostring writes it; nil for anything else. It is Lua's own memory:
// valid until the Func returns or waits, and not to be written to.
func (c *Call) Bytes(i int) []byte {
	a := c.arg(i)
	switch c.Kind(i) {
	case KindStr:
		return unsafe.Slice((*byte)(unsafe.Pointer(a.p)), int(a.len))
	case KindInt:
		return strconv.AppendInt(nil, int64(a.i), 10)
	case KindNum:
		f := float64(a.n)
		switch {
		case math.IsInf(f, 1):
			return []byte("inf")
		case math.IsInf(f, -1):
			return []byte("-inf")
		case f != f && math.Signbit(f):
			return []byte("-nan")
		case f != f:
			return []byte("nan")
		case f == math.Trunc(f) && math.Abs(f) < 1e14:
			return append(strconv.AppendFloat(nil, f, 'f', 0, 64), ".0"...)
		}
		return strconv.AppendFloat(nil, f, 'g', 14, 64)
	}
	return nil
}

// Str is a copy of Bytes.
func (c *Call) Str(i int) string { return string(c.Bytes(i)) }

// Table is a deep copy of a table argument. A missing one is an empty table; what is no table, or is nested more than
// 32 deep or is larger than 64 MiB, is an error.
func (c *Call) Table(i int) (*Table, error) {
	switch c.Kind(i) {
	case KindNil:
		return &Table{}, nil
	case KindTable:
	default:
		return nil, c.BadArg(i, "table")
	}
	v, err := c.Value(i)
	if err != nil {
		return nil, err
	}
	t, _ := v.AsTable()
	return t, nil
}

// Value is a copy of argument i of any kind. A function is kept: its reference is the caller's to release.
func (c *Call) Value(i int) (Value, error) {
	a := c.arg(i)
	switch c.Kind(i) {
	case KindNil:
		return Nil(), nil
	case KindBool:
		return Bool(a.i != 0), nil
	case KindInt:
		return Int(int64(a.i)), nil
	case KindNum:
		return Num(float64(a.n)), nil
	case KindStr:
		return Str(c.Str(i)), nil
	case KindOwned:
		return OwnedValue(Handle(a.i)), nil
	case KindFunc:
		r, err := c.Func(i)
		return RefValue(r), err
	case KindTable:
		if C.eddy_arg_table(c.s.c, C.int(i)) != 0 {
			return Value{}, fmt.Errorf("bad argument #%d (%w)", i, value.ErrDepth)
		}
		v, _, err := value.Decode(bufBytes(&c.s.c.table))
		return v, err
	}
	return Value{Kind: KindOther}, nil
}

// ErrNotPlain says that a value is, or has in it, what only its state knows: a function, a coroutine, an object.
var ErrNotPlain = errors.New("is not plain data")

// AppendEncoded puts argument i, in the encoding of package value, behind dst: ErrNotPlain, or value.ErrDepth, which a table
// of more than 64 MiB gives too.
func (c *Call) AppendEncoded(dst []byte, i int) ([]byte, error) {
	a := c.arg(i)
	switch c.Kind(i) {
	case KindStr:
		return value.AppendStr(dst, unsafe.Slice((*byte)(unsafe.Pointer(a.p)), int(a.len))), nil
	case KindTable:
		if C.eddy_arg_table(c.s.c, C.int(i)) != 0 {
			return dst, value.ErrDepth
		}
		if c.s.c.table.strange != 0 {
			return dst, ErrNotPlain
		}
		return append(dst, bufBytes(&c.s.c.table)...), nil
	case KindNil, KindBool, KindInt, KindNum:
		v, _ := c.Value(i)
		return value.Append(dst, v)
	}
	return dst, ErrNotPlain
}

// Func keeps a function argument (any value, in fact) until Release.
func (c *Call) Func(i int) (Ref, error) {
	if c.IsNil(i) {
		return 0, c.BadArg(i, "function")
	}
	var ref C.int64_t
	if C.eddy_arg_ref(c.s.c, C.int(i), &ref) != 0 {
		return 0, errors.New("not enough memory (tune.lua.maxmem)")
	}
	return Ref(ref), nil
}

// Object is the Go object that argument i (a handle or an owned userdata) names; nil when it is stale or none.
func (c *Call) Object(i int) any {
	switch c.Kind(i) {
	case KindInt, KindOwned:
		return c.s.handles.get(Handle(c.arg(i).i))
	}
	return nil
}

// BadArg is the error for an argument of the wrong type.
func (c *Call) BadArg(i int, want string) error {
	return fmt.Errorf("bad argument #%d (%s expected, got %s)", i, want, c.Kind(i))
}

// Owner is the Run's Owner; nil in a prelude.
func (c *Call) Owner() any {
	if c.s.cur == nil {
		return nil
	}
	return c.s.cur.Owner
}

// Run is the run in progress; nil in a prelude.
func (c *Call) Run() *Run { return c.s.cur }

// Where is the script line that called, as "script:line"; "" when there is none.
func (c *Call) Where() string {
	if c.s.c.where_found == 0 {
		C.eddy_where(c.s.c)
	}
	text := unsafe.Slice((*byte)(unsafe.Pointer(&c.s.c.where[0])), len(c.s.c.where))
	text = text[:bytes.IndexByte(text, 0)]
	if s, ok := c.s.places[string(text)]; ok {
		return s
	}
	s := string(text)
	if len(c.s.places) < maxPlaces {
		c.s.places[s] = s
	}
	return s
}

// maxPlaces bounds what a state remembers of Where.
const maxPlaces = 4096

// ret gives room for n more encoded bytes of results.
func (c *Call) ret(n int) []byte {
	b := &c.s.c.ret
	if int(b.cap-b.len) < n {
		if C.eddy_ret_grow(c.s.c, C.size_t(n)) != 0 {
			panic("eddy: out of memory")
		}
	}
	at := int(b.len)
	b.len += C.size_t(n)
	return unsafe.Slice((*byte)(unsafe.Pointer(b.p)), at+n)[at:]
}

func (c *Call) pushTag64(tag byte, n int64) {
	b := c.ret(9)
	b[0] = tag
	*(*int64)(unsafe.Pointer(&b[1])) = n
}

// PushNil returns nil. The Push functions add results in order.
func (c *Call) PushNil() { c.ret(1)[0] = tagNil }

// PushBool returns a boolean.
func (c *Call) PushBool(v bool) {
	if v {
		c.ret(1)[0] = tagTrue
	} else {
		c.ret(1)[0] = tagFalse
	}
}

// PushInt returns an integer.
func (c *Call) PushInt(n int64) { c.pushTag64(tagInt, n) }

// PushNum returns a float.
func (c *Call) PushNum(f float64) { c.pushTag64(tagNum, int64(math.Float64bits(f))) }

// PushStr returns a string.
func (c *Call) PushStr(s string) { c.PushBytes(unsafe.Slice(unsafe.StringData(s), len(s))) }

// PushBytes returns a string with a copy of p.
func (c *Call) PushBytes(p []byte) {
	b := c.ret(5 + len(p))
	b[0] = tagStr
	*(*uint32)(unsafe.Pointer(&b[1])) = uint32(len(p))
	copy(b[5:], p)
}

// PushHandle returns a handle.
func (c *Call) PushHandle(h Handle) { c.PushInt(int64(h)) }

// PushOwned pins o and returns a userdata that unpins it, and closes it if it is an io.Closer, when Lua collects it.
func (c *Call) PushOwned(o any) { c.pushTag64(tagOwned, int64(c.s.handles.pin(o))) }

// PushRef returns a kept value.
func (c *Call) PushRef(r Ref) { c.pushTag64(tagRef, int64(r)) }

// PushValue returns any value.
func (c *Call) PushValue(v Value) error {
	enc, err := value.Append(nil, v)
	if err != nil {
		return err
	}
	copy(c.ret(len(enc)), enc)
	return nil
}

// Wait lets go of the lock, runs f on this goroutine, and returns what it brings to Lua: use it as "return c.Wait(f)".
// f must touch neither c nor Lua, and must end when its context does. Where the coroutine cannot yield (inside
// table.sort's comparison, say) f runs with the lock held, and a warning names the line once.
func (c *Call) Wait(f func(ctx context.Context) Resume) error {
	if c.can {
		c.wait = f
		return errWait
	}
	if c.s.cur == nil || c.s.cur.Kind != KindInit { // while scripts are loaded there is nobody to hold up
		c.s.warnOnce(c.Where(), "this call waits where a coroutine cannot be suspended (a sort comparison, a metamethod of "+
			"the C library, a finalizer); it holds up every other script meanwhile")
	}
	ctx := context.Background()
	if c.s.cur != nil && c.s.cur.ctx != nil {
		ctx = c.s.cur.waits()
	}
	if c.s.c.closing != 0 { // the run is over: nobody waits for this but those whom it holds up
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.s.c.deadline-C.eddy_now()))
		defer cancel()
	}
	r := f(ctx)
	if r.Err != nil {
		return r.Err
	}
	for _, v := range r.Values {
		if err := c.PushValue(v); err != nil {
			return err
		}
	}
	return nil
}

// CanWait says whether Wait would let go of the lock.
func (c *Call) CanWait() bool { return c.can }

// Yield lets others run: "return c.Yield()".
func (c *Call) Yield() error { return errYield }

// Exit ends the whole run at once: "return c.Exit()". No pcall of the script holds it; Run returns ErrExit.
func (c *Call) Exit() error { return errExit }

// run keeps a panic from unwinding through C, which would leave Lua's stack in ruins.
func (c *Call) run(f Func) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.s.warn(fmt.Sprintf("%s: internal error: %v\n%s", c.Where(), p, debug.Stack()))
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	return f(c)
}

// dispatch runs the Func for a trampoline.
func (s *State) dispatch(fn, n int, can bool) int {
	c := &s.call
	c.s, c.n, c.can, c.wait = s, n, can, nil
	s.drain()
	err := c.run(s.funcs[fn])
	switch err {
	case nil:
		return C.EDDY_RC_OK
	case errWait:
		if s.cur == nil {
			break
		}
		s.cur.wait = c.wait
		return C.EDDY_RC_WAIT
	case errYield:
		return C.EDDY_RC_YIELD
	case errExit:
		return C.EDDY_RC_EXIT
	}
	s.c.ret.len = 0
	c.PushStr(err.Error())
	return C.EDDY_RC_ERROR
}
