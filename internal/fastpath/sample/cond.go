package sample

import (
	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

// Cond is a condition ready to be evaluated: a disjunction of conjunctions (configuration.txt §7.2).
type Cond struct {
	unless bool
	or     [][]term
}

type term struct {
	not  bool
	acls []*acl
}

// Cond builds a condition; nil gives nil, which always holds. Problems go to e.Problems.
func (e *Env) Cond(m *model.Cond) *Cond {
	if m == nil {
		return nil
	}
	c := &Cond{unless: m.Unless}
	for _, and := range m.Or {
		var terms []term
		for _, t := range and {
			terms = append(terms, e.term(t))
		}
		c.or = append(c.or, terms)
	}
	return c
}

func (e *Env) term(m model.Term) term {
	t := term{not: m.Not}
	for _, a := range m.ACLs {
		t.acls = append(t.acls, e.acl(a))
	}
	return t
}

// truth has three values: bytes that have not come yet may still decide.
type truth uint8

const (
	no truth = iota
	maybe
	yes
)

func (t truth) not() truth { return yes - t }

// Holds evaluates the condition. When it does not hold but may do so with more bytes, tx.Undecided is set, otherwise
// it is cleared. A nil Cond holds.
func (c *Cond) Holds(tx *txn.Txn) bool {
	if c == nil {
		return true
	}
	t := c.eval(tx)
	if c.unless {
		t = t.not()
	}
	tx.Undecided = t == maybe
	return t == yes
}

func (c *Cond) eval(tx *txn.Txn) truth {
	best := no
	for _, and := range c.or {
		t := yes
		for i := range and {
			if t = min(t, and[i].eval(tx)); t == no {
				break
			}
		}
		if best = max(best, t); best == yes {
			break
		}
	}
	return best
}

func (t *term) eval(tx *txn.Txn) truth {
	res := no
	for _, a := range t.acls {
		tx.Undecided = false
		if a.matches(tx) {
			res = yes
			break
		}
		if tx.Undecided && !tx.InspectOver {
			res = maybe
		}
	}
	if t.not {
		return res.not()
	}
	return res
}
