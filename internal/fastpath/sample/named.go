package sample

import (
	"fmt"
	"strings"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// aclFetch is the code of acl(name,...), which stands here because it needs conditions.
func (e *Env) aclFetch() call.Fetch {
	return call.Fetch{
		Get: namedACLs,
		Prepare: func(c *call.Call) error {
			var terms []term
			for i := range c.Args {
				if len(c.Args[i].ACLs) == 0 {
					return fmt.Errorf("there is no ACL %q here", c.Text(i))
				}
				terms = append(terms, e.term(model.Term{Not: strings.HasPrefix(c.Text(i), "!"), ACLs: c.Args[i].ACLs}))
			}
			c.Data = terms
			return nil
		},
	}
}

// namedACLs is acl(name,...): all of them hold.
func namedACLs(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
	for _, t := range c.Data.([]term) {
		switch t.eval(tx) {
		case no:
			return cast.Bool(false), true
		case maybe:
			tx.Undecided = true
			return txn.Value{}, false
		}
	}
	return cast.Bool(true), true
}
