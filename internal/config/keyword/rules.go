package keyword

import (
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
)

// maxRules bounds the rules of one proxy.
const maxRules = 100_000

// ruleStage orders the lists in which rules are evaluated, for the warning about rules that stand too late.
type ruleStage uint8

const (
	stageNone ruleStage = iota
	stageConn
	stageSess
	stageContent
	stageHTTP
	stageRedirect
	stageUseBackend
	stages // how many there are
)

var stageNames = []string{"", "tcp-request connection", "tcp-request session", "tcp-request content", "http-request", "redirect", "use_backend"}

// ruleDecls are the rules (§4.2).
func ruleDecls() []Decl {
	in := proxies | NamedDefaults
	rule := func(name string, set RuleSets, in Sections, http bool, doc string) Decl {
		return Decl{Name: name, In: in, Params: one(rest("action … [if|unless condition]")), HTTP: http, Doc: doc, Spec: "4.2, 4.4",
			Set: func(p *Parser, a Args) { p.addRule(a, set) }}
	}
	return []Decl{
		rule("tcp-request connection", TCPConn, front|NamedDefaults, false, "Judges connections as soon as they are accepted."),
		rule("tcp-request session", TCPSess, front|NamedDefaults, false, "Judges connections once a PROXY header was read."),
		rule("tcp-request content", TCPContent, in, false, "Judges what a client sends, before HTTP is looked at."),
		rule("tcp-response content", TCPRes, back|NamedDefaults, false, "Judges what a server sends."),
		{Name: "tcp-request inspect-delay", In: in, Params: one(duration("time")), Spec: "4.2",
			Doc: "Waits at most this long for what tcp-request content rules need.",
			Set: func(p *Parser, a Args) { p.proxy.TCPInspect = time.Duration(a.Int(0)) }},
		{Name: "tcp-response inspect-delay", In: back | NamedDefaults, Params: one(duration("time")), Spec: "4.2",
			Doc: "Waits at most this long for what tcp-response content rules need.",
			Set: func(p *Parser, a Args) { p.proxy.TCPRespInspect = time.Duration(a.Int(0)) }},
		rule("http-request", HTTPReq, in, true, "Judges and changes requests."),
		rule("http-response", HTTPRes, in, true, "Judges and changes answers of servers."),
		rule("http-after-response", HTTPAfter, in, true, "Changes all answers, those of the program too."),
		{Name: "redirect", In: proxies, Params: one(rest("option … [if|unless condition]")), Opts: describe(plainRedirectOptions()), HTTP: true, Spec: "4.2",
			Doc: "Answers with a redirect, after the http-request rules.", Set: setRedirect},
	}
}

// ruleScope is where the expressions of a rule list are evaluated.
func ruleScope(set RuleSets) expr.Scope {
	switch set {
	case TCPConn:
		return expr.ConnRule
	case TCPSess:
		return expr.SessRule
	case TCPContent:
		return expr.ReqContent
	case TCPRes:
		return expr.ResContent
	case HTTPRes:
		return expr.HTTPRes
	case HTTPAfter:
		return expr.HTTPAfter
	}
	return expr.HTTPReq
}

// addRule reads one rule into its list.
func (p *Parser) addRule(a Args, set RuleSets) {
	p.inRule, p.scope = true, ruleScope(set)
	act, d, used := p.readAction(set, a.Rest)
	if act == nil {
		return
	}
	cond, ok := p.cond(set.String()+" "+a.Rest[0].Text, a.Rest[used:])
	if !ok {
		return
	}
	if d.NoEffect != "" {
		return
	}
	list := p.proxy.rules(set)
	p.proxy.noteFinal(p, a, list, act, d.Final && cond == nil)
	stage := map[RuleSets]ruleStage{TCPConn: stageConn, TCPSess: stageSess, TCPContent: stageContent, HTTPReq: stageHTTP}[set]
	p.inOrder(a, stage)
	if len(*list) < maxRules {
		*list = append(*list, &model.Rule{Pos: a.At, Action: *act, Cond: cond})
	}
}

// noteFinal warns about rules behind one that always ends its list.
func (x *Proxy) noteFinal(p *Parser, a Args, list *[]*model.Rule, act *model.Action, final bool) {
	if x.ended == nil {
		x.ended = map[*[]*model.Rule]diag.Pos{}
	}
	if by := x.ended[list]; by.Line > 0 {
		p.Diags.Warnf(a.At, "remove it, or put a condition on that rule", "this %s rule is never reached: the one in %s always ends them", a.Name, by.From(a.At))
		x.ended[list] = diag.Pos{Line: -1} // said once
		return
	}
	if final && x.ended[list].Line == 0 {
		x.ended[list] = a.At
	}
}

// rules gives the list of a rule set.
func (x *Proxy) rules(set RuleSets) *[]*model.Rule {
	switch set {
	case TCPConn:
		return &x.TCPReqConn
	case TCPSess:
		return &x.TCPReqSess
	case TCPContent:
		return &x.TCPReqContent
	case TCPRes:
		return &x.TCPRespContent
	case HTTPRes:
		return &x.HTTPResponse
	case HTTPAfter:
		return &x.HTTPAfter
	}
	return &x.HTTPRequest
}

// inOrder warns when a rule stands behind one of a later list: it runs before it all the same.
func (p *Parser) inOrder(a Args, stage ruleStage) {
	x := p.proxy
	if stage == stageNone {
		return
	}
	if stage < x.lastRule {
		if x.late[stage] {
			return
		}
		x.late[stage] = true // said once
		p.Diags.Warnf(a.At, "move it up to where it takes effect", "this '%s' rule stands behind a '%s' rule, but runs before it", stageNames[stage], stageNames[x.lastRule])
		return
	}
	x.lastRule = stage
}

// setRedirect reads the "redirect" line, which is a rule behind all http-request rules.
func setRedirect(p *Parser, a Args) {
	p.inRule, p.scope = true, expr.HTTPReq
	act := &model.Action{Pos: a.At, Name: "redirect", Opts: map[string]model.Param{}}
	d := findAction(p.actions, "redirect")
	used, ok := readOptions(p, "redirect", plainRedirectOptions(), nil, act, a.Rest)
	if !ok || !p.needs("redirect", d, act) {
		return
	}
	cond, ok := p.cond("redirect", a.Rest[used:])
	if !ok {
		return
	}
	p.inOrder(a, stageRedirect)
	if len(p.proxy.redirects) < maxRules {
		p.proxy.redirects = append(p.proxy.redirects, &model.Rule{Pos: a.At, Action: *act, Cond: cond})
	}
}
