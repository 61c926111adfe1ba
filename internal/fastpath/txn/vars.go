package txn

import (
	"net/netip"
	"sync"
)

// ValueType is the type of a sample or variable (configuration.txt §7.3).
type ValueType uint8

const (
	TypeNone ValueType = iota
	TypeBool
	TypeInt
	TypeAddr // IPv4 or IPv6
	TypeStr
	TypeBin
	TypeMeth // an HTTP method; B holds its text
)

// Value is a sample's value. For TypeStr, TypeBin and TypeMeth the bytes are in B; they belong to the transaction
// (see package comment) unless they stand in a Vars, which owns a copy.
type Value struct {
	Type ValueType
	Int  int64 // TypeInt; TypeBool: 0 or 1
	B    []byte
	Addr netip.Addr
}

// Vars is a scope of variables. Few are set at a time, so it is a list. The zero value is empty.
type Vars struct {
	list []variable
}

type variable struct {
	name string
	val  Value
}

// Get finds a variable; its name carries no scope.
func (v *Vars) Get(name string) (Value, bool) {
	for i := range v.list {
		if v.list[i].name == name {
			if v.list[i].val.Type == TypeNone {
				return Value{}, false
			}
			return v.list[i].val, true
		}
	}
	return Value{}, false
}

// Set keeps a copy of val under name.
func (v *Vars) Set(name string, val Value) {
	for i := range v.list {
		if v.list[i].name == name {
			b := v.list[i].val.B
			v.list[i].val = val
			v.list[i].val.B = append(b[:0], val.B...)
			return
		}
	}
	val.B = append([]byte(nil), val.B...)
	v.list = append(v.list, variable{name, val})
}

// Unset forgets a variable.
func (v *Vars) Unset(name string) {
	for i := range v.list {
		if v.list[i].name == name {
			v.list[i].val.Type = TypeNone
		}
	}
}

// Reset forgets all of them, keeping the room.
func (v *Vars) Reset() {
	clear(v.list)
	v.list = v.list[:0]
}

// Each calls f for every variable that is set, in the order they were first set.
func (v *Vars) Each(f func(name string, val Value)) {
	for i := range v.list {
		if v.list[i].val.Type != TypeNone {
			f(v.list[i].name, v.list[i].val)
		}
	}
}

// ProcVars is the proc.* scope, shared by all goroutines.
type ProcVars struct {
	mu sync.RWMutex
	v  map[string]Value
}

// Get finds a variable. The value's bytes must not be changed.
func (p *ProcVars) Get(name string) (Value, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	val, ok := p.v[name]
	return val, ok
}

// Set keeps a copy of val under name.
func (p *ProcVars) Set(name string, val Value) {
	val.B = append([]byte(nil), val.B...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.v == nil {
		p.v = map[string]Value{}
	}
	p.v[name] = val
}

// Unset forgets a variable.
func (p *ProcVars) Unset(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.v, name)
}

// Each calls f for every variable, in no order. f must not use p.
func (p *ProcVars) Each(f func(name string, val Value)) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for name, val := range p.v {
		f(name, val)
	}
}
