package haproxy

import (
	"errors"
	"fmt"
	"strings"

	"eddy/internal/fastpath/http1"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// reply is an answer that a script made up: a Reply object, or a table of that shape.
type reply struct {
	status  int
	reason  string
	headers []lib.Header
	body    string
}

// readReply takes a Reply apart (lua-api, TXN.reply). Everything is optional; of a header's values, one may stand
// there without a list.
func readReply(t *vm.Table) (*reply, error) {
	r := &reply{status: 200}
	if v := t.Get("status"); !v.IsNil() {
		n, ok := v.AsInt()
		if !ok || n < 100 || n > 999 {
			return nil, errors.New("reply: status must be a number from 100 to 999")
		}
		r.status = int(n)
	}
	if v := t.Get("reason"); !v.IsNil() {
		s, ok := lib.Text(v)
		if !ok || strings.ContainsAny(s, "\r\n\x00") {
			return nil, errors.New("reply: reason must be a string of one line")
		}
		r.reason = s
	}
	if v := t.Get("body"); !v.IsNil() {
		s, ok := lib.Text(v)
		if !ok {
			return nil, errors.New("reply: body must be a string")
		}
		r.body = s
	}
	headers := t.Get("headers")
	if headers.IsNil() {
		return r, nil
	}
	ht, ok := headers.AsTable()
	if !ok {
		return nil, errors.New("reply: headers must be a table, {name = {value, ...}}")
	}
	var err error
	r.headers, err = lib.ReadHeaders(ht)
	if err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	return r, nil
}

// frames reports a header that describes the body's framing; an answer built here has its own.
func frames(name string) bool {
	return strings.EqualFold(name, "content-length") || strings.EqualFold(name, "transfer-encoding")
}

// answer makes r the transaction's answer.
func (k *call) answer(r *reply) {
	tx := k.tx
	tx.Res.BuildResponse(r.status, r.reason)
	for _, h := range r.headers {
		if !frames(h.Name) && !tx.Res.AddString(h.Name, h.Value) {
			k.log(levelWarning, fmt.Sprintf("Lua %s '%s': the reply's header %q cannot be sent and is left out", k.what, k.name, h.Name))
		}
	}
	body := r.body
	if r.status < 200 || r.status == 204 || r.status == 304 {
		body = ""
		tx.Res.SetBody(http1.BodyNone, 0)
	} else {
		tx.Res.SetBody(http1.BodyLength, int64(len(body)))
	}
	tx.ResBody = append(tx.ResBody[:0:0], body...)
	tx.HasRes, tx.Local = true, true
}
