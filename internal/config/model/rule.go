package model

import "eddy/internal/config/diag"

// Expr is a sample expression: a fetch and the converters behind it (configuration.txt §7.3).
type Expr struct {
	Pos   diag.Pos
	Fetch Call
	Convs []Call
	Text  string // as written
}

// Call is the use of a fetch or a converter.
type Call struct {
	Pos  diag.Pos
	Name string // "req.hdr"; Lua's are "lua.NAME"
	Args []Arg
}

// Arg is one argument, unquoted. What it means (integer, mask, regex, variable…) is the fetch's or converter's
// declaration's to say; the checker has already held it against that.
type Arg struct {
	Pos  diag.Pos
	Text string
	ACLs []*ACL // of the acl() fetch: the declarations that Text names
}

// ACL is a test: an expression, how to match, and the patterns (configuration.txt §7.1).
type ACL struct {
	Pos      diag.Pos
	Name     string // "" for an anonymous one
	Expr     Expr
	Match    string // found bool int ip bin len str beg sub reg dir dom end; "" means: by the expression's type
	NoCase   bool   // -i
	NoDNS    bool   // -n
	UniqueID string // -u
	Patterns []Arg  // in order
	Files    []Arg  // -f FILE, read by the builder
	// CaseFiles: the first so many of Files were given before -i and are matched by case.
	CaseFiles int
	MapIDs    bool     // -M: -f files are map files (two columns)
	Opt       []string // other flags, as written
}

// Cond is "if/unless": true when any of Or's conjunctions holds, turned round by Unless. A nil *Cond holds always.
type Cond struct {
	Pos    diag.Pos
	Unless bool
	Or     [][]Term
}

// Term is one ACL in a conjunction. Terms that name the same declared ACL several times test each of its lines: ACLs
// holds every declaration of that name, and one that matches is enough.
type Term struct {
	Pos  diag.Pos
	Not  bool
	ACLs []*ACL
}

// Format is a log-format string (configuration.txt §8.2.6): pieces put one behind the other.
type Format struct {
	Pos   diag.Pos
	Text  string // as written
	Items []FormatItem
	Log   bool // for log lines: unsafe bytes are written as #XX (configuration.txt §8.6), not as %XX
}

// Static reports the text when the format has no variable part.
func (f *Format) Static() (string, bool) {
	if f == nil {
		return "", true
	}
	if len(f.Items) == 0 {
		return "", true
	}
	if len(f.Items) == 1 && f.Items[0].Alias == "" && f.Items[0].Expr == nil {
		return f.Items[0].Text, true
	}
	return "", false
}

// FormatItem is literal Text, an Alias (%ci is "ci") or an expression (%[...]).
type FormatItem struct {
	Pos   diag.Pos
	Text  string
	Alias string
	Arg   string // {arg} of an alias, other than flags
	Expr  *Expr
	Quote bool // flag Q
	Hex   bool // flag X
	Esc   bool // flag E
}

// Rule is one line of a rule list.
type Rule struct {
	Pos    diag.Pos
	Action Action
	Cond   *Cond
}

// Action is what a rule does. Its shape is declared in package keyword: Args holds the positional arguments in
// declared order, Opts the named ones.
//
//	set-header x-a %[src]      Name "set-header", Args[0].Text "x-a", Args[1].Fmt
//	redirect location /ok      Name "redirect",   Opts["location"].Fmt
//	lua.send a b               Name "lua",        Sub "send", Args[i].Text
//	use-service lua.hello      Name "use-service", Sub "hello"; Sub is "" for a service of eddy's own: OwnService
//	set-var(txn.a,ifnotset) e  Name "set-var",    Sub "txn.a", SubArgs ["ifnotset"], Args[0].Expr
type Action struct {
	Pos     diag.Pos
	Name    string
	Sub     string
	SubArgs []string
	Args    []Param
	Opts    map[string]Param
	Headers []HeaderFmt // "hdr NAME FMT" of return/deny/http-error, in order
}

// MetricsService is the service of eddy's own that answers with its figures for Prometheus.
const MetricsService = "prometheus-exporter"

// OwnService gives the name of a service of eddy's own, one of the constants above; false when a script's is meant.
func (a *Action) OwnService() (string, bool) {
	if a.Name != "use-service" || a.Sub != "" || len(a.Args) == 0 {
		return "", false
	}
	return a.Args[0].Text, true
}

// Opt returns the named option and whether it was given.
func (a *Action) Opt(name string) (Param, bool) {
	p, ok := a.Opts[name]
	return p, ok
}

// Param is one argument of an action; which field is filled is the declaration's to say.
type Param struct {
	Pos  diag.Pos
	Text string
	Int  int64   // integers; durations in nanoseconds
	Fmt  *Format // log-format arguments
	Expr *Expr   // sample expressions
	Raw  []byte  // content of a file argument
}

// HeaderFmt is a header that a built answer carries.
type HeaderFmt struct {
	Pos  diag.Pos
	Name string
	Fmt  *Format
}

// SetVar is a global set-var or set-var-fmt.
type SetVar struct {
	Pos  diag.Pos
	Name string
	Expr *Expr
	Fmt  *Format
}
