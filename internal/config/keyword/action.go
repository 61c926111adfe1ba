package keyword

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// RuleSets is a set of rule lists.
type RuleSets uint8

// The rule lists, in the order in which a stream meets them (§4.3).
const (
	TCPConn    RuleSets = 1 << iota // tcp-request connection
	TCPSess                         // tcp-request session
	TCPContent                      // tcp-request content
	HTTPReq                         // http-request
	TCPRes                          // tcp-response content
	HTTPRes                         // http-response
	HTTPAfter                       // http-after-response

	tcpReq  = TCPConn | TCPSess | TCPContent
	tcpAny  = tcpReq | TCPRes
	httpAny = HTTPReq | HTTPRes | HTTPAfter
)

// ruleSetNames are the words that open a rule of each list, in the order of the bits.
var ruleSetNames = []string{"tcp-request connection", "tcp-request session", "tcp-request content", "http-request",
	"tcp-response content", "http-response", "http-after-response"}

// String lists the rule sets: "http-request, http-response".
func (r RuleSets) String() string {
	var names []string
	for i, n := range ruleSetNames {
		if r&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

// ActionDecl declares one action: how it is written, where it may stand, and the shape it gets in model.Action.
// Positional arguments become Args, named ones Opts, what is in parentheses Sub and SubArgs.
type ActionDecl struct {
	Name   string
	Paren  string // grammar of what must stand in parentheses; "" when there are none
	In     RuleSets
	Params []Param
	Opts   []Option[model.Action]
	Needs  []string // options of which exactly one must be given
	Final  bool     // no rule of the list comes after it
	// NoEffect is as in Decl.
	NoEffect string
	Doc      string
	Check    func(p *Parser, set RuleSets, act *model.Action) bool
}

// option declares an option that only puts its argument into Opts under the name.
func option(name, doc string, params ...Param) Option[model.Action] {
	return optionAs(name, name, doc, params...)
}

// optionAs is option with another name in Opts.
func optionAs(name, as, doc string, params ...Param) Option[model.Action] {
	return Option[model.Action]{Name: name, Params: params, Doc: doc, Set: func(p *Parser, act *model.Action, a Args) {
		if _, twice := act.Opts[as]; twice {
			p.errorf(a.At, "", "%s: %q is given twice", act.Name, name)
		}
		v := model.Param{Pos: a.At, Int: 1}
		if len(a.P) > 0 {
			v = a.P[0]
		}
		act.Opts[as] = v
	}}
}

// readAction reads an action from words; used is how many it took. It reports what is wrong and gives nil.
func (p *Parser) readAction(set RuleSets, words []syntax.Word) (act *model.Action, d *ActionDecl, used int) {
	w := words[0]
	what := set.String() + " " + w.Text
	if name, ok := strings.CutPrefix(w.Text, "lua."); ok {
		return p.luaAction(name, words)
	}
	name, paren, hasParen := strings.Cut(w.Text, "(")
	d = findAction(p.actions, name)
	if d == nil || d.In&set == 0 {
		p.unknownAction(set, d, w, name)
		return nil, nil, 0
	}
	act = &model.Action{Pos: w.Pos, Name: name, Opts: map[string]model.Param{}}
	if !p.readParen(d, act, w, paren, hasParen) {
		return nil, d, 0
	}
	a, used, ok := p.readArgs(what, w.Pos, d.Params, words[1:])
	if !ok {
		return nil, d, 0
	}
	act.Args = a.P
	used++
	if len(d.Opts) > 0 {
		n, ok := readOptions(p, what, d.Opts, nil, act, words[used:])
		if !ok {
			return nil, d, 0
		}
		used += n
	}
	if !p.needs(what, d, act) || d.Check != nil && !d.Check(p, set, act) {
		return nil, d, 0
	}
	if d.NoEffect != "" {
		p.Diags.Warnf(w.Pos, "", "'%s' has no effect in eddy: %s", what, d.NoEffect)
	}
	return act, d, used
}

// luaAction reads "lua.NAME arg …"; the engine checks name and arguments once the scripts have run.
func (p *Parser) luaAction(name string, words []syntax.Word) (*model.Action, *ActionDecl, int) {
	act := &model.Action{Pos: words[0].Pos, Name: "lua", Sub: name, Opts: map[string]model.Param{}}
	if name == "" {
		p.errorf(words[0].Pos, "write the name that the script registered, like lua.check", "nothing stands behind \"lua.\"")
		return nil, nil, 0
	}
	used := 1
	for used < len(words) && !isCondWord(words[used]) {
		act.Args = append(act.Args, model.Param{Pos: words[used].Pos, Text: words[used].Text})
		used++
	}
	return act, &ActionDecl{Name: "lua"}, used
}

// readParen fills Sub and SubArgs.
func (p *Parser) readParen(d *ActionDecl, act *model.Action, w syntax.Word, paren string, has bool) bool {
	inner, closed := strings.CutSuffix(paren, ")")
	switch {
	case has && d.Paren == "":
		p.errorf(w.Pos, "write "+d.Name, "%s: there is nothing to put in parentheses", d.Name)
		return false
	case d.Paren == "":
		return true
	case !has || !closed || inner == "":
		p.errorf(w.Pos, "write "+d.Name+"("+d.Paren+")", "%s: a (%s) must follow the name at once", d.Name, d.Paren)
		return false
	}
	parts := strings.Split(inner, ",")
	act.Sub, act.SubArgs = parts[0], parts[1:]
	if strings.HasPrefix(d.Paren, "variable") {
		at := w.Pos
		at.Col += len(d.Name) + 1
		return expr.CheckVar(p.Diags, at, act.Sub) && p.checkVarConds(w, act)
	}
	return true
}

// varConds are the conditions of set-var (§4.4 set-var).
var varConds = []string{"ifexists", "ifnotexists", "ifempty", "ifnotempty", "ifset", "ifnotset", "ifgt", "iflt"}

func (p *Parser) checkVarConds(w syntax.Word, act *model.Action) bool {
	for _, c := range act.SubArgs {
		if !contains(varConds, c) || act.Name == "unset-var" {
			p.errorf(w.Pos, diag.DidYouMean(c, varConds), "%s: unknown condition %q behind the variable", act.Name, c)
			return false
		}
	}
	return true
}

// needs checks that exactly one of d.Needs was given.
func (p *Parser) needs(what string, d *ActionDecl, act *model.Action) bool {
	n := 0
	for _, name := range d.Needs {
		if _, ok := act.Opts[name]; ok {
			n++
		}
	}
	switch {
	case len(d.Needs) == 0 || n == 1:
		return true
	case n == 0 && len(d.Needs) == 1:
		p.errorf(act.Pos, "add: "+strings.TrimSpace(d.Needs[0]+" "+Grammar(findOption(d.Opts, d.Needs[0]).Params)), "%s: %q is missing", what, d.Needs[0])
	case n == 0:
		p.errorf(act.Pos, "write one of "+strings.Join(d.Needs, ", "), "%s: it is not said what with", what)
	default:
		p.errorf(act.Pos, "keep one of "+strings.Join(d.Needs, ", "), "%s: several of them cannot stand together", what)
	}
	return false
}

func findAction(all []ActionDecl, name string) *ActionDecl {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

// unknownAction reports an action that is not there, or not in this list.
func (p *Parser) unknownAction(set RuleSets, d *ActionDecl, w syntax.Word, name string) {
	if d != nil {
		p.errorf(w.Pos, "it is for: "+d.In.String(), "%s: '%s' cannot stand in these rules", set, name)
		return
	}
	if contains(absentActions(), name) {
		p.notYet(w.Pos, set.String()+" "+name)
		return
	}
	var names []string
	for i := range p.actions {
		if p.actions[i].In&set != 0 {
			names = append(names, p.actions[i].Name)
		}
	}
	hint := diag.DidYouMean(name, names)
	if hint == "" {
		hint = "an action of a script is written lua." + name
	}
	p.errorf(w.Pos, hint, "%s: unknown action %q", set, w.Text)
}
