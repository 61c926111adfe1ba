// Package value is plain data as scripts know it: nil, booleans, integers, floats, strings and tables of these, with an encoding
// that Lua states, jobs on the disk and native handlers share.
package value

import "math"

// Kind is the type of a Value.
type Kind uint8

// The kinds. Func and Owned are references into one Lua state; Other is a Lua value that cannot leave it (a coroutine, a
// foreign userdata).
const (
	KindNil Kind = iota
	KindBool
	KindInt
	KindNum
	KindStr
	KindTable
	KindFunc
	KindOwned
	KindOther
)

// String names the kind as Lua's type() would.
func (k Kind) String() string {
	switch k {
	case KindNil:
		return "nil"
	case KindBool:
		return "boolean"
	case KindInt, KindNum:
		return "number"
	case KindStr:
		return "string"
	case KindTable:
		return "table"
	case KindFunc:
		return "function"
	}
	return "userdata"
}

// Value is one value, copied. Its zero value is nil.
type Value struct {
	Kind Kind
	n    int64 // int, bool, float bits, or what Raw was given
	s    string
	t    *Table
}

// Table is a Lua table by value: the sequence 1..n and every other pair.
type Table struct {
	Arr []Value
	Map []Pair
}

// Pair is a key of a Table with its value.
type Pair struct{ Key, Value Value }

// Get finds a string key; a missing one is nil.
func (t *Table) Get(key string) Value {
	if t == nil {
		return Value{}
	}
	for i := range t.Map {
		if t.Map[i].Key.Kind == KindStr && t.Map[i].Key.s == key {
			return t.Map[i].Value
		}
	}
	return Value{}
}

// Set puts a string key at the end without looking for an earlier one.
func (t *Table) Set(key string, v Value) { t.Map = append(t.Map, Pair{Str(key), v}) }

// Nil is Lua's nil.
func Nil() Value { return Value{} }

// Bool is a Lua boolean.
func Bool(b bool) Value {
	v := Value{Kind: KindBool}
	if b {
		v.n = 1
	}
	return v
}

// Int is a Lua integer.
func Int(i int64) Value { return Value{Kind: KindInt, n: i} }

// Num is a Lua float.
func Num(f float64) Value { return Value{Kind: KindNum, n: int64(math.Float64bits(f))} }

// Str is a Lua string; any bytes are allowed.
func Str(s string) Value { return Value{Kind: KindStr, s: s} }

// Bytes is a Lua string with a copy of b.
func Bytes(b []byte) Value { return Value{Kind: KindStr, s: string(b)} }

// Tab is a Lua table, made anew each time the value is handed over.
func Tab(t *Table) Value { return Value{Kind: KindTable, t: t} }

// Raw is a value of a kind whose number only its maker understands: KindFunc, KindOwned.
func Raw(k Kind, n int64) Value { return Value{Kind: k, n: n} }

// IsNil reports Lua's nil.
func (v Value) IsNil() bool { return v.Kind == KindNil }

// Truth is Lua's truth: everything but nil and false.
func (v Value) Truth() bool { return v.Kind != KindNil && (v.Kind != KindBool || v.n != 0) }

// AsInt gives integers and floats without a fraction.
func (v Value) AsInt() (int64, bool) {
	switch v.Kind {
	case KindInt:
		return v.n, true
	case KindNum:
		f := math.Float64frombits(uint64(v.n))
		if f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63 {
			return int64(f), true
		}
	}
	return 0, false
}

// AsNum gives any number.
func (v Value) AsNum() (float64, bool) {
	switch v.Kind {
	case KindInt:
		return float64(v.n), true
	case KindNum:
		return math.Float64frombits(uint64(v.n)), true
	}
	return 0, false
}

// AsStr gives the text of a string.
func (v Value) AsStr() (string, bool) { return v.s, v.Kind == KindStr }

// AsTable gives the table.
func (v Value) AsTable() (*Table, bool) { return v.t, v.Kind == KindTable }

// AsRaw gives the number of a value made by Raw.
func (v Value) AsRaw(k Kind) (int64, bool) { return v.n, v.Kind == k }
