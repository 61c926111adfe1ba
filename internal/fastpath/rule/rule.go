// Package rule runs the rule lists of a proxy: conditions and the actions behind them (configuration.txt §4.3, §4.4).
//
// A Builder turns the model's rules into a List once; a List never changes and any goroutine may run it. Running a
// rule does not allocate, except for what the actions of scripts do.
package rule

import (
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/txn"
)

// Action is one thing that a rule does. Exec runs on the stream's goroutine and may block there; txn.Next means that
// the list goes on.
type Action interface {
	Exec(tx *txn.Txn) txn.Verdict
}

// List is a compiled rule list; its zero value has no rules.
type List []Rule

// Rule is a condition and an action.
type Rule struct {
	Cond   *sample.Cond // nil holds always
	Action Action
}

// Run runs the rules in order, from tx.Resume on, until one decides. A condition or action that cannot tell yet,
// because more bytes may come, ends the run with txn.Wait; tx.Resume then says where to go on.
func (l List) Run(tx *txn.Txn) txn.Verdict {
	for i := tx.Resume; i < len(l); i++ {
		r := &l[i]
		if r.Cond != nil {
			holds := r.Cond.Holds(tx)
			if tx.Undecided {
				tx.Resume = i
				return txn.Wait
			}
			if !holds {
				continue
			}
		}
		switch v := r.Action.Exec(tx); v {
		case txn.Next:
			tx.Undecided = false // an action takes what is there
		case txn.Wait:
			tx.Resume = i
			return v
		default:
			tx.Resume = 0
			return v
		}
	}
	tx.Resume = 0
	return txn.Next
}

// verdict is an action that decides and does nothing else.
type verdict txn.Verdict

func (v verdict) Exec(*txn.Txn) txn.Verdict { return txn.Verdict(v) }

// nothing is an action that has no effect in eddy.
type nothing struct{}

func (nothing) Exec(*txn.Txn) txn.Verdict { return txn.Next }
