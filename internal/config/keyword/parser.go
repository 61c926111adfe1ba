package keyword

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// Host is what the parser needs of the machine.
type Host interface {
	// ReadFile gives a file's content, or an error that names the file when it is not there or above max bytes.
	ReadFile(path string, max int64) ([]byte, error)
	// Exists says why a file cannot be read; nil when it can.
	Exists(path string) error
	// Present says why there is no file or folder of that path; nil when there is. It opens nothing: it may be a pipe.
	Present(path string) error
	// UserID and GroupID resolve names.
	UserID(name string) (int, error)
	GroupID(name string) (int, error)
}

// Parser gives lines their meaning, one after the other, and fills Config.
type Parser struct {
	Config *model.Config
	Diags  *diag.List
	Env    *syntax.Env
	Host   Host
	Dir    string // where relative paths start; "" is the working folder
	Lost   bool   // a section was not read for what was wrong with its first line: names may seem to be missing

	table    *table
	actions  []ActionDecl
	where    Sections // kind of the section being read; 0: none yet, or one that is passed over
	skipping bool     // lines of a section that was refused are passed over
	proxy    *Proxy
	errors   *model.HTTPErrors
	lane     *lane
	queue    *queue
	files    pathBase
	prefix   string // "unix-bind prefix"
	unixBind model.Bind
	binds    int  // listening addresses so far
	inRule   bool // words may end with a condition

	proxies       []*Proxy // in order, without defaults
	defaults      []*Proxy
	errorSections []namedAt           // http-errors sections that rules name
	seen          map[string]diag.Pos // singletons of the global section
	scope         expr.Scope          // of the line being read
}

// pathBase is what default-path says.
type pathBase struct {
	how  string // "current", "config", "parent", "origin"
	path string
	file string // the configuration file being read
}

// NewParser makes a parser with the defaults of §3 in its Config.
func NewParser(diags *diag.List, env *syntax.Env, host Host, dir string) *Parser {
	p := &Parser{Config: &model.Config{}, Diags: diags, Env: env, Host: host, Dir: dir,
		table: newTable(), actions: Actions(), seen: map[string]diag.Pos{}}
	p.unixBind = model.Bind{UID: -1, GID: -1}
	p.Config.Global = model.Global{
		LogTag: "eddy", UID: -1, GID: -1, BufSize: 16384, MaxRewrite: 1024, MaxHdr: 101, LogURILen: 1024,
		StatsTime: 10 * time.Second,
		Lua: model.Lua{BurstTimeout: time.Second, SessionTime: 4 * time.Second, ServiceTime: 4 * time.Second,
			ForcedYield: 10000, LogLoggers: true, LogStderr: "auto"},
	}
	return p
}

// StartFile begins another file: it must open a section before anything else.
func (p *Parser) StartFile(path string) {
	p.closeSection()
	p.where, p.skipping = 0, false
	p.files.file = path
	p.Config.Files = append(p.Config.Files, path)
}

// SectionName is what ${.SECTION} gives.
func (p *Parser) SectionName() string {
	switch {
	case p.where == 0:
		return ""
	case p.where == Global:
		return "global"
	case p.errors != nil:
		return p.errors.Name
	case p.lane != nil:
		return p.lane.Name
	case p.queue != nil:
		return p.queue.Name
	case p.proxy != nil && p.proxy.Name != "":
		return p.proxy.Name
	}
	return "defaults"
}

// Line reads one statement.
func (p *Parser) Line(ln syntax.Line) {
	if ln.Broken {
		p.brokenLine(ln)
		return
	}
	first := ln.Words[0]
	if p.openSection(ln) {
		return
	}
	if p.skipping {
		return
	}
	if p.where == 0 {
		p.Diags.Errorf(first.Pos, "begin with a section: "+strings.Join(openers, ", "), "%q stands outside of any section", first.Text)
		return
	}
	words, no := ln.Words, false
	if !first.Quoted && (first.Text == "no" || first.Text == "default") && len(words) > 1 {
		words, no = words[1:], true
	}
	d, n := p.table.find(words, p.where)
	switch {
	case d == nil:
		p.unknown(words)
		return
	case no && !d.No:
		p.Diags.Errorf(first.Pos, "", "%q cannot have %q before it", d.Name, first.Text)
		return
	case !p.allowedHere(d, words[0]):
		return
	}
	p.apply(d, words, n, no)
}

