package keyword

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// Finish ends the last section and brings what only the whole configuration can tell into the model: redirect lines
// behind the http-request rules, imported error files, what the environment became. It also checks what it needs the
// sections' text for.
func (p *Parser) Finish() {
	p.closeSection()
	g := &p.Config.Global
	g.Env, g.EnvUnset, g.EnvReset, g.EnvKeep = p.Env.Changes()
	logFormat := "local"
	if g.LogSendHost != "" {
		logFormat = "rfc3164"
	}
	defaultFormat(g.Logs, logFormat)
	if g.MaxRewrite > g.BufSize/2 {
		g.MaxRewrite = g.BufSize / 2
	}
	for _, x := range p.proxies {
		defaultFormat(x.Logs, logFormat)
		p.resolveErrorFiles(x)
		x.HTTPRequest = append(x.HTTPRequest, x.redirects...)
		p.warnHTTPOnly(x)
		p.warnChecks(x)
	}
	p.warnMixedDefaults()
	p.checkErrorSections()
}

func defaultFormat(logs []model.Log, format string) {
	for i := range logs {
		if logs[i].Format == "" {
			logs[i].Format = format
		}
	}
}

// warnHTTPOnly warns about lines of a mode tcp proxy that need mode http; one warning for each keyword.
func (p *Parser) warnHTTPOnly(x *Proxy) {
	if x.Mode == model.ModeHTTP {
		return
	}
	said := map[string]bool{}
	for _, use := range x.httpOnly {
		if said[use.name] {
			continue
		}
		said[use.name] = true
		hint := "add \"mode http\" to the " + x.kind.String() + " section"
		switch {
		case use.name == "option httplog":
			p.Diags.Warnf(use.pos, hint, "'option httplog' needs mode http; %s '%s' logs as with option tcplog", x.kind, x.Name)
		case strings.HasPrefix(use.name, "balance "):
			p.Diags.Warnf(use.pos, hint, "'%s' needs mode http; %s '%s' balances by roundrobin", use.name, x.kind, x.Name)
		default:
			p.Diags.Warnf(use.pos, hint, "'%s' is ignored: %s '%s' is in mode tcp", use.name, x.kind, x.Name)
		}
	}
	// The same may have come from a defaults section, where nobody needs a warning.
	if x.Options.HTTPLog {
		x.Options.HTTPLog, x.Options.TCPLog = false, true
	}
	for _, al := range algorithms() {
		if al.http && al.name == x.Balance.Algo {
			x.Balance = model.Balance{Algo: "roundrobin", RandomDraws: 2}
		}
	}
}

// warnChecks says once for each proxy that health is not checked.
func (p *Parser) warnChecks(x *Proxy) {
	wanted := false
	for _, s := range x.Servers {
		wanted = wanted || s.Check
	}
	if wanted || x.checks != (diag.Pos{}) && len(x.Servers) > 0 {
		p.Diags.Warnf(x.checks, "a server that cannot be reached costs a retry; keep option redispatch on",
			"eddy does not check the health of servers yet: those of '%s' count as up", x.Name)
	}
}

// warnMixedDefaults warns about a defaults section that some proxies name and others get because it is the last (§4).
func (p *Parser) warnMixedDefaults() {
	named, silent := map[*Proxy]*Proxy{}, map[*Proxy]*Proxy{}
	for _, x := range p.proxies {
		into := silent
		if x.explicit {
			into = named
		}
		if x.from != nil && into[x.from] == nil {
			into[x.from] = x
		}
	}
	for _, d := range p.defaults {
		if a, b := named[d], silent[d]; a != nil && b != nil {
			p.Diags.Warnf(b.Pos, "write \"from "+d.Name+"\" here too",
				"'%s' takes the defaults '%s' because they come last, while '%s' names them", b.Name, d.Name, a.Name)
		}
	}
}

// checkErrorSections checks the http-errors sections that rules name.
func (p *Parser) checkErrorSections() {
	var names []string
	for _, s := range p.Config.HTTPErrors {
		names = append(names, s.Name)
	}
	for _, use := range p.errorSections {
		if !contains(names, use.name) {
			p.Diags.Errorf(use.pos, diag.DidYouMean(use.name, names), "errorfiles: there is no http-errors section '%s'", use.name)
		}
	}
}
