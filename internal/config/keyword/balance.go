package keyword

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// algorithm is one way to choose a server (§4.2 balance).
type algorithm struct {
	name string
	// arg: what may stand in parentheses; "" nothing, "!" before it when it must be there.
	arg  string
	http bool
	doc  string
	opts []Option[model.Balance]
}

func algorithms() []algorithm {
	type B = model.Balance
	return []algorithm{
		{name: "roundrobin", doc: "One after the other, by weight."},
		{name: "static-rr", doc: "The same with weights that do not change while running."},
		{name: "leastconn", doc: "The server with the fewest connections."},
		{name: "first", doc: "The first server, by id, that has room."},
		{name: "random", arg: "draws", doc: "The less loaded of some servers drawn by lot, 2 when not given."},
		{name: "source", doc: "By a hash of the client's address."},
		{name: "uri", http: true, doc: "By a hash of the URI up to the question mark.", opts: []Option[B]{
			{Name: "len", Params: one(between("bytes", 1, 1<<20)), Set: func(p *Parser, b *B, a Args) { b.URILen = int(a.Int(0)) }},
			{Name: "depth", Params: one(between("slashes", 1, 1<<20)), Set: func(p *Parser, b *B, a Args) { b.URIDepth = int(a.Int(0)) }},
			{Name: "whole", Set: func(p *Parser, b *B, a Args) { b.URIWhole = true }},
			{Name: "path-only", Set: func(p *Parser, b *B, a Args) { b.URIPathOnly = true }},
		}},
		{name: "url_param", http: true, doc: "By a hash of a parameter in the query.", opts: []Option[B]{
			{Name: "check_post", Params: one(optional(number("bytes"))), Set: func(p *Parser, b *B, a Args) { b.URLParamCheckPost = int(max(a.Int(0), 1)) }},
		}},
		{name: "hdr", arg: "!header", http: true, doc: "By a hash of a request header.", opts: []Option[B]{
			{Name: "use_domain_only", Set: func(p *Parser, b *B, a Args) { b.HdrUseDomainOnly = true }},
		}},
		{name: "hash", doc: "By a hash of a sample expression."},
	}
}

func balanceDocs() []OptionDoc {
	var out []OptionDoc
	for _, al := range algorithms() {
		grammar := ""
		switch {
		case al.name == "hash":
			grammar = "<expression>"
		case al.name == "url_param":
			grammar = "<name>"
		case strings.HasPrefix(al.arg, "!"):
			grammar = "(<" + al.arg[1:] + ">)"
		case al.arg != "":
			grammar = "[(<" + al.arg + ">)]"
		}
		for _, o := range al.opts {
			grammar += " [" + strings.TrimSpace(o.Name+" "+Grammar(o.Params)) + "]"
		}
		out = append(out, OptionDoc{Name: al.name, Grammar: strings.TrimSpace(grammar), Doc: al.doc})
	}
	return out
}

// setBalance reads "balance ALGORITHM[(ARG)] …".
func setBalance(p *Parser, a Args) {
	w := wordOf(a.P[0])
	name, arg, hasArg := strings.Cut(w.Text, "(")
	var al *algorithm
	var names []string
	all := algorithms()
	for i := range all {
		names = append(names, all[i].name)
		if all[i].name == name {
			al = &all[i]
		}
	}
	switch {
	case al == nil && contains(absentBalance(), name):
		p.notYet(w.Pos, "balance "+name)
		return
	case al == nil:
		hint := diag.DidYouMean(name, names)
		if hint == "" {
			hint = "write one of " + strings.Join(names, ", ")
		}
		p.Diags.Errorf(w.Pos, hint, "balance: unknown algorithm %q", name)
		return
	case hasArg && (al.arg == "" || !strings.HasSuffix(arg, ")")) || !hasArg && strings.HasPrefix(al.arg, "!"):
		hint := "write balance " + name
		if al.arg != "" {
			hint += "(" + strings.TrimPrefix(al.arg, "!") + ")"
		}
		p.Diags.Errorf(w.Pos, hint, "balance: bad argument of %s", name)
		return
	}
	b := model.Balance{Algo: name, RandomDraws: 2}
	words := a.Rest
	switch name {
	case "random":
		if hasArg {
			v, _, ok := p.readParam("balance random", &Param{Name: "draws", Kind: Int, Min: 1, Max: 1000},
				[]syntax.Word{{Text: strings.TrimSuffix(arg, ")"), Pos: w.Pos}})
			if !ok {
				return
			}
			b.RandomDraws = int(v.Int)
		}
	case "hdr":
		b.Arg = strings.TrimSuffix(arg, ")")
		if !isHeaderName(b.Arg) {
			p.Diags.Errorf(w.Pos, "write balance hdr(host), say", "balance: %q is not a header name", b.Arg)
			return
		}
	case "url_param":
		if len(words) == 0 {
			p.Diags.Errorf(w.Pos, "write: balance url_param NAME", "balance: the parameter's name is missing")
			return
		}
		b.Arg, words = words[0].Text, words[1:]
	case "hash":
		if len(words) == 0 {
			p.Diags.Errorf(w.Pos, "write: balance hash EXPRESSION", "balance: the expression is missing")
			return
		}
		e, used := expr.ParseExpr(p.exprCtx(), exprWords(words))
		if e == nil {
			return
		}
		b.Expr, words = e, words[used:]
	}
	if _, ok := readOptions(p, "balance "+name, al.opts, nil, &b, words); !ok {
		return
	}
	p.proxy.Balance = b
	if al.http {
		p.proxy.httpOnly = append(p.proxy.httpOnly, namedAt{"balance " + name, a.At})
	}
}
