package call

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// Arg is an argument, resolved by its declared kind.
type Arg struct {
	Text   string
	B      []byte // Text as bytes; KindHex: decoded
	N      int64
	IsVar  bool
	Var    Variable
	Addr   netip.Addr
	Proxy  *proxy.Proxy
	Server *proxy.Server
	ACLs   []*model.ACL
}

// Resolve turns an argument of a declared kind into what the code needs.
func (w *World) Resolve(m model.Arg, kind expr.ArgKind) (Arg, error) {
	a := Arg{Text: m.Text, B: []byte(m.Text), ACLs: m.ACLs}
	if m.Text == "" {
		return a, nil
	}
	var err error
	switch kind {
	case expr.KindInt, expr.KindUint:
		a.N, err = expr.ParseInt(m.Text)
	case expr.KindIntVar:
		if a.N, err = expr.ParseInt(m.Text); err != nil {
			a.Var, a.IsVar = w.Variable(m.Text)
			err = notVariable(m.Text, a.IsVar)
		}
	case expr.KindVar:
		a.Var, a.IsVar = w.Variable(m.Text)
		err = notVariable(m.Text, a.IsVar)
	case expr.KindIPv4, expr.KindIPv6:
		a.Addr, err = netip.ParseAddr(m.Text)
	case expr.KindHex:
		a.B, err = hex.DecodeString(m.Text)
	case expr.KindBool:
		if m.Text == "true" || m.Text == "1" {
			a.N = 1
		}
	case expr.KindFront:
		a.Proxy, err = w.proxy(m.Text, model.Frontend)
	case expr.KindBack:
		a.Proxy, err = w.proxy(m.Text, model.Backend)
	case expr.KindServer:
		if be, name, ok := strings.Cut(m.Text, "/"); ok {
			if a.Proxy, err = w.proxy(be, model.Backend); err == nil {
				if a.Server = a.Proxy.Server(name); a.Server == nil {
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

func (w *World) proxy(name string, side model.Side) (*proxy.Proxy, error) {
	if w.Proxies == nil {
		return nil, errors.New("there are no proxies here")
	}
	if p := w.Proxies.Find(name, side); p != nil {
		return p, nil
	}
	what := "backend"
	if side == model.Frontend {
		what = "frontend"
	}
	return nil, fmt.Errorf("there is no %s %q", what, name)
}

// Has says whether argument i was given and is not empty.
func (c *Call) Has(i int) bool { return i < len(c.Args) && c.Args[i].Text != "" }

// Text is argument i, or "".
func (c *Call) Text(i int) string {
	if i < len(c.Args) {
		return c.Args[i].Text
	}
	return ""
}

// Bytes is argument i, or nil.
func (c *Call) Bytes(i int) []byte {
	if i < len(c.Args) {
		return c.Args[i].B
	}
	return nil
}

// Int is argument i, or a default.
func (c *Call) Int(i int, missing int64) int64 {
	if c.Has(i) {
		return c.Args[i].N
	}
	return missing
}

// IntVar is argument i as a number or as what its variable holds; it reports false when that is no number.
func (c *Call) IntVar(tx *txn.Txn, i int) (int64, bool) {
	a := &c.Args[i]
	if !a.IsVar {
		return a.N, true
	}
	v, ok := a.Var.Get(tx)
	if !ok {
		return 0, false
	}
	v, ok = cast.ToInt(v)
	return v.Int, ok
}
