package haproxy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/rule"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/vm"
)

// What an action may return: the constants of act (lua-api, Action class).
const (
	actContinue = iota
	actStop
	actYield
	actError
	actDone
	actDeny
	actAbort
	actInvalid
)

// action is a use of a registered action in the configuration.
type action struct {
	b    *Binding
	reg  *registration
	args []vm.Value
}

// Action gives the rule action for "lua.NAME" in the rule list ctx ("http-req", "tcp-req-cont" and so on, see
// rule.Builder). The error says what to write instead.
func (b *Binding) Action(a *model.Action, ctx string) (rule.Action, error) {
	r := b.reg.actions[a.Sub]
	if r == nil {
		return nil, unknown("action", a.Sub, b.reg.actions)
	}
	need := strings.TrimSuffix(ctx, "-cont")
	if !slices.Contains(r.where, need) {
		if !slices.Contains(facilities(), need) {
			return nil, fmt.Errorf("actions of Lua scripts cannot be used in %q rules", ctx)
		}
		return nil, fmt.Errorf("the action 'lua.%s' is registered for %s only; add \"%s\" to its core.register_action",
			r.name, strings.Join(r.where, ", "), need)
	}
	if len(a.Args) != r.nargs {
		return nil, fmt.Errorf("the action 'lua.%s' takes %d argument(s), not %d", r.name, r.nargs, len(a.Args))
	}
	act := &action{b: b, reg: r}
	for _, p := range a.Args {
		act.args = append(act.args, vm.Str(p.Text))
	}
	return act, nil
}

// Exec runs the action on the stream's goroutine, which may take as long as the script waits.
func (a *action) Exec(tx *txn.Txn) txn.Verdict {
	k := a.b.enter(tx, a.reg, "action")
	if k == nil {
		return txn.Next
	}
	var end time.Time // of repeating YIELDs
	for {
		k.show()
		k.r.Args = append(k.r.Args[:0], vm.Int(k.handle))
		k.r.Args = append(k.r.Args, a.args...)
		err := k.drive(a.b.stream, a.reg.in(k.u), vm.KindAction, k.u.limits.session)
		switch {
		case err != nil:
			k.report(err)
			return txn.Next // the rule is passed over, as in HAProxy
		case k.done:
			return k.terminate()
		}
		v, _ := k.first()
		code, _ := v.AsInt()
		if code != actYield {
			return k.verdict(code)
		}
		if tx.Stage == txn.StageReqContent || tx.Stage == txn.StageResContent {
			if tx.InspectOver {
				return txn.Next
			}
			tx.Undecided = true
			return txn.Wait
		}
		if end.IsZero() {
			end = time.Now().Add(yieldLimit(tx))
		} else if time.Now().After(end) {
			k.log(levelErr, fmt.Sprintf("Lua action '%s' returned act.YIELD until the client's timeout was over", k.name))
			return txn.Abort
		}
		if !sleep(a.b.ctx, k.pauseTime()) {
			return txn.Abort
		}
	}
}

// pauseTime is how long a YIELD waits before the script runs again.
func (k *call) pauseTime() time.Duration {
	if k.pause > 0 {
		return time.Duration(k.pause) * time.Millisecond
	}
	return time.Second
}

// yieldLimit bounds the time that an action of an HTTP transaction may spend with YIELDs.
func yieldLimit(tx *txn.Txn) time.Duration {
	if tx.Front != nil && tx.Front.Model != nil && tx.Front.Model.Timeouts.Client > 0 {
		return tx.Front.Model.Timeouts.Client
	}
	return time.Minute
}

// verdict turns what the function returned into what the stream does (lua-api, Action class).
func (k *call) verdict(code int64) txn.Verdict {
	tx := k.tx
	switch code {
	case actStop:
		return txn.Accept
	case actDone:
		if tx.HasRes && tx.Local {
			return txn.Answer
		}
		return txn.Accept
	case actError:
		return txn.Abort
	case actAbort:
		return txn.Reject
	case actDeny:
		return k.refuse(txn.Deny, 403)
	case actInvalid:
		tx.CloseAfter = k.handle&handleResponse == 0
		return k.refuse(txn.Answer, 400)
	}
	return txn.Next
}

// refuse answers with the proxy's page for status, or in the place of a response for 502; in mode tcp it closes.
func (k *call) refuse(v txn.Verdict, status int) txn.Verdict {
	if k.tx.Mode != model.ModeHTTP {
		return txn.Reject
	}
	if k.handle&handleResponse != 0 {
		status = 502
	}
	k.tx.ErrorStatus, k.tx.Local = status, false
	return v
}

// terminate ends the transaction as txn:done() asked: with a reply, or without a word. In mode tcp the client still
// gets what the script put into the response's channel.
func (k *call) terminate() txn.Verdict {
	tx := k.tx
	if tx.Mode == model.ModeHTTP {
		if k.reply == nil {
			return txn.Reject
		}
		k.answer(k.reply)
		return txn.Answer
	}
	if tx.Stage == txn.StageReqContent && tx.Control != nil {
		if data, _ := tx.Control.Payload(txn.Res); len(data) > 0 {
			tx.Service = farewell(append([]byte(nil), data...))
			return txn.UseService
		}
	}
	return txn.Reject
}

// farewell is a service that sends some bytes and ends.
type farewell []byte

func (f farewell) Serve(_ *txn.Txn, io txn.ServiceIO) error {
	_, err := io.Write(f)
	return err
}
