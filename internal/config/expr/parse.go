package expr

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// ParseExpr reads a sample expression, "src,ipmask(24)", from the first words and says how many it used: converters
// may stand in words of their own. It gives nil when the expression is wrong, which was then reported.
func ParseExpr(c *Ctx, words []Word) (e *model.Expr, used int) {
	if len(words) == 0 || words[0].Text == "" {
		var pos diag.Pos
		if len(words) > 0 {
			pos = words[0].Pos
		}
		c.Diags.Errorf(pos, "for instance: src", "a sample expression is missing")
		return nil, min(1, len(words))
	}
	s := scanner{c: c, word: words[0]}
	p := exprParser{c: c}
	ok := p.fetch(&s) && p.converters(&s)
	used = 1
	for ok {
		comma := p.comma
		if s.more() {
			s.errorf(s.here(), "", "unexpected %q after the expression", s.text()[s.i:])
			return nil, used
		}
		if used == len(words) || !comma && !startsConverter(words[used].Text) {
			break
		}
		s = scanner{c: c, word: words[used]}
		used++
		p.text.WriteByte(',')
		ok = p.converter(&s) && p.converters(&s)
	}
	if !ok {
		return nil, used
	}
	if p.comma {
		c.Diags.Errorf(s.here(), "take the comma away or write a converter behind it", "the expression ends with a comma")
		return nil, used
	}
	return p.done(), used
}

// startsConverter says whether a word of its own continues an expression.
func startsConverter(w string) bool {
	n := 0
	for n < len(w) && isNameByte(w[n]) {
		n++
	}
	if n < len(w) && w[n] != '(' && w[n] != ',' {
		return false
	}
	return findConverter(w[:n]) != nil
}

// exprParser builds one expression.
type exprParser struct {
	c     *Ctx
	e     model.Expr
	out   Type // so far
	text  strings.Builder
	comma bool // the text read last ended with a comma
}

func (p *exprParser) done() *model.Expr {
	p.e.Text = p.text.String()
	return &p.e
}

func (p *exprParser) fetch(s *scanner) bool {
	start := s.i
	call, ok := s.call()
	if !ok {
		return false
	}
	spec, ok := p.c.lookFetch(&call)
	if !ok {
		return false
	}
	p.e.Pos, p.e.Fetch = call.Pos, call
	p.text.WriteString(s.text()[start:s.i])
	if spec == nil { // a script's
		p.out = Any
		return true
	}
	p.out = spec.Out
	return p.c.checkArgs(&p.e.Fetch, spec.Args, spec.Repeat) && p.c.checkScope(&p.e.Fetch, spec)
}

// converters reads ",conv" as often as it stands there. A comma at the very end is left for the next word.
func (p *exprParser) converters(s *scanner) bool {
	p.comma = false
	for s.next(',') {
		s.i++
		if !s.more() {
			p.comma = true
			return true
		}
		p.text.WriteByte(',')
		if !p.converter(s) {
			return false
		}
	}
	return true
}

func (p *exprParser) converter(s *scanner) bool {
	p.comma = false
	start := s.i
	call, ok := s.call()
	if !ok {
		return false
	}
	p.text.WriteString(s.text()[start:s.i])
	if strings.HasPrefix(call.Name, "lua.") {
		p.e.Convs = append(p.e.Convs, call)
		p.out = Any
		return true
	}
	spec := findConverter(call.Name)
	if spec == nil {
		p.c.unknown(call, "converter", missingConverters(), converterNames, s)
		return false
	}
	if !p.out.CastsTo(spec.In) {
		p.c.Diags.Errorf(call.Pos, "", "%q takes %s and gets %s", call.Name, article(spec.In), article(p.out))
		return false
	}
	if !p.c.checkArgs(&call, spec.Args, spec.Repeat) {
		return false
	}
	if spec.Out != Any || spec.In != Any {
		p.out = spec.Out
	}
	p.e.Convs = append(p.e.Convs, call)
	return true
}

func article(t Type) string {
	switch t {
	case Int, Addr:
		return "an " + t.String()
	case Any:
		return "anything"
	}
	return "a " + t.String()
}

