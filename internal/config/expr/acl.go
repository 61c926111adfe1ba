package expr

import (
	"slices"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// matchNames are the arguments of -m (configuration.txt §7.1).
func matchNames() []string {
	return []string{"found", "bool", "int", "ip", "bin", "len", "str", "beg", "sub", "reg", "dir", "dom", "end"}
}

// ParseACL reads what follows an ACL's name: criterion, flags, operators, patterns. The result's Match is always
// filled; operators are turned into ranges ("gt 5" becomes the pattern "6:"). It gives nil when the ACL is wrong,
// which was then reported.
func ParseACL(c *Ctx, name string, words []Word) *model.ACL {
	if len(words) == 0 {
		c.Diags.Errorf(diag.Pos{}, "for instance: path_beg /static", "the ACL %q has no criterion", name)
		return nil
	}
	for i := 0; i < len(name); i++ {
		if b := name[i]; (!isNameByte(b) || b == '+') && b != ':' {
			c.Diags.Errorf(words[0].Pos, "use letters, digits, '-', '_', '.' and ':'", "the character %q is not allowed in the name of ACL %q", b, name)
			return nil
		}
	}
	a := aclParser{c: &Ctx{Diags: c.Diags, ACLs: c.ACLs, Proxy: c.Proxy, Mode: c.Mode, File: c.File, acl: true}}
	a.acl.Pos, a.acl.Name = words[0].Pos, name
	if !a.criterion(words[0]) || !a.flags(words[1:]) || !a.settle() {
		return nil
	}
	if !a.patterns() {
		return nil
	}
	return &a.acl
}

type aclParser struct {
	c       *Ctx // without a scope: that counts where the ACL is used
	acl     model.ACL
	out     Type   // of the expression
	implied string // match of an ACL-only criterion
	given   bool   // -m
	marked  bool   // --
	rest    []Word
}

func (a *aclParser) criterion(w Word) bool {
	s := scanner{c: a.c, word: w}
	p := exprParser{c: a.c}
	n := 0
	for n < len(w.Text) && isNameByte(w.Text[n]) {
		n++
	}
	if k := aclKeyword(w.Text[:n]); k != nil {
		call, ok := s.call()
		if !ok {
			return false
		}
		call.Name = k.fetch
		spec := findFetch(k.fetch)
		p.e.Pos, p.e.Fetch, p.out = call.Pos, call, spec.Out
		if !a.c.checkArgs(&p.e.Fetch, spec.Args, spec.Repeat) {
			return false
		}
		p.text.WriteString(w.Text[:s.i])
		a.implied = k.match
	} else if !p.fetch(&s) {
		return false
	}
	if !p.converters(&s) {
		return false
	}
	if s.more() || p.comma {
		s.errorf(s.here(), "", "unexpected %q after the criterion", w.Text[max(0, s.i-1):])
		return false
	}
	if len(p.e.Convs) > 0 {
		a.implied = ""
	}
	a.acl.Expr, a.out = *p.done(), p.out
	return true
}

func (a *aclParser) flags(words []Word) bool {
	for len(words) > 0 && strings.HasPrefix(words[0].Text, "-") {
		flag := words[0]
		words = words[1:]
		value := func() (Word, bool) {
			if len(words) == 0 {
				a.c.Diags.Errorf(flag.Pos, "", "the flag %s needs a value", flag.Text)
				return Word{}, false
			}
			v := words[0]
			words = words[1:]
			return v, true
		}
		switch flag.Text {
		case "-i":
			a.acl.NoCase = true
		case "-n":
			a.acl.NoDNS = true
		case "-M":
			a.acl.MapIDs = true
		case "-f":
			v, ok := value()
			if !ok {
				return false
			}
			f := model.Arg{Pos: v.Pos, Text: v.Text}
			if !a.c.file(&f) {
				return false
			}
			if !a.acl.NoCase {
				a.acl.CaseFiles++
			}
			a.acl.Files = append(a.acl.Files, f)
		case "-u":
			v, ok := value()
			if !ok {
				return false
			}
			a.acl.UniqueID = v.Text
		case "-m":
			v, ok := value()
			if !ok {
				return false
			}
			if !slices.Contains(matchNames(), v.Text) {
				a.c.Diags.Errorf(v.Pos, diag.DidYouMean(v.Text, matchNames()), "unknown matching method %q", v.Text)
				return false
			}
			a.acl.Match, a.given = v.Text, true
		case "--":
			a.rest, a.marked = words, true
			return true
		default:
			a.c.Diags.Errorf(flag.Pos, "put -- in front of patterns that begin with '-'", "%q is no flag of ACLs", flag.Text)
			return false
		}
	}
	a.rest = words
	return true
}

// fromScript tells whether an expression's value is made by a script.
func fromScript(x *model.Expr) bool {
	last := x.Fetch.Name
	if n := len(x.Convs); n > 0 {
		last = x.Convs[n-1].Name
	}
	return strings.HasPrefix(last, "lua.")
}

// settle finds the way to match and holds it against the expression's type.
func (a *aclParser) settle() bool {
	if !a.given {
		a.acl.Match = a.implied
		if a.acl.Match == "" {
			a.acl.Match = defaultMatch(a.out)
		}
		if a.acl.Match == "" && fromScript(&a.acl.Expr) {
			a.acl.Match = "str" // what HAProxy declares scripts' fetches and converters to give
		}
		if a.acl.Match == "" {
			a.c.Diags.Errorf(a.acl.Pos, "for instance: "+a.acl.Expr.Text+" -m str ...",
				"%q can be of any type: say with -m how to match it", a.acl.Expr.Text)
			return false
		}
	}
	if !matches(a.out, a.acl.Match) {
		a.c.Diags.Errorf(a.acl.Pos, "", "%q is %s, which -m %s can't match", a.acl.Expr.Text, article(a.out), a.acl.Match)
		return false
	}
	return true
}

// defaultMatch is the table of §7.1: how a type is matched when nothing is said.
func defaultMatch(t Type) string {
	switch t {
	case Bool:
		return "bool"
	case Int:
		return "int"
	case Addr:
		return "ip"
	case Str:
		return "str"
	case Meth:
		return "meth"
	}
	return ""
}

// matches is the matrix of §7.1.
func matches(t Type, match string) bool {
	switch match {
	case "bool":
		return t != Addr && t != Bin && t != Meth
	case "int":
		return t != Bin && t != Meth
	case "ip":
		return t == Addr || t == Str || t == Bin || t == Any
	case "bin":
		return t == Str || t == Bin || t == Any
	}
	return true
}
