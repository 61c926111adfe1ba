package keyword

import (
	"cmp"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// maxAnswerFile bounds a file that becomes part of an answer.
const maxAnswerFile = 1 << 20

// readArgs reads words as params say. It gives how many words were used, and false when something was wrong, which
// was then reported. what names the line in messages; at is its place. Words that are left over are the caller's.
func (p *Parser) readArgs(what string, at diag.Pos, params []Param, words []syntax.Word) (a Args, used int, ok bool) {
	a = Args{At: at, Name: what}
	for i := range params {
		param := &params[i]
		if param.Kind == Rest {
			a.Rest = words[used:]
			if len(a.Rest) == 0 && !param.Optional {
				return p.missing(a, used, what, at, params, param, words)
			}
			return a, len(words), true
		}
		for n := 0; ; n++ {
			enough := param.Optional || n > 0
			if used >= len(words) || p.inRule && isCondWord(words[used]) {
				if !enough {
					return p.missing(a, used, what, at, params, param, words)
				}
				break
			}
			v, took, good := p.readParam(what, param, words[used:])
			if !good {
				return a, used, false
			}
			a.P = append(a.P, v)
			used += took
			if !param.Many {
				break
			}
		}
	}
	return a, used, true
}

// missing reports that words end before param, which is one of params.
func (p *Parser) missing(a Args, used int, what string, at diag.Pos, params []Param, param *Param, words []syntax.Word) (Args, int, bool) {
	before := ""
	if used < len(words) {
		at, before = words[used].Pos, " before \""+words[used].Text+"\""
	}
	name := "the <" + param.Name + ">"
	if param.Kind == Choice && len(param.Choices) == 1 { // a word that has to stand there
		name = strconv.Quote(param.Choices[0])
	}
	p.Diags.Errorf(at, "write: "+what+" "+Grammar(params), "%s: %s is missing%s", what, name, before)
	return a, used, false
}

// isCondWord says whether a rule's condition begins with w.
func isCondWord(w syntax.Word) bool { return !w.Quoted && (w.Text == "if" || w.Text == "unless") }

// readParam reads one argument from the first words.
func (p *Parser) readParam(what string, param *Param, words []syntax.Word) (v model.Param, used int, ok bool) {
	w := words[0]
	v.Pos, v.Text = w.Pos, w.Text
	fail := func(hint, format string, args ...any) (model.Param, int, bool) {
		p.Diags.Errorf(w.Pos, hint, what+": "+format, args...)
		return v, 1, false
	}
	switch param.Kind {
	case Int:
		n, err := strconv.ParseInt(strings.TrimPrefix(w.Text, "+"), 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return fail("write an integer", "%q is not a number", w.Text)
		}
		v.Int = n
		if lo, hi := param.limits(); err != nil || n < lo || n > hi {
			return fail("", "the <%s> must be between %d and %d, not %s", param.Name, lo, hi, w.Text)
		}
	case Count:
		n, err := syntax.ParseCount(w.Text)
		if err != nil {
			return fail("", "%v", err)
		}
		v.Int = n
		if lo, hi := param.limits(); n < lo || n > hi {
			return fail("", "the <%s> must be between %s and %s, not %s", param.Name, countText(lo), countText(hi), w.Text)
		}
	case Time:
		unit := time.Millisecond
		if param.Bare {
			unit = time.Second
		}
		d, err := syntax.ParseTimeUpTo(w.Text, unit, cmp.Or(time.Duration(param.Max), syntax.MaxTime))
		if err != nil {
			return fail("", "%v", err)
		}
		v.Int = int64(d)
		if param.Min != 0 && v.Int < param.Min {
			hint := ""
			if unitless := strings.Trim(w.Text, "0123456789") == ""; unitless && v.Int > 0 && !param.Bare {
				hint = "a time without a unit is in milliseconds: write " + w.Text + "s for seconds"
			}
			return fail(hint, "the <%s> must be at least %v", param.Name, time.Duration(param.Min))
		}
	case Size:
		n, err := syntax.ParseSize(w.Text)
		if err != nil {
			return fail("", "%v", err)
		}
		v.Int = n
		if lo, hi := param.limits(); n < lo || n > hi {
			return fail("", "the <%s> must be between %s and %s, not %s", param.Name, sizeText(lo), sizeText(hi), w.Text)
		}
	case Choice:
		if !contains(param.Choices, w.Text) {
			hint := diag.DidYouMean(w.Text, param.Choices)
			if hint == "" {
				hint = "write one of " + strings.Join(param.Choices, ", ")
			}
			return fail(hint, "unknown <%s> %q", param.Name, w.Text)
		}
	case OnOff:
		switch w.Text {
		case "on":
			v.Int = 1
		case "off":
		default:
			return fail("write on or off", "%q is neither on nor off", w.Text)
		}
	case Path:
		v.Text = p.path(w.Text)
	case File:
		v.Text = p.path(w.Text)
		raw, err := p.Host.ReadFile(v.Text, maxAnswerFile)
		if err != nil {
			return fail("", "%v", err)
		}
		v.Raw = raw
	case Regex:
		if _, hint, err := expr.CompileRegex(w.Text, false); err != nil {
			return fail(hint, "bad regular expression: %v", err)
		}
	case Format:
		v.Fmt = expr.ParseFormat(p.exprCtx(), expr.Word{Text: w.Text, Pos: w.Pos})
		return v, 1, v.Fmt != nil
	case Expr:
		var took int
		v.Expr, took = expr.ParseExpr(p.exprCtx(), exprWords(words))
		return v, max(took, 1), v.Expr != nil
	case Var:
		return v, 1, expr.CheckVar(p.Diags, w.Pos, w.Text)
	case HdrName:
		if !isHeaderName(w.Text) {
			return fail("header names are made of letters, digits and !#$%&'*+-.^_`|~", "%q is not a header name", w.Text)
		}
	}
	return v, 1, true
}

// limits of an Int or Size.
func (p *Param) limits() (lo, hi int64) {
	if p.Min == 0 && p.Max == 0 {
		if p.Kind == Size {
			return 0, math.MaxInt64
		}
		return 0, math.MaxInt32
	}
	return p.Min, p.Max
}

// sizeText writes a size as a configuration does: 64k.
func sizeText(n int64) string {
	return unitText(n, 1024, "k", "m", "g")
}

// countText writes a number of things as a configuration does: 100k.
func countText(n int64) string { return unitText(n, 1000, "k", "m") }

func unitText(n, step int64, units ...string) string {
	unit := ""
	for _, larger := range units {
		if n == 0 || n%step != 0 {
			break
		}
		n, unit = n/step, larger
	}
	return strconv.FormatInt(n, 10) + unit
}

// isHeaderName holds s against the token rule of RFC 9110 §5.6.2.
func isHeaderName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// exprWords turns words into those of package expr.
func exprWords(words []syntax.Word) []expr.Word {
	out := make([]expr.Word, len(words))
	for i, w := range words {
		out[i] = expr.Word{Text: w.Text, Pos: w.Pos}
	}
	return out
}

// readOptions reads named options until the words end or, in a rule, a condition begins. It gives the number of words
// used. absent are names that HAProxy has besides.
func readOptions[T any](p *Parser, what string, opts []Option[T], absent []string, t *T, words []syntax.Word) (used int, ok bool) {
	ok = true
	for used < len(words) {
		w := words[used]
		if p.inRule && isCondWord(w) {
			break
		}
		o := findOption(opts, w.Text)
		if o == nil {
			p.unknownOption(what, w, optionNames(opts), absent)
			return used, false
		}
		a, took, good := p.readArgs(o.Name, w.Pos, o.Params, words[used+1:])
		used += 1 + took
		if !good {
			return used, false
		}
		if o.NoEffect != "" && !o.Quiet {
			p.Diags.Warnf(w.Pos, "", "%q has no effect in eddy: %s", o.Name, o.NoEffect)
		}
		if o.Set != nil {
			o.Set(p, t, a)
		}
	}
	return used, ok
}

func findOption[T any](opts []Option[T], name string) *Option[T] {
	for i := range opts {
		if opts[i].Name == name {
			return &opts[i]
		}
	}
	return nil
}

func optionNames[T any](opts []Option[T]) []string {
	names := make([]string, len(opts))
	for i := range opts {
		names[i] = opts[i].Name
	}
	return names
}

// unknownOption reports a word that is no option of a what line.
func (p *Parser) unknownOption(what string, w syntax.Word, known, absent []string) {
	if base, _, _ := strings.Cut(w.Text, "("); contains(absent, base) {
		p.notYet(w.Pos, what+" … "+base)
		return
	}
	if p.inRule {
		known = append(known, "if", "unless")
	}
	hint := diag.DidYouMean(w.Text, known)
	if hint == "" {
		hint = diag.DidYouMean(w.Text, absent)
	}
	if hint == "" && len(known) > 0 {
		hint = "write one of " + some(known)
	}
	p.Diags.Errorf(w.Pos, hint, "%s: unknown option %q", what, w.Text)
}

// notYet reports a name that HAProxy has and eddy has not.
func (p *Parser) notYet(pos diag.Pos, name string) {
	p.Diags.Errorf(pos, "remove the line, or run this part on HAProxy", "HAProxy has '%s'; eddy does not have it yet", name)
}