// brokenLine draws from a line that could not be read what keeps the lines after it from being reported for its sake:
// a section was meant to begin, or an ACL was meant to be there.
func (p *Parser) brokenLine(ln syntax.Line) {
	w := ln.Words[0]
	switch {
	case w.Quoted:
	case slices.Contains(openers, w.Text) || slices.Contains(absentSections, w.Text):
		p.closeSection()
		p.where, p.skipping, p.Lost = 0, true, true
	case w.Text == "acl" && len(ln.Words) > 1 && p.proxy != nil && !p.skipping:
		name := ln.Words[1].Text
		p.proxy.acls[name] = append(p.proxy.acls[name], &model.ACL{Pos: ln.Pos, Name: name})
	}
}

// apply reads the arguments of d and sets what it declares; n words are its name.
func (p *Parser) apply(d *Decl, words []syntax.Word, n int, no bool) {
	p.inRule = false
	p.scope = p.lineScope(d.Name)
	args := words[n:]
	if d.NoEffect != "" {
		if !d.Quiet {
			p.Diags.Warnf(words[0].Pos, "", "'%s' has no effect in eddy: %s", d.Name, d.NoEffect)
		}
		return
	}
	params := d.Params
	if no {
		for i := range params {
			if !params[i].Optional {
				params = params[:i]
				break
			}
		}
	}
	a, used, ok := p.readArgs(d.Name, words[0].Pos, params, args)
	if !ok {
		return
	}
	if used < len(args) && !no {
		hint := "write: " + strings.TrimSpace(d.Name+" "+Grammar(d.Params))
		p.Diags.Errorf(args[used].Pos, hint, "%s: unexpected %q", d.Name, args[used].Text)
		return
	}
	if d.HTTP && p.proxy != nil && !no {
		p.proxy.httpOnly = append(p.proxy.httpOnly, namedAt{d.Name, words[0].Pos})
	}
	a.No = no
	d.Set(p, a)
}

// allowedHere checks the section. As in HAProxy, a keyword for the other side of a proxy is passed over with a
// warning when that is harmless; a server or a bind elsewhere is an error.
func (p *Parser) allowedHere(d *Decl, w syntax.Word) bool {
	in := d.In
	if in&Defaults != 0 {
		in |= NamedDefaults
	}
	if in&p.where != 0 {
		return true
	}
	hint := "it belongs into: " + d.In.String()
	switch {
	case p.where&(Defaults|NamedDefaults) != 0 && in&NamedDefaults != 0:
		p.Diags.Errorf(w.Pos, "give the section a name and use it with \"from\"", "'%s' is not allowed in a defaults section without a name", d.Name)
	case p.where&proxies != 0 && in&proxies != 0 && d.Name != "server" && d.Name != "bind" && d.Name != "server-template":
		side := "frontend"
		if p.where == Frontend {
			side = "backend"
		}
		p.Diags.Warnf(w.Pos, hint, "'%s' is ignored: %s '%s' has no %s side", d.Name, p.where, p.proxy.Name, side)
	default:
		p.Diags.Errorf(w.Pos, hint, "'%s' is not allowed in %s section", d.Name, p.where.one())
	}
	return false
}

// path resolves a path as default-path says (§3.1); without one, against the working folder.
func (p *Parser) path(s string) string {
	if s == "" || filepath.IsAbs(s) {
		return s
	}
	base := ""
	switch p.files.how {
	case "config":
		base = filepath.Dir(p.files.file)
	case "parent":
		base = filepath.Join(filepath.Dir(p.files.file), "..")
	case "origin":
		base = p.files.path
	}
	if !filepath.IsAbs(base) && p.Dir != "" {
		base = filepath.Join(p.Dir, base)
	}
	return filepath.Join(base, s)
}

// patternFile resolves the name of a map or pattern file and checks that it can be read. A prefix stays (§2.7): what
// is opt@ need not be there, and what is virt@ is no file. Without default-path the name stays as it is written, for
// scripts know the file by it.
func (p *Parser) patternFile(name string) (string, error) {
	if strings.HasPrefix(name, "virt@") {
		return name, nil
	}
	prefix, file := "", name
	for _, known := range []string{"opt@", "file@"} {
		if rest, ok := strings.CutPrefix(name, known); ok {
			prefix, file = known, rest
		}
	}
	path := p.path(file)
	if prefix != "opt@" {
		if err := p.Host.Exists(path); err != nil {
			return "", err
		}
	}
	if p.files.how == "" && p.Dir == "" {
		return name, nil
	}
	return prefix + path, nil
}

// exprCtx is the surroundings of an expression on the line being read.
func (p *Parser) exprCtx() *expr.Ctx {
	c := &expr.Ctx{Diags: p.Diags, Scope: p.scope, Mode: model.ModeTCP, File: p.patternFile}
	if p.proxy != nil {
		c.Proxy, c.Mode = p.proxy.Name, p.proxy.Mode
		c.ACLs = p.proxy.aclsNamed
	}
	return c
}

