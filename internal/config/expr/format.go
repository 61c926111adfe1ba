package expr

import (
	"strings"
	"sync"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// MaxFormatItems bounds a log-format string.
const MaxFormatItems = 512

// ParseFormat reads a log-format string (configuration.txt §8.2.6): text, aliases like %ci and expressions in %[].
// It gives nil when it is wrong, which was then reported. In logs and unique ids runs of blanks become one.
func ParseFormat(c *Ctx, w Word) *model.Format {
	p := formatParser{c: c, s: scanner{c: c, word: w}, ok: true}
	p.f.Pos, p.f.Text, p.f.Log = w.Pos, w.Text, c.Scope == Log
	p.merge = c.Scope == Log || c.Scope == UniqueID
	for p.s.more() && p.ok {
		if p.s.peek() == '%' {
			p.item()
		} else {
			p.literal()
		}
	}
	p.flush()
	if p.ok && len(p.f.Items) > MaxFormatItems {
		c.Diags.Errorf(w.Pos, "", "the format has more than %d items", MaxFormatItems)
		p.ok = false
	}
	if !p.ok {
		return nil
	}
	return &p.f
}

type flags struct{ quote, hex, escape bool }

type formatParser struct {
	c     *Ctx
	s     scanner
	f     model.Format
	all   flags // set by %o
	text  strings.Builder
	begin diag.Pos // of text
	merge bool
	ok    bool
}

func (p *formatParser) literal() {
	if p.text.Len() == 0 {
		p.begin = p.s.here()
	}
	b := p.s.peek()
	p.s.i++
	if p.merge && b == ' ' && strings.HasSuffix(p.text.String(), " ") {
		return
	}
	p.text.WriteByte(b)
}

func (p *formatParser) flush() {
	if p.text.Len() > 0 {
		p.f.Items = append(p.f.Items, model.FormatItem{Pos: p.begin, Text: p.text.String()})
		p.text.Reset()
	}
}

func (p *formatParser) fail(pos diag.Pos, hint, format string, args ...any) {
	p.c.Diags.Errorf(pos, hint, format, args...)
	p.ok = false
}

// item reads what begins with '%'.
func (p *formatParser) item() {
	start := p.s.i
	pos := p.s.here()
	p.s.i++
	if p.s.next('%') {
		p.s.i = start + 1
		p.literal() // one '%'
		return
	}
	if p.s.next('(') { // a name for structured encodings, which are not there
		end := strings.IndexByte(p.s.text()[p.s.i:], ')')
		if end < 0 {
			p.fail(pos, "", "the parenthesis after '%%' is not closed")
			return
		}
		p.s.i += end + 1
	}
	fl := p.all
	if p.s.next('{') {
		end := strings.IndexByte(p.s.text()[p.s.i:], '}')
		if end < 0 {
			p.fail(p.s.here(), "", "the brace after '%%' is not closed")
			return
		}
		fl = p.flags(fl, p.s.text()[p.s.i+1:p.s.i+end])
		p.s.i += end + 1
	}
	switch {
	case p.s.next('['):
		p.expression(pos, fl)
	default:
		p.alias(pos, fl)
	}
}

func (p *formatParser) flags(fl flags, text string) flags {
	pos := p.s.here()
	for _, word := range strings.Split(text, ",") {
		on := !strings.HasPrefix(word, "-")
		switch name := strings.TrimLeft(word, "+-"); name {
		case "Q":
			fl.quote = on
		case "X":
			fl.hex = on
		case "E":
			fl.escape = on
		case "json", "cbor", "bin":
			p.fail(pos, "", "HAProxy has the format flag %q, eddy does not have it yet", name)
		case "":
		default:
			p.c.Diags.Warnf(pos, "flags are Q (quote), X (hexadecimal) and E (escape)", "unknown format flag %q", name)
		}
	}
	return fl
}

func (p *formatParser) expression(pos diag.Pos, fl flags) {
	open := p.s.here()
	p.s.i++
	e := exprParser{c: p.c}
	if !e.fetch(&p.s) || !e.converters(&p.s) {
		p.ok = false
		return
	}
	if !p.s.next(']') {
		if p.s.more() {
			p.fail(p.s.here(), "", "']' should be here, not %q", p.s.text()[p.s.i:])
		} else {
			p.fail(open, "", "the bracket is not closed")
		}
		return
	}
	p.s.i++
	p.add(model.FormatItem{Pos: pos, Expr: e.done()}, fl)
}

func (p *formatParser) alias(pos diag.Pos, fl flags) {
	start := p.s.i
	for p.s.more() && isAlnum(p.s.peek()) {
		p.s.i++
	}
	name := p.s.text()[start:p.s.i]
	const percent = "a percent sign is written %%"
	switch {
	case name == "o":
		p.all = fl
		return
	case name == "":
		p.fail(pos, percent, "there is no name behind '%%'")
		return
	}
	a, ok := aliasIndex()[name]
	if !ok {
		hint := percent
		if n := diag.Nearest(name, aliasNames()); n != "" && len(n) > 1 {
			hint = "did you mean %" + n + "? " + percent
		}
		p.fail(pos, hint, "there is no log alias %%%s", name)
		return
	}
	if a.HTTP && p.c.Mode == model.ModeTCP && p.c.Scope == Log {
		p.c.Diags.Warnf(pos, "", "%%%s has no value in mode tcp", name)
	}
	p.add(model.FormatItem{Pos: pos, Alias: name}, fl)
}

func (p *formatParser) add(it model.FormatItem, fl flags) {
	p.flush()
	it.Quote, it.Hex, it.Esc = fl.quote, fl.hex, fl.escape
	p.f.Items = append(p.f.Items, it)
}

var aliasIndex = sync.OnceValue(func() map[string]Alias {
	m := map[string]Alias{}
	for _, a := range Aliases() {
		m[a.Name] = a
	}
	return m
})

func aliasNames() []string {
	var names []string
	for _, a := range Aliases() {
		names = append(names, a.Name)
	}
	return names
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
