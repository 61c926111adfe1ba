package rule

import (
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/txn"
)

// setVar sets a variable to a sample or a formatted text, when its conditions hold. A sample without a value leaves
// the variable as it is (configuration.txt §4.4 set-var).
type setVar struct {
	v     call.Variable
	conds call.SetConds
	x     *sample.Expr // nil: fmt
	fmt   text
}

func (c *compile) variable() (v call.Variable, conds call.SetConds, ok bool) {
	if v, ok = c.Env.Variable(c.a.Sub); !ok {
		c.errorf("variables are written proc.NAME, sess.NAME, txn.NAME, req.NAME or res.NAME", "%s: %q is no variable", c.a.Name, c.a.Sub)
		return v, conds, false
	}
	conds, bad := call.ParseSetConds(c.a.SubArgs)
	if bad != "" {
		c.errorf("conditions are ifexists, ifnotexists, ifempty, ifnotempty, ifset, ifnotset, ifgt and iflt",
			"%s: unknown condition %q", c.a.Name, bad)
		return v, conds, false
	}
	return v, conds, true
}

func (c *compile) setVar() Action {
	v, conds, ok := c.variable()
	if !ok {
		return nil
	}
	return &setVar{v: v, conds: conds, x: c.Env.Expr(c.a.Args[0].Expr)}
}

func (c *compile) setVarFmt() Action {
	v, conds, ok := c.variable()
	if !ok {
		return nil
	}
	return &setVar{v: v, conds: conds, fmt: c.text(c.a.Args[0])}
}

func (s *setVar) Exec(tx *txn.Txn) txn.Verdict {
	val := txn.Value{Type: txn.TypeStr}
	if s.x == nil {
		val.B = s.fmt.bytes(tx)
	} else {
		var ok bool
		if val, ok = s.x.Eval(tx); !ok {
			return txn.Next
		}
	}
	s.v.SetIf(tx, val, s.conds)
	return txn.Next
}

type unsetVar struct{ v call.Variable }

func (c *compile) unsetVar() Action {
	v, _, ok := c.variable()
	if !ok {
		return nil
	}
	return &unsetVar{v}
}

func (u *unsetVar) Exec(tx *txn.Txn) txn.Verdict {
	u.v.Unset(tx)
	return txn.Next
}