// lineScope says where the expressions of a keyword are evaluated.
func (p *Parser) lineScope(name string) expr.Scope {
	content := expr.ReqContent
	if p.proxy != nil && p.proxy.Mode == model.ModeHTTP {
		content = expr.HTTPReq
	}
	switch name {
	case "log-format", "log-format-sd", "error-log-format":
		return expr.Log
	case "unique-id-format":
		return expr.UniqueID
	case "balance":
		return expr.Balance
	case "set-var", "set-var-fmt":
		return expr.Init
	case "redirect", "monitor fail", "http-error":
		return expr.HTTPReq
	}
	return content
}

// cond reads the condition that words hold, if any; false when something was wrong.
func (p *Parser) cond(what string, words []syntax.Word) (*model.Cond, bool) {
	if len(words) == 0 {
		return nil, true
	}
	if !isCondWord(words[0]) {
		p.Diags.Errorf(words[0].Pos, "a condition begins with if or unless", "%s: unexpected %q", what, words[0].Text)
		return nil, false
	}
	if len(words) == 1 {
		p.Diags.Errorf(words[0].Pos, "write the name of an acl, or { … }", "%s: no condition behind %q", what, words[0].Text)
		return nil, false
	}
	c := expr.ParseCond(p.exprCtx(), exprWords(words))
	return c, c != nil
}

// once warns about a second use of a keyword in the global section, or in the same observe or queue section.
func (p *Parser) once(a Args) {
	seen := p.seen
	switch {
	case p.lane != nil:
		seen = p.lane.seen
	case p.queue != nil:
		seen = p.queue.seen
	}
	switch first, again := seen[a.Name]; {
	case !again:
	case first.Line == 0: // from a command line
		p.Diags.Warnf(a.At, "", "'%s' was given twice; the last one wins", a.Name)
	default:
		p.Diags.Warnf(a.At, "", "'%s' was set in %s already; this line wins", a.Name, first.From(a.At))
	}
	seen[a.Name] = a.At
}

// unknown reports words that no declaration fits.
func (p *Parser) unknown(words []syntax.Word) {
	w, name := words[0], words[0].Text
	if group := p.table.group(name, p.where); len(group) > 0 && len(words) > 1 {
		w, name = words[1], name+" "+words[1].Text
		if p.absent(words) {
			return
		}
		hint := diag.DidYouMean(name, group)
		if hint == "" { // of three words, the second is wrong
			hint = diag.DidYouMean(name, firstTwo(group))
		}
		p.Diags.Errorf(w.Pos, hint, "unknown '%s' in %s section", name, p.where.one())
		return
	} else if len(group) > 0 {
		p.Diags.Errorf(w.Pos, "write one of "+some(group), "'%s' needs another word", name)
		return
	}
	if p.absent(words) {
		return
	}
	if hint, gone := removed()[name]; gone {
		p.Diags.Errorf(w.Pos, hint, "'%s' is gone from HAProxy's language", name)
		return
	}
	candidates := p.table.names(p.where)
	hint := diag.DidYouMean(name, candidates)
	if len(words) > 1 { // "optin httplog": the first word of two is wrong
		if two := diag.DidYouMean(joinWords(words[:2]), candidates); two != "" {
			hint = two
		}
	}
	if hint == "" || w.Pos.Col == 1 {
		if section := diag.DidYouMean(name, openers); section != "" {
			hint = section
			p.skipping = w.Pos.Col == 1 // what follows belongs to it, not here
			p.Lost = p.Lost || p.skipping
		}
	}
	p.Diags.Errorf(w.Pos, hint, "unknown keyword %q in %s section", name, p.where.one())
}

// firstTwo cuts names to two words.
func firstTwo(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		w := strings.Fields(n)
		out[i] = strings.Join(w[:min(2, len(w))], " ")
	}
	return out
}

// some lists names, of many the first few.
func some(names []string) string {
	const shown = 12
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// absent reports a keyword that HAProxy has and eddy has not.
func (p *Parser) absent(words []syntax.Word) bool {
	for n := min(3, len(words)); n > 0; n-- {
		name := joinWords(words[:n])
		if p.table.absent[name] {
			p.notYet(words[0].Pos, name)
			return true
		}
	}
	if base, _, found := strings.Cut(words[0].Text, "("); found && p.table.absent[base] {
		p.notYet(words[0].Pos, base)
		return true
	}
	return false
}

func joinWords(words []syntax.Word) string {
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = w.Text
	}
	return strings.Join(parts, " ")
}

// errorf adds an error; a short form for the setters.
func (p *Parser) errorf(pos diag.Pos, hint, format string, args ...any) {
	p.Diags.Errorf(pos, hint, "%s", fmt.Sprintf(format, args...))
}
