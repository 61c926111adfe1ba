package syntax

import (
	"fmt"
	"strings"

	"eddy/internal/config/diag"
)

// Predicates answer the conditions of .if lines, and say what becomes of messages.
type Predicates struct {
	// Version is what version_atleast and version_before compare with. Configurations ask it for what HAProxy
	// of that version can do, so it is the version of HAProxy's language that eddy follows.
	Version  string
	Features []string                        // what feature(NAME) finds
	Enabled  []string                        // what enabled(NAME) finds
	Diag     bool                            // .diag messages are shown
	Notice   func(pos diag.Pos, text string) // .notice; nil: dropped
}

// CondError is what is wrong with a condition.
type CondError struct{ Text, Hint string }

func (e *CondError) Error() string { return e.Text }

// predicate is one function of conditions.
type predicate struct {
	args int
	eval func(p *Predicates, env *Env, args []string) bool
}

// predicates gives the functions by name. eddy has no TLS library, so what asks for one is false.
func predicates() map[string]predicate {
	never := func(*Predicates, *Env, []string) bool { return false }
	return map[string]predicate{
		"defined": {1, func(_ *Predicates, env *Env, a []string) bool { _, ok := env.Lookup(a[0]); return ok }},
		"feature": {1, func(p *Predicates, _ *Env, a []string) bool { return contains(p.Features, a[0]) }},
		"enabled": {1, func(p *Predicates, _ *Env, a []string) bool { return contains(p.Enabled, a[0]) }},
		"streq":   {2, func(_ *Predicates, _ *Env, a []string) bool { return a[0] == a[1] }},
		"strneq":  {2, func(_ *Predicates, _ *Env, a []string) bool { return a[0] != a[1] }},
		"strstr":  {2, func(_ *Predicates, _ *Env, a []string) bool { return strings.Contains(a[0], a[1]) }},
		"version_atleast": {1, func(p *Predicates, _ *Env, a []string) bool {
			return compareVersions(p.Version, a[0]) >= 0
		}},
		"version_before": {1, func(p *Predicates, _ *Env, a []string) bool {
			return compareVersions(p.Version, a[0]) < 0
		}},
		"openssl_version_atleast": {1, never},
		"openssl_version_before":  {1, never},
		"ssllib_name_startswith":  {1, never},
		"awslc_api_atleast":       {1, never},
		"awslc_api_before":        {1, never},
		"fips_mode":               {0, never},
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// Eval evaluates a condition; the empty one is false.
func (p *Predicates) Eval(text string, env *Env) (bool, *CondError) {
	if strings.TrimSpace(text) == "" {
		return false, nil
	}
	c := condParser{in: text, preds: p, env: env}
	yes, err := c.or(0)
	if err != nil {
		return false, err
	}
	if c.space(); c.i < len(c.in) {
		return false, &CondError{fmt.Sprintf("unexpected %q behind the condition", clip(c.in[c.i:])), "combine conditions with && or ||"}
	}
	return yes, nil
}

// condParser reads: or = and {"||" and}; and = term {"&&" term}; term = {"!"} ( "(" or ")" | integer | NAME[(args)] ).
type condParser struct {
	in    string
	i     int
	preds *Predicates
	env   *Env
}

func (c *condParser) space() {
	for c.i < len(c.in) && (c.in[c.i] == ' ' || c.in[c.i] == '\t') {
		c.i++
	}
}

func (c *condParser) accept(token string) bool {
	c.space()
	if !strings.HasPrefix(c.in[c.i:], token) {
		return false
	}
	c.i += len(token)
	return true
}

func (c *condParser) or(depth int) (bool, *CondError) {
	yes, err := c.and(depth)
	for err == nil && c.accept("||") {
		var more bool
		more, err = c.and(depth)
		yes = yes || more
	}
	return yes, err
}

func (c *condParser) and(depth int) (bool, *CondError) {
	yes, err := c.term(depth)
	for err == nil && c.accept("&&") {
		var more bool
		more, err = c.term(depth)
		yes = yes && more
	}
	return yes, err
}

func (c *condParser) term(depth int) (bool, *CondError) {
	if depth > MaxNesting {
		return false, &CondError{fmt.Sprintf("more than %d parentheses in each other", MaxNesting), ""}
	}
	negate := false
	for c.accept("!") {
		negate = !negate
	}
	if c.accept("(") {
		yes, err := c.or(depth + 1)
		if err == nil && !c.accept(")") {
			err = &CondError{"a \"(\" is never closed", "add a )"}
		}
		return yes != negate, err
	}
	c.space()
	from := c.i
	for c.i < len(c.in) && (isNameByte(c.in[c.i], false) || c.i == from && c.in[c.i] == '-') {
		c.i++
	}
	name := c.in[from:c.i]
	if name == "" {
		return false, &CondError{fmt.Sprintf("a condition is missing before %q", clip(c.in[from:])),
			"write 0, 1 or a function like defined(NAME) or streq(a,b)"}
	}
	if number, isNumber := isInteger(name); isNumber {
		return number != negate, nil
	}
	yes, err := c.call(name)
	return yes != negate, err
}

// call reads the arguments of a function and calls it.
func (c *condParser) call(name string) (bool, *CondError) {
	table := predicates()
	f, ok := table[name]
	if !ok {
		names := make([]string, 0, len(table))
		for n := range table {
			names = append(names, n)
		}
		hint := diag.DidYouMean(name, sorted(names))
		if hint == "" {
			hint = "the functions are " + strings.Join(names, ", ")
		}
		return false, &CondError{fmt.Sprintf("unknown function %q in a condition", name), hint}
	}
	var args []string
	if c.i < len(c.in) && c.in[c.i] == '(' {
		c.i++
		var err *CondError
		if args, err = c.args(name); err != nil {
			return false, err
		}
	}
	if f.args == 0 && len(args) == 1 && args[0] == "" {
		args = nil
	}
	if len(args) != f.args {
		return false, &CondError{fmt.Sprintf("%s takes %d argument(s), not %d", name, f.args, len(args)), ""}
	}
	if strings.HasPrefix(name, "version_") && !isVersion(args[0]) {
		return false, &CondError{fmt.Sprintf("%q is not a version", args[0]), "write it as 2.6 or 3.1-dev4"}
	}
	return f.eval(c.preds, c.env, args), nil
}

// args reads up to the closing parenthesis. Quotes and backslashes protect commas and parentheses.
func (c *condParser) args(name string) ([]string, *CondError) {
	var out []string
	var cur []byte
	for c.i < len(c.in) {
		ch := c.in[c.i]
		c.i++
		switch ch {
		case ')':
			return append(out, string(cur)), nil
		case ',':
			out, cur = append(out, string(cur)), nil
		case '"', '\'':
			end := c.i
			for end < len(c.in) && c.in[end] != ch {
				if ch == '"' && c.in[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(c.in) {
				return nil, &CondError{fmt.Sprintf("a quote in the arguments of %s is never closed", name), ""}
			}
			part := c.in[c.i:end]
			if ch == '"' {
				part = unescape(part)
			}
			cur = append(cur, part...)
			c.i = end + 1
		case '\\':
			if c.i < len(c.in) {
				ch = c.in[c.i]
				c.i++
			}
			cur = append(cur, ch)
		default:
			cur = append(cur, ch)
		}
	}
	return nil, &CondError{fmt.Sprintf("the \"(\" behind %s is never closed", name), "add a )"}
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// isInteger reads an integer of any length: whether it is other than zero, and whether it is one.
func isInteger(s string) (nonZero, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" {
		return false, false
	}
	for i := 0; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return false, false
		}
	}
	return strings.Trim(digits, "0") != "", true
}

func clip(s string) string {
	if len(s) > 20 {
		return s[:20] + "…"
	}
	return s
}
