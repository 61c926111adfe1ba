package call

import (
	"eddy/internal/config/expr"
	"eddy/internal/fastpath/txn"
)

type varScope uint8

const (
	scopeProc varScope = iota
	scopeSess
	scopeTxn
	scopeReq
	scopeRes
)

// Variable is a variable's name, resolved: where it lives and what it is called there.
type Variable struct {
	scope varScope
	name  string
	proc  *txn.ProcVars
}

// Variable resolves "txn.name". It reports false when the name is no variable's.
func (w *World) Variable(text string) (Variable, bool) {
	scope, name, ok := expr.SplitVar(text)
	if !ok {
		return Variable{}, false
	}
	v := Variable{name: name, proc: w.Proc}
	switch scope {
	case "proc":
		v.scope = scopeProc
	case "sess":
		v.scope = scopeSess
	case "txn":
		v.scope = scopeTxn
	case "req":
		v.scope = scopeReq
	case "res":
		v.scope = scopeRes
	}
	return v, true
}

func (v *Variable) vars(tx *txn.Txn) *txn.Vars {
	switch v.scope {
	case scopeSess:
		if tx.Conn != nil {
			return &tx.Conn.Vars
		}
	case scopeTxn:
		return &tx.Vars
	case scopeReq:
		return &tx.ReqVars
	case scopeRes:
		return &tx.ResVars
	}
	return nil
}

// Get reads the variable.
func (v *Variable) Get(tx *txn.Txn) (txn.Value, bool) {
	if v.scope == scopeProc {
		if v.proc == nil {
			return txn.Value{}, false
		}
		return v.proc.Get(v.name)
	}
	if vars := v.vars(tx); vars != nil {
		return vars.Get(v.name)
	}
	return txn.Value{}, false
}

// Set keeps a copy of val. Where the scope does not exist (sess in a task) nothing happens.
func (v *Variable) Set(tx *txn.Txn, val txn.Value) {
	if v.scope == scopeProc {
		if v.proc != nil {
			v.proc.Set(v.name, val)
		}
		return
	}
	if vars := v.vars(tx); vars != nil {
		vars.Set(v.name, val)
	}
}

// Unset forgets the variable.
func (v *Variable) Unset(tx *txn.Txn) {
	if v.scope == scopeProc {
		if v.proc != nil {
			v.proc.Unset(v.name)
		}
		return
	}
	if vars := v.vars(tx); vars != nil {
		vars.Unset(v.name)
	}
}

// SetConds are the conditions of set-var(name,cond...) (configuration.txt §7.3.1 set-var).
type SetConds struct {
	exists, notExists, empty, notEmpty, set, notSet, greater, less bool
}

// ParseSetConds reads the conditions; it reports the first word that is none.
func ParseSetConds(words []string) (c SetConds, bad string) {
	for _, w := range words {
		switch w {
		case "ifexists":
			c.exists = true
		case "ifnotexists":
			c.notExists = true
		case "ifempty":
			c.empty = true
		case "ifnotempty":
			c.notEmpty = true
		case "ifset":
			c.set = true
		case "ifnotset":
			c.notSet = true
		case "ifgt":
			c.greater = true
		case "iflt":
			c.less = true
		case "":
		default:
			return c, w
		}
	}
	return c, ""
}

// SetIf sets the variable when all conditions hold.
func (v *Variable) SetIf(tx *txn.Txn, val txn.Value, c SetConds) {
	if c != (SetConds{}) && !v.allowed(tx, val, c) {
		return
	}
	v.Set(tx, val)
}

func (v *Variable) allowed(tx *txn.Txn, val txn.Value, c SetConds) bool {
	old, isSet := v.Get(tx)
	// Variables of proc exist from the start on (§7.3.1).
	exists := isSet || v.scope == scopeProc
	scalar := val.Type == txn.TypeBool || val.Type == txn.TypeInt || val.Type == txn.TypeAddr
	empty := !scalar && len(val.B) == 0
	switch {
	case c.exists && !exists, c.notExists && exists, c.set && !isSet, c.notSet && isSet,
		c.empty && !empty, c.notEmpty && empty:
		return false
	}
	if isSet && old.Type == txn.TypeInt && val.Type == txn.TypeInt {
		if c.greater && old.Int <= val.Int || c.less && old.Int >= val.Int {
			return false
		}
	}
	return true
}
