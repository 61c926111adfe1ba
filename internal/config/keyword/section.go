package keyword

import (
	"maps"
	"slices"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// openers are the words that open a section.
var openers = []string{"global", "defaults", "frontend", "listen", "backend", "http-errors", "observe", "queue"}

// absentSections are HAProxy's other sections.
var absentSections = []string{
	"acme", "cache", "crt-store", "dynamic-update", "fcgi-app", "healthcheck", "log-forward", "log-profile", "mailers",
	"peers", "program", "resolvers", "ring", "traces", "userlist",
}

// Proxy is a proxy section while it is read: the model, and what only the reading needs.
type Proxy struct {
	*model.Proxy
	kind          Sections
	from          *Proxy // the defaults it began with
	explicit      bool   // named by "from"
	defaultServer model.Server
	acls          map[string][]*model.ACL
	errorRefs     []errorRef
	httpOnly      []namedAt                   // uses of keywords that need mode http
	lastRule      ruleStage                   // for the warning about order
	checks        diag.Pos                    // of the first use of health checks
	ended         map[*[]*model.Rule]diag.Pos // the rule that always ends a list; Line -1 once warned about
	late          [stages]bool                // rules behind those of a later list were warned about
	redirects     []*model.Rule               // "redirect" lines; they come behind the http-request rules
}

type namedAt struct {
	name string
	pos  diag.Pos
}

// errorRef is an "errorfiles" line, resolved when all sections are known. Nil codes mean all.
type errorRef struct {
	pos   diag.Pos
	name  string
	codes []int
	own   map[int]*model.ErrorFile // what the lines after it set, which wins
}

func (x *Proxy) aclsNamed(name string) []*model.ACL { return x.acls[name] }

// openSection opens a section when ln says so.
func (p *Parser) openSection(ln syntax.Line) bool {
	w := ln.Words[0]
	if w.Quoted {
		return false
	}
	if slices.Contains(absentSections, w.Text) {
		p.closeSection()
		p.where, p.skipping = 0, true
		p.Diags.Errorf(w.Pos, "the lines of the section were not looked at", "HAProxy has '%s' sections; eddy does not have them yet", w.Text)
		return true
	}
	if !slices.Contains(openers, w.Text) {
		if hint := likelySection(w.Text); hint != "" && p.where == 0 && (!p.skipping || w.Pos.Col == 1) {
			p.Diags.Errorf(w.Pos, hint, "unknown section %q", w.Text)
			p.skipping, p.Lost = true, true
			return true
		}
		return false
	}
	p.closeSection()
	p.where, p.skipping = 0, false
	switch w.Text {
	case "global":
		p.where = Global
		p.noMore(ln, 1)
	case "http-errors":
		p.openHTTPErrors(ln)
	case "observe":
		p.openObserve(ln)
	case "queue":
		p.openQueue(ln)
	default:
		p.openProxy(ln)
	}
	return true
}

// likelySection suggests a section for a misspelt word.
func likelySection(word string) string { return diag.DidYouMean(word, openers) }

// noMore reports words behind the n-th.
func (p *Parser) noMore(ln syntax.Line, n int) {
	if len(ln.Words) > n {
		p.Diags.Errorf(ln.Words[n].Pos, "", "%s: unexpected %q", ln.Words[0].Text, ln.Words[n].Text)
	}
}

func (p *Parser) openHTTPErrors(ln syntax.Line) {
	p.where = HTTPErrors
	p.errors = &model.HTTPErrors{Pos: ln.Pos, Files: map[int]*model.ErrorFile{}}
	if len(ln.Words) < 2 {
		p.Diags.Errorf(ln.Pos, "write: http-errors NAME", "the http-errors section has no name")
		return
	}
	p.noMore(ln, 2)
	name := ln.Words[1]
	p.checkName(name)
	p.errors.Name = name.Text
	for _, other := range p.Config.HTTPErrors {
		if other.Name == name.Text {
			p.Diags.Errorf(name.Pos, "", "there is an http-errors section '%s' in %s already", name.Text, other.Pos.From(name.Pos))
		}
	}
	p.Config.HTTPErrors = append(p.Config.HTTPErrors, p.errors)
}

// openProxy opens defaults, frontend, listen and backend sections (§4).
func (p *Parser) openProxy(ln syntax.Line) {
	kind := map[string]Sections{"defaults": Defaults, "frontend": Frontend, "listen": Listen, "backend": Backend}[ln.Words[0].Text]
	words := ln.Words[1:]
	var name syntax.Word
	if len(words) > 0 && (kind != Defaults || words[0].Text != "from") {
		name, words = words[0], words[1:]
	}
	if name.Text == "" && kind != Defaults {
		p.Diags.Errorf(ln.Pos, "write: "+kind.String()+" NAME", "the %s section has no name", kind)
	}
	if name.Text != "" {
		p.checkName(name)
	}
	from, explicit := p.lastDefaults(), false
	switch {
	case len(words) == 0:
		if kind == Defaults {
			from = nil
		}
	case words[0].Text != "from":
		hint := "write: " + kind.String() + " NAME [from DEFAULTS]"
		if kind != Defaults && strings.ContainsAny(words[0].Text, ":") {
			hint = "listening addresses go on bind lines: bind " + words[0].Text
		}
		p.Diags.Errorf(words[0].Pos, hint, "%s: unexpected %q", kind, words[0].Text)
	case len(words) < 2:
		p.Diags.Errorf(words[0].Pos, "write the name of a defaults section", "nothing stands behind \"from\"")
	default:
		from, explicit = p.findDefaults(words[1]), true
		if len(words) > 2 {
			p.Diags.Errorf(words[2].Pos, "", "%s: unexpected %q", kind, words[2].Text)
		}
	}
	p.where = kind
	if kind == Defaults && name.Text != "" {
		p.where = NamedDefaults
	}
	p.proxy = newProxy(kind, name.Text, ln.Pos, from, explicit)
	if kind == Defaults {
		p.checkDefaultsName(name)
		p.defaults = append(p.defaults, p.proxy)
		return
	}
	p.checkProxyName(name)
	if len(p.proxies) >= maxProxies {
		if len(p.proxies) == maxProxies {
			p.Diags.Errorf(ln.Pos, "", "more than %d proxies", maxProxies)
		}
		return
	}
	p.proxies = append(p.proxies, p.proxy)
	p.Config.Proxies = append(p.Config.Proxies, p.proxy.Proxy)
}

// maxProxies bounds the number of proxy sections.
const maxProxies = 20_000

// checkDefaultsName reports a second named defaults section: "from" could not tell them apart.
func (p *Parser) checkDefaultsName(name syntax.Word) {
	for _, d := range p.defaults {
		if name.Text != "" && d.Name == name.Text {
			p.Diags.Warnf(name.Pos, "give each defaults section a name of its own", "there is a defaults section '%s' in %s already", name.Text, d.Pos.From(name.Pos))
			return
		}
	}
}

// checkProxyName reports names that are taken. A frontend and a backend may share one, as HAProxy allowed until 3.3.
func (p *Parser) checkProxyName(name syntax.Word) {
	if name.Text == "" {
		return
	}
	for _, other := range p.proxies {
		if other.Name != name.Text {
			continue
		}
		if other.Side&p.proxy.Side != 0 {
			p.Diags.Errorf(name.Pos, "every proxy needs a name of its own", "there is a %s '%s' in %s already", other.kind, name.Text, other.Pos.From(name.Pos))
		} else {
			p.Diags.Warnf(name.Pos, "newer HAProxy versions refuse this", "'%s' is also the name of the %s in %s", name.Text, other.kind, other.Pos.From(name.Pos))
		}
		return
	}
}

// checkName holds a section's name against §4.
func (p *Parser) checkName(w syntax.Word) {
	if w.Text == "" {
		p.Diags.Errorf(w.Pos, "is a variable of the environment missing?", "the name is empty")
		return
	}
	if bad := strings.Trim(w.Text, nameLetters); bad != "" {
		p.Diags.Errorf(w.Pos, "names are made of letters, digits, '-', '_', '.' and ':'", "%q cannot stand in a name", bad[:1])
	}
}

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:"

func (p *Parser) lastDefaults() *Proxy {
	if len(p.defaults) == 0 {
		return nil
	}
	return p.defaults[len(p.defaults)-1]
}

func (p *Parser) findDefaults(w syntax.Word) *Proxy {
	var names []string
	for i := len(p.defaults) - 1; i >= 0; i-- {
		if p.defaults[i].Name == w.Text {
			return p.defaults[i]
		}
		if p.defaults[i].Name != "" {
			names = append(names, p.defaults[i].Name)
		}
	}
	hint := diag.DidYouMean(w.Text, names)
	if hint == "" {
		hint = "defaults sections must come before the sections that use them"
	}
	p.Diags.Errorf(w.Pos, hint, "there is no defaults section '%s'", w.Text)
	return nil
}

// newProxy makes a section with what from says, or with the documented defaults.
func newProxy(kind Sections, name string, pos diag.Pos, from *Proxy, explicit bool) *Proxy {
	x := &Proxy{kind: kind, from: from, explicit: explicit, acls: map[string][]*model.ACL{}}
	if from == nil {
		x.Proxy = &model.Proxy{Retries: 3, RetryOn: model.RetryOn{ConnFailure: true},
			Balance: model.Balance{Algo: "roundrobin", RandomDraws: 2}, HashType: "map-based"}
		x.defaultServer = model.Server{Weight: 1, PoolMaxConn: -1, PoolPurge: defaultPoolPurge, MaxReuse: -1,
			Inter: defaultInter, Rise: 2, Fall: 3}
	} else {
		m := *from.Proxy
		x.Proxy = &m
		x.defaultServer = from.defaultServer
		x.errorRefs = cloneRefs(from.errorRefs)
		x.checks = from.checks
		x.cloneShared()
	}
	x.Pos, x.Name, x.ID, x.Descr = pos, name, 0, ""
	switch kind {
	case Frontend:
		x.Side = model.Frontend
	case Backend:
		x.Side = model.Backend
	case Listen:
		x.Side = model.Listen
	}
	if kind != Defaults {
		x.dropOtherSide()
	}
	return x
}

func cloneRefs(refs []errorRef) []errorRef {
	out := slices.Clone(refs)
	for i := range out {
		out[i].own = maps.Clone(out[i].own)
	}
	return out
}

// cloneShared gives the section slices and maps of its own, so that what it adds does not reach its defaults.
func (x *Proxy) cloneShared() {
	m := x.Proxy
	m.Logs = slices.Clone(m.Logs)
	for _, rules := range []*[]*model.Rule{&m.HTTPRequest, &m.HTTPResponse, &m.HTTPAfter,
		&m.TCPReqConn, &m.TCPReqSess, &m.TCPReqContent, &m.TCPRespContent} {
		*rules = slices.Clone(*rules)
	}
	m.ErrorFiles = maps.Clone(m.ErrorFiles)
	m.ACLs = nil // those of a defaults section are seen by its own rules only
}

// dropOtherSide clears what a defaults section set for the side that the proxy does not have.
func (x *Proxy) dropOtherSide() {
	if x.Side&model.Frontend == 0 {
		x.MaxConn, x.Backlog, x.MonitorURI = 0, 0, ""
		x.DefaultBackend, x.DefaultBackendAt = "", diag.Pos{}
		x.LogFormat, x.ErrorFormat = nil, nil
		x.Timeouts.Client, x.Timeouts.ClientFin = 0, 0
		x.TCPReqConn, x.TCPReqSess = nil, nil
		o := &x.Options
		o.HTTPLog, o.TCPLog, o.LogCLF, o.DontLogNull, o.DontLogNormal, o.LogASAP, o.LogSeparateErrors = false, false, false, false, false, false, false
		o.IgnoreProbes, o.ClitcpKA = false, false
	}
	if x.Side&model.Backend == 0 {
		x.Timeouts.Server, x.Timeouts.Queue, x.Timeouts.ServerFin, x.Timeouts.Check = 0, 0, 0, 0
		x.TCPRespContent, x.TCPRespInspect = nil, 0
		x.Options.SrvtcpKA = false
		x.FullConn = 0
	}
}

// closeSection ends the section being read.
func (p *Parser) closeSection() {
	if p.queue != nil {
		p.closeQueue()
	}
	p.proxy, p.errors, p.lane, p.queue = nil, nil, nil, nil
}
