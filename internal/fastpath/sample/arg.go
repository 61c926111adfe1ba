package sample

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
)

// arg is an argument, resolved by its declared kind.
type arg struct {
	text  string
	b     []byte // text as bytes; KindHex: decoded
	n     int64
	isVar bool
	v     Variable
	re    *regexp.Regexp
	addr  netip.Addr
	px    *proxy.Proxy
	srv   *proxy.Server
	acls  []*model.ACL
}

func (e *Env) arg(c *call, m model.Arg, kind expr.ArgKind) (arg, error) {
	a := arg{text: m.Text, b: []byte(m.Text), acls: m.ACLs}
	if m.Text == "" {
		return a, nil
	}
	var err error
	switch kind {
	case expr.KindInt, expr.KindUint:
		a.n, err = expr.ParseInt(m.Text)
	case expr.KindIntVar:
		if a.n, err = expr.ParseInt(m.Text); err != nil {
			a.v, a.isVar = e.variable(m.Text)
			err = notVariable(m.Text, a.isVar)
		}
	case expr.KindVar:
		a.v, a.isVar = e.variable(m.Text)
		err = notVariable(m.Text, a.isVar)
	case expr.KindIPv4, expr.KindIPv6:
		a.addr, err = netip.ParseAddr(m.Text)
	case expr.KindHex:
		a.b, err = hex.DecodeString(m.Text)
	case expr.KindBool:
		if m.Text == "true" || m.Text == "1" {
			a.n = 1
		}
	case expr.KindFront:
		a.px, err = e.proxy(m.Text, model.Frontend)
	case expr.KindBack:
		a.px, err = e.proxy(m.Text, model.Backend)
	case expr.KindServer:
		if be, name, ok := strings.Cut(m.Text, "/"); ok {
			if a.px, err = e.proxy(be, model.Backend); err == nil {
				if a.srv = a.px.Server(name); a.srv == nil {
					err = fmt.Errorf("the backend %q has no server %q", be, name)
				}
			}
		}
	}
	return a, err
}

func notVariable(text string, ok bool) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%q is no variable; they are written like txn.name", text)
}

func (e *Env) proxy(name string, side model.Side) (*proxy.Proxy, error) {
	if e.Proxies == nil {
		return nil, errors.New("there are no proxies here")
	}
	if p := e.Proxies.Find(name, side); p != nil {
		return p, nil
	}
	what := "backend"
	if side == model.Frontend {
		what = "frontend"
	}
	return nil, fmt.Errorf("there is no %s %q", what, name)
}

// has says whether argument i was given and is not empty.
func (c *call) has(i int) bool { return i < len(c.args) && c.args[i].text != "" }

// text is argument i, or "".
func (c *call) text(i int) string {
	if i < len(c.args) {
		return c.args[i].text
	}
	return ""
}

// bytes is argument i, or nil.
func (c *call) bytes(i int) []byte {
	if i < len(c.args) {
		return c.args[i].b
	}
	return nil
}

// int is argument i, or a default.
func (c *call) int(i int, missing int64) int64 {
	if c.has(i) {
		return c.args[i].n
	}
	return missing
}

// intVar is argument i as a number or as what its variable holds; it reports false when that is no number.
func (c *call) intVar(tx *txn.Txn, i int) (int64, bool) {
	a := &c.args[i]
	if !a.isVar {
		return a.n, true
	}
	v, ok := a.v.Get(tx)
	if !ok {
		return 0, false
	}
	v, ok = toIntValue(v)
	return v.Int, ok
}

func toIntValue(v txn.Value) (txn.Value, bool) {
	if v.Type == txn.TypeInt {
		return v, true
	}
	return toInt(v)
}
