package haproxy

import (
	"fmt"

	"eddy/internal/config/expr"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// varName is a variable's name taken apart: "txn.a" is scope "txn", name "a".
type varName struct {
	scope, name string
	ok          bool
}

// maxVarNames bounds the interned names of a state; scripts that make names up get them parsed each time.
const maxVarNames = 1024

// varName reads argument i as a variable name.
func (u *unit) varName(c *vm.Call, i int, who string) (varName, error) {
	text, err := lib.Bytes(c, i, who, 1)
	if err != nil {
		return varName{}, err
	}
	if v, ok := u.vars[string(text)]; ok {
		return v, nil
	}
	s := string(text)
	var v varName
	v.scope, v.name, v.ok = expr.SplitVar(s)
	if len(u.vars) < maxVarNames {
		u.vars[s] = v
	}
	return v, nil
}

func (u *unit) varFuncs() lib.Funcs {
	return lib.Funcs{
		"var_get":   u.varGet,
		"var_set":   u.varSet,
		"var_unset": u.varUnset,
	}
}

// scopeOf gives the variables of a scope for a transaction; nil when it has none here. proc is separate.
func scopeOf(tx *txn.Txn, scope string) *txn.Vars {
	if tx == nil {
		return nil
	}
	switch scope {
	case "sess":
		if tx.Conn != nil {
			return &tx.Conn.Vars
		}
	case "txn":
		return &tx.Vars
	case "req":
		return &tx.ReqVars
	case "res":
		return &tx.ResVars
	}
	return nil
}

// varTarget is the common start of the three functions. Argument 1 is a handle, or nil for core's proc.* functions.
func (u *unit) varTarget(c *vm.Call, who string) (tx *txn.Txn, name varName, err error) {
	if !c.IsNil(1) {
		k, err := u.self(c)
		if err != nil {
			return nil, varName{}, err
		}
		tx = k.tx
	}
	name, err = u.varName(c, 2, who)
	return tx, name, err
}

// varGet(handle, name): the value, or nil when there is none or the name is none.
func (u *unit) varGet(c *vm.Call) error {
	tx, name, err := u.varTarget(c, "get_var")
	if err != nil {
		return err
	}
	var v txn.Value
	ok := false
	if name.scope == "proc" && name.ok {
		if p := u.b.opts.Env.Proc; p != nil {
			v, ok = p.Get(name.name)
		}
	} else if vars := scopeOf(tx, name.scope); vars != nil && name.ok {
		v, ok = vars.Get(name.name)
	}
	u.pushSample(c, v, ok, false)
	return nil
}

// varSet(handle, name, value, ifexist): true, or false when the name is none or its scope is not there.
func (u *unit) varSet(c *vm.Call) error {
	tx, name, err := u.varTarget(c, "set_var")
	if err != nil {
		return err
	}
	if c.N() < 3 {
		return fmt.Errorf("set_var: give a name and a value")
	}
	v := argSample(c, 3)
	done := false
	if name.scope == "proc" && name.ok {
		if p := u.b.opts.Env.Proc; p != nil {
			_, exists := p.Get(name.name)
			if done = exists || !c.Bool(4); done {
				p.Set(name.name, v)
			}
		}
	} else if vars := scopeOf(tx, name.scope); vars != nil && name.ok {
		vars.Set(name.name, v)
		done = true
	}
	c.PushBool(done)
	return nil
}

func (u *unit) varUnset(c *vm.Call) error {
	tx, name, err := u.varTarget(c, "unset_var")
	if err != nil {
		return err
	}
	done := false
	if name.scope == "proc" && name.ok {
		if p := u.b.opts.Env.Proc; p != nil {
			p.Unset(name.name)
			done = true
		}
	} else if vars := scopeOf(tx, name.scope); vars != nil && name.ok {
		vars.Unset(name.name)
		done = true
	}
	c.PushBool(done)
	return nil
}
