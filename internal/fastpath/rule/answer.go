package rule

import (
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/txn"
)

// answer builds a local answer (configuration.txt §4.4 return): from a whole response, from a body with headers, or by
// leaving it to the stream, which knows the proxy's error pages.
type answer struct {
	verdict txn.Verdict
	tarpit  bool
	status  int

	raw     []byte // a whole response
	pages   bool   // what the proxy has for the status
	ctype   []byte // nil: none
	body    text
	headers []answerHeader
}

type answerHeader struct {
	name  []byte
	value text
}

func (c *compile) ret() Action { return c.answer(txn.Answer, 200, false) }

// deny answers 403 to requests and 502 in the place of answers, unless told otherwise.
func (c *compile) deny() Action {
	if c.response() {
		return c.answer(txn.Deny, 502, true)
	}
	return c.answer(txn.Deny, 403, true)
}

func (c *compile) tarpit() Action {
	a := c.answer(txn.Deny, 500, true)
	if a, ok := a.(*answer); ok {
		a.tarpit = true
	}
	return a
}

// answer reads the options of return, deny, tarpit and http-error. pages says what an answer without a body is: the
// proxy's page for the status, or nothing.
func (c *compile) answer(v txn.Verdict, status int, pages bool) Action {
	a := &answer{verdict: v, status: status}
	if p, ok := c.a.Opt("status"); ok {
		a.status = int(p.Int)
	}
	if p, ok := c.a.Opt("content-type"); ok {
		a.ctype = []byte(p.Text)
	}
	for _, h := range c.a.Headers {
		a.headers = append(a.headers, answerHeader{[]byte(h.Name), c.format(h.Fmt)})
	}
	opt := func(name string) (p model.Param, ok bool) {
		if p, ok = c.a.Opt(name); ok {
			pages = false
		}
		return p, ok
	}
	if _, ok := opt("default-errorfiles"); ok {
		a.pages = true
	}
	if p, ok := opt("errorfile"); ok {
		a.raw = p.Raw
	}
	if p, ok := opt("errorfiles"); ok && !c.section(a, p) {
		return nil
	}
	if p, ok := opt("file"); ok {
		a.body = text{fixed: p.Raw}
	}
	if p, ok := opt("string"); ok {
		a.body = text{fixed: []byte(p.Text)}
	}
	for _, name := range []string{"lf-file", "lf-string"} {
		if p, ok := opt(name); ok {
			a.body = c.text(p)
		}
	}
	if pages && len(a.headers) == 0 && a.ctype == nil {
		a.pages = true
	}
	return a
}

// section takes the answer for a's status out of an http-errors section.
func (c *compile) section(a *answer, p model.Param) bool {
	for _, s := range c.Config.HTTPErrors {
		if s.Name != p.Text {
			continue
		}
		if f := s.Files[a.status]; f != nil {
			a.raw = f.Raw
			return true
		}
		c.Problems.Errorf(p.Pos, "add an errorfile line there", "http-errors section %q has no answer for status %d", p.Text, a.status)
		return false
	}
	c.Problems.Errorf(p.Pos, "", "there is no http-errors section %q", p.Text)
	return false
}

func (a *answer) Exec(tx *txn.Txn) txn.Verdict {
	tx.Tarpit = tx.Tarpit || a.tarpit
	if a.pages || a.raw != nil && !a.parse(tx) {
		tx.ErrorStatus = a.status
		tx.Local = false
		return a.verdict
	}
	if a.raw == nil {
		a.build(tx)
	}
	tx.HasRes, tx.Local = true, true
	return a.verdict
}

func (a *answer) build(tx *txn.Txn) {
	// The texts may look at the answer that this one replaces, so they are made before it goes.
	body := a.body.bytes(tx)
	var room [8][]byte
	values := room[:0]
	for i := range a.headers {
		values = append(values, a.headers[i].value.bytes(tx))
	}
	m := &tx.Res
	m.BuildResponse(a.status, "")
	for i := range a.headers {
		if len(values[i]) > 0 { // one that came out empty is left out, as HAProxy leaves it out
			m.Add(a.headers[i].name, values[i])
		}
	}
	m.SetBody(http1.BodyLength, int64(len(body)))
	if a.ctype != nil && len(body) > 0 {
		m.Set("content-type", a.ctype)
	}
	tx.ResBody = body
}

// maxHeaders bounds the headers of an errorfile.
const maxHeaders = 100

func (a *answer) parse(tx *txn.Txn) bool {
	n, err := tx.Res.ParseResponse(a.raw, http1.Limits{MaxHeaders: maxHeaders, MaxHead: len(a.raw)}, nil)
	if err != nil || n == 0 {
		return false
	}
	tx.ResBody = a.raw[n:]
	return true
}