// lookFetch finds the declaration; nil without an error is a script's fetch. An alias is put right in the call.
func (c *Ctx) lookFetch(call *model.Call) (*FetchSpec, bool) {
	if strings.HasPrefix(call.Name, "lua.") {
		return nil, true
	}
	spec := findFetch(call.Name)
	if spec == nil {
		names := fetchNames
		if c.acl {
			names = func() []string { return append(ACLNames(), fetchNames()...) }
		}
		c.unknown(*call, "fetch", missingFetches(), names, nil)
		return nil, false
	}
	call.Name = spec.Name
	return spec, true
}

// unknown reports a name that is no fetch or converter.
func (c *Ctx) unknown(call model.Call, what string, missing map[string]bool, names func() []string, s *scanner) {
	switch {
	case call.Name == "" && s != nil && s.next(' '):
		c.Diags.Errorf(call.Pos, "no blanks around commas: src,ipmask(24)", "a blank where a %s should be", what)
	case call.Name == "":
		c.Diags.Errorf(call.Pos, "", "the name of a %s is missing", what)
	case missing[call.Name]:
		c.Diags.Errorf(call.Pos, "", "HAProxy has the %s %q, eddy does not have it yet", what, call.Name)
	case what == "fetch" && aclKeyword(call.Name) != nil:
		k := aclKeyword(call.Name)
		c.Diags.Errorf(call.Pos, "write "+k.fetch+" here", "%q is for ACLs and conditions only", call.Name)
	case what == "fetch" && findConverter(call.Name) != nil:
		c.Diags.Errorf(call.Pos, "put a fetch in front: str(x),"+call.Name, "%q is a converter, not a fetch", call.Name)
	case what == "converter" && findFetch(call.Name) != nil:
		c.Diags.Errorf(call.Pos, "", "%q is a fetch, not a converter", call.Name)
	default:
		c.Diags.Errorf(call.Pos, diag.DidYouMean(call.Name, names()), "unknown %s %q", what, call.Name)
	}
}

func fetchNames() []string {
	names := make([]string, 0, len(fetchIndex()))
	for _, f := range Fetches() {
		names = append(names, f.Name)
		names = append(names, f.Aliases...)
	}
	return names
}

func converterNames() []string {
	var names []string
	for _, f := range Converters() {
		names = append(names, f.Name)
	}
	return names
}

// checkScope reports a fetch that has no value where it is used. ACLs are parsed with no scope: it counts where they
// are used.
func (c *Ctx) checkScope(call *model.Call, spec *FetchSpec) bool {
	if c.Scope == 0 || spec.Class.Scope()&c.Scope != 0 {
		return c.checkMode(call, spec)
	}
	if spec.Class.Late()&c.Scope != 0 {
		c.Diags.Warnf(call.Pos, "keep it with set-var(txn.x) while the request is there, and use var(txn.x)",
			"HAProxy refuses %q in %s", call.Name, c.Scope.place())
		return true
	}
	c.Diags.Errorf(call.Pos, "", "%q has no value in %s: it looks at %s", call.Name, c.Scope.place(), spec.Class.needs())
	return false
}

func (c *Ctx) checkMode(call *model.Call, spec *FetchSpec) bool {
	if c.Mode == model.ModeHTTP && (spec.Class == ReqBytes || spec.Class == ResBytes || spec.Class == EitherBytes) &&
		c.Scope != 0 && spec.Name != "req.proto_http" {
		c.Diags.Warnf(call.Pos, "use req.body, or mode tcp", "%q looks at raw bytes and has no value in mode http", call.Name)
	}
	return true
}

// CheckFetch holds a call that no configuration line made (a script's) against the declarations and reports what is
// wrong with it.
func CheckFetch(d *diag.List, call *model.Call) bool {
	c := &Ctx{Diags: d}
	spec, ok := c.lookFetch(call)
	return ok && (spec == nil || c.checkArgs(call, spec.Args, spec.Repeat))
}

// CheckConverter is CheckFetch for converters.
func CheckConverter(d *diag.List, call *model.Call) bool {
	c := &Ctx{Diags: d}
	if strings.HasPrefix(call.Name, "lua.") {
		return true
	}
	spec := findConverter(call.Name)
	if spec == nil {
		c.unknown(*call, "converter", missingConverters(), converterNames, nil)
		return false
	}
	return c.checkArgs(call, spec.Args, spec.Repeat)
}
