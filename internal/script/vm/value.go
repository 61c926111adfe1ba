package vm

import "eddy/internal/base/value"

// What crosses between Go and Lua is plain data of package value, and beside it functions and objects of one state: KindFunc
// values hold a Ref, KindOwned values a Handle.
type (
	// Kind is the type of a Value as it crosses between Go and Lua.
	Kind = value.Kind
	// Value is a Lua value on the Go side: plain data, copied. Its zero value is nil.
	Value = value.Value
	// Table is a Lua table by value: the sequence 1..n and every other pair.
	Table = value.Table
	// Pair is a key of a Table with its value.
	Pair = value.Pair
)

// The kinds of values.
const (
	KindNil   = value.KindNil
	KindBool  = value.KindBool
	KindInt   = value.KindInt
	KindNum   = value.KindNum
	KindStr   = value.KindStr
	KindTable = value.KindTable
	KindFunc  = value.KindFunc
	KindOwned = value.KindOwned
	KindOther = value.KindOther
)

// Nil is Lua's nil.
func Nil() Value { return Value{} }

// Bool is a Lua boolean.
func Bool(b bool) Value { return value.Bool(b) }

// Int is a Lua integer.
func Int(i int64) Value { return value.Int(i) }

// Num is a Lua float.
func Num(f float64) Value { return value.Num(f) }

// Str is a Lua string; any bytes are allowed.
func Str(s string) Value { return value.Str(s) }

// Bytes is a Lua string with a copy of b.
func Bytes(b []byte) Value { return value.Bytes(b) }

// Tab is a Lua table, made anew each time the value is handed over.
func Tab(t *Table) Value { return value.Tab(t) }

// HandleValue is a handle as scripts' preludes see it: an integer.
func HandleValue(h Handle) Value { return value.Int(int64(h)) }

// OwnedValue is a userdata that unpins h, and closes the object behind it, when Lua collects it.
func OwnedValue(h Handle) Value { return value.Raw(KindOwned, int64(h)) }

// RefValue is the Lua value that r keeps.
func RefValue(r Ref) Value { return value.Raw(KindFunc, int64(r)) }

// RefOf gives the reference of a function value.
func RefOf(v Value) (Ref, bool) {
	n, ok := v.AsRaw(KindFunc)
	return Ref(n), ok
}
