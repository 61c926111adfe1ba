package expr

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// ParseCond reads a condition (configuration.txt §7.2); the first word is "if" or "unless". It gives nil when the
// condition is wrong, which was then reported.
func ParseCond(c *Ctx, words []Word) *model.Cond {
	if len(words) == 0 {
		return nil
	}
	p := condParser{c: c, words: words[1:], last: words[0]}
	p.cond.Pos, p.cond.Unless = words[0].Pos, words[0].Text == "unless"
	if len(words) == 1 {
		c.Diags.Errorf(words[0].Pos, "for instance: if { path /x }", "there is no condition behind %q", words[0].Text)
		return nil
	}
	ok := true
	for len(p.words) > 0 {
		ok = p.term() && ok
	}
	if len(p.and) == 0 && ok {
		c.Diags.Errorf(p.last.Pos, "", "the condition ends with %q", p.last.Text)
		return nil
	}
	if !ok {
		return nil
	}
	p.cond.Or = append(p.cond.Or, p.and)
	return &p.cond
}

type condParser struct {
	c     *Ctx
	cond  model.Cond
	and   []model.Term
	words []Word
	last  Word
}

func (p *condParser) take() Word {
	p.last = p.words[0]
	p.words = p.words[1:]
	return p.last
}

// term reads one word of the condition or one anonymous ACL.
func (p *condParser) term() bool {
	w := p.take()
	if w.Text == "or" || w.Text == "||" {
		if len(p.and) == 0 {
			p.c.Diags.Errorf(w.Pos, "", "there is nothing in front of %q", w.Text)
			return false
		}
		p.cond.Or = append(p.cond.Or, p.and)
		p.and = nil
		return true
	}
	t := model.Term{Pos: w.Pos}
	for {
		bare := strings.TrimLeft(w.Text, "!")
		n := len(w.Text) - len(bare)
		t.Not = t.Not != (n%2 == 1)
		w = Word{Text: bare, Pos: w.at(n)}
		if bare != "" {
			break
		}
		if len(p.words) == 0 {
			p.c.Diags.Errorf(t.Pos, "", "there is nothing behind '!'")
			return false
		}
		w = p.take()
	}
	var ok bool
	if w.Text == "{" {
		t.ACLs, ok = p.anonymous(w)
	} else {
		t.ACLs, ok = p.named(w)
	}
	if !ok {
		return false
	}
	p.checkScope(w, t.ACLs)
	p.and = append(p.and, t)
	return true
}

// anonymous reads "{ ... }"; the opening brace was read.
func (p *condParser) anonymous(open Word) ([]*model.ACL, bool) {
	for i, w := range p.words {
		if w.Text != "}" {
			continue
		}
		inside := p.words[:i]
		p.last, p.words = w, p.words[i+1:]
		if i == 0 {
			p.c.Diags.Errorf(open.Pos, "", "there is nothing between the braces")
			return nil, false
		}
		a := ParseACL(p.c, "", inside)
		return []*model.ACL{a}, a != nil
	}
	p.words = nil
	p.c.Diags.Errorf(open.Pos, "the closing brace is a word of its own, with a blank before it", "the brace is not closed")
	return nil, false
}

func (p *condParser) named(w Word) ([]*model.ACL, bool) {
	if p.c.ACLs != nil {
		if found := p.c.ACLs(w.Text); len(found) > 0 {
			return found, true
		}
	}
	if def := predefined(w.Text); def != "" {
		var words []Word
		for _, f := range strings.Fields(def) {
			words = append(words, Word{Text: f, Pos: w.Pos})
		}
		a := ParseACL(p.c, w.Text, words)
		return []*model.ACL{a}, a != nil
	}
	p.c.Diags.Errorf(w.Pos, p.noACLHint(w.Text), "there is no ACL %q", w.Text)
	if strings.HasPrefix(w.Text, "{") || findFetch(w.Text) != nil || aclKeyword(w.Text) != nil {
		p.skipExpression()
	}
	return nil, false
}

// skipExpression passes over what belongs to an expression that stands without its braces.
func (p *condParser) skipExpression() {
	for len(p.words) > 0 && p.words[0].Text != "or" && p.words[0].Text != "||" {
		closes := strings.HasSuffix(p.take().Text, "}")
		if closes {
			return
		}
	}
}

func (p *condParser) noACLHint(name string) string {
	switch {
	case name == "and" || name == "&&":
		return "leave it out: terms side by side mean and"
	case strings.HasPrefix(name, "{"):
		return "braces are words of their own: { " + strings.Trim(name, "{}") + " }"
	}
	fetch, _, _ := strings.Cut(name, "(")
	if findFetch(fetch) != nil || aclKeyword(fetch) != nil {
		return "an expression needs braces: { " + name + " ... }"
	}
	return diag.DidYouMean(name, Predefined())
}

// checkScope warns of an ACL that can't match where it is used, as HAProxy does.
func (p *condParser) checkScope(w Word, acls []*model.ACL) {
	if p.c.Scope == 0 {
		return
	}
	for _, a := range acls {
		spec := findFetch(a.Expr.Fetch.Name)
		if spec == nil || (spec.Class.Scope()|spec.Class.Late())&p.c.Scope != 0 {
			return
		}
	}
	first := acls[0]
	name := first.Expr.Text
	if w.Text != "{" {
		name = w.Text
	}
	p.c.Diags.Warnf(w.Pos, "", "%q never matches in %s: it looks at %s", name, p.c.Scope.place(),
		findFetch(first.Expr.Fetch.Name).Class.needs())
}
