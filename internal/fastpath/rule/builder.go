package rule

import (
	"regexp"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/txn"
)

// Builder compiles rules. What is wrong goes to Problems, at the place where it stands in the configuration.
type Builder struct {
	Env      *sample.Env
	Config   *model.Config
	Lua      func(a *model.Action, ctx string) (Action, error)
	Service  func(a *model.Action, ctx string) (txn.Service, error)
	Problems *diag.List
}

// The rule lists by the names that scripts use for them (lua-api, core.register_action), but for "-cont" and "-sess".
const (
	ctxConn     = "tcp-req-conn"
	ctxSess     = "tcp-req-sess"
	ctxContent  = "tcp-req-cont"
	ctxRequest  = "http-req"
	ctxTCPRes   = "tcp-res"
	ctxResponse = "http-res"
	ctxAfter    = "http-after-res"
)

// Compile builds the rules of one list. ctx names the list: "tcp-req-conn", "tcp-req-sess", "tcp-req-cont",
// "http-req", "tcp-res", "http-res" or "http-after-res".
func (b *Builder) Compile(rules []*model.Rule, ctx string, p *proxy.Proxy) List {
	var l List
	for _, m := range rules {
		c := compile{b, &m.Action, ctx, p}
		if a := c.action(); a != nil {
			r := Rule{Action: a}
			if m.Cond != nil {
				r.Cond = b.Env.Cond(m.Cond)
			}
			l = append(l, r)
		}
	}
	return l
}

// compile is the building of one action.
type compile struct {
	*Builder
	a   *model.Action
	ctx string
	p   *proxy.Proxy
}

// constructors are the actions by name; keyword.Actions declares the same ones.
func constructors() map[string]func(c *compile) Action {
	accept := func(*compile) Action { return verdict(txn.Accept) }
	return map[string]func(c *compile) Action{
		"accept":      accept,
		"allow":       accept,
		"reject":      func(*compile) Action { return verdict(txn.Reject) },
		"close":       func(*compile) Action { return verdict(txn.Reject) },
		"silent-drop": func(*compile) Action { return verdict(txn.Drop) },

		"expect-proxy":     func(*compile) Action { return expectProxy{} },
		"set-nice":         func(*compile) Action { return nothing{} },
		"disable-l7-retry": func(*compile) Action { return noRetry{} },

		"deny":     (*compile).deny,
		"tarpit":   (*compile).tarpit,
		"return":   (*compile).ret,
		"redirect": (*compile).redirect,

		"lua":         (*compile).lua,
		"use-service": (*compile).service,

		"add-header":     (*compile).addHeader,
		"set-header":     (*compile).setHeader,
		"del-header":     (*compile).delHeader,
		"replace-header": (*compile).replaceHeader,
		"replace-value":  (*compile).replaceValue,
		"set-status":     (*compile).setStatus,

		"set-method": func(c *compile) Action { return c.setTarget((*http1.Message).SetMethod) },
		"set-path":   func(c *compile) Action { return c.setTarget((*http1.Message).SetPath) },
		"set-pathq":  func(c *compile) Action { return c.setTarget((*http1.Message).SetPathQuery) },
		"set-query":  func(c *compile) Action { return c.setTarget((*http1.Message).SetQuery) },
		"set-uri":    func(c *compile) Action { return c.setTarget((*http1.Message).SetTarget) },
		"replace-path": func(c *compile) Action {
			return c.replaceTarget((*http1.Message).Path, (*http1.Message).SetPath)
		},
		"replace-pathq": func(c *compile) Action {
			return c.replaceTarget((*http1.Message).PathQuery, (*http1.Message).SetPathQuery)
		},
		"replace-uri": func(c *compile) Action {
			return c.replaceTarget((*http1.Message).Target, (*http1.Message).SetTarget)
		},

		"set-var":     (*compile).setVar,
		"set-var-fmt": (*compile).setVarFmt,
		"unset-var":   (*compile).unsetVar,

		"wait-for-body": (*compile).waitForBody,
		"set-log-level": (*compile).setLogLevel,
		"capture":       (*compile).capture,

		"set-src":      func(c *compile) Action { return c.setAddr(source, false) },
		"set-src-port": func(c *compile) Action { return c.setAddr(source, true) },
		"set-dst":      func(c *compile) Action { return c.setAddr(destination, false) },
		"set-dst-port": func(c *compile) Action { return c.setAddr(destination, true) },
	}
}

// ActionNames are the actions that can be built, in no order.
func ActionNames() []string {
	var names []string
	for n := range constructors() {
		names = append(names, n)
	}
	return names
}

func (c *compile) action() Action {
	build, ok := constructors()[c.a.Name]
	if !ok {
		c.errorf("", "%s: unknown action %q", c.ctx, c.a.Name)
		return nil
	}
	return build(c)
}

func (c *compile) errorf(hint, format string, args ...any) {
	c.Problems.Errorf(c.a.Pos, hint, format, args...)
}

func (c *compile) lua() Action {
	a, err := c.Lua(c.a, c.ctx)
	if err != nil {
		c.errorf("", "%v", err)
		return nil
	}
	return a
}

func (c *compile) service() Action {
	s, err := c.Service(c.a, c.ctx)
	if err != nil {
		c.errorf("", "%v", err)
		return nil
	}
	return useService{s}
}

// useService hands the transaction to a service.
type useService struct{ s txn.Service }

func (u useService) Exec(tx *txn.Txn) txn.Verdict {
	tx.Service = u.s
	return txn.UseService
}

// noRetry keeps the request from being sent a second time once it was sent.
type noRetry struct{}

func (noRetry) Exec(tx *txn.Txn) txn.Verdict {
	tx.NoRetry = true
	return txn.Next
}

// response tells whether the list works on the answer.
func (c *compile) response() bool {
	return c.ctx == ctxResponse || c.ctx == ctxAfter || c.ctx == ctxTCPRes
}

// message is the message that the list works on.
func message(tx *txn.Txn, response bool) *http1.Message {
	if response {
		return &tx.Res
	}
	return &tx.Req
}

// text is a log-format string that is often constant.
type text struct {
	fixed []byte
	fmt   *sample.Format // nil: fixed
}

func (c *compile) text(p model.Param) text { return c.format(p.Fmt) }

func (c *compile) format(f *model.Format) text {
	if s, ok := f.Static(); ok {
		return text{fixed: []byte(s)}
	}
	return text{fmt: c.Env.Format(f)}
}

// bytes gives the text; it lives as long as the transaction.
func (t *text) bytes(tx *txn.Txn) []byte {
	if t.fmt == nil {
		return t.fixed
	}
	return t.fmt.Append(tx.Scratch.Take(256)[:0], tx)
}

// regex compiles a pattern as the configuration's check did.
func (c *compile) regex(p model.Param) *regexp.Regexp {
	re, hint, err := expr.CompileRegex(p.Text, false)
	if err != nil {
		c.Problems.Errorf(p.Pos, hint, "%s: %v", c.a.Name, err)
		return nil
	}
	return re
}
