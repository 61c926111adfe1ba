package lib

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"eddy/internal/script/vm"
)

// regex is what T.re2 gives: an expression with RE2's options. Go's regexp has RE2's language.
type regex struct {
	partial *regexp.Regexp
	full    *regexp.Regexp // the same between \A and \z
	latin1  bool           // text and pattern are single bytes, not UTF-8
}

// maxRegex bounds the source text of an expression, in bytes.
const maxRegex = 64 << 10

// reOptions are RE2's options (obj_globalt, "RE2 Options").
type reOptions struct {
	utf8, posix, longest, literal, neverNL, neverCapture, caseSensitive bool
}

func parseOptions(t *vm.Table) (reOptions, error) {
	o := reOptions{utf8: true, caseSensitive: true}
	var ignored bool
	known := map[string]*bool{
		"utf8": &o.utf8, "posix_syntax": &o.posix, "longest_match": &o.longest, "literal": &o.literal, "never_nl": &o.neverNL,
		"never_capture": &o.neverCapture, "case_sensitive": &o.caseSensitive, "log_errors": &ignored,
	}
	for i := range t.Map {
		name, _ := t.Map[i].Key.AsStr()
		option, ok := known[name]
		if !ok {
			return o, Misuse("T.re2", "there is no option %q", name)
		}
		*option = t.Map[i].Value.Truth()
	}
	return o, nil
}

// flags are those that RE2::Options::ParseFlags gives.
func (o reOptions) flags() syntax.Flags {
	f := syntax.ClassNL
	if !o.posix {
		f |= syntax.OneLine | syntax.PerlX | syntax.UnicodeGroups
	}
	if o.literal {
		f |= syntax.Literal
	}
	if !o.caseSensitive {
		f |= syntax.FoldCase
	}
	return f
}

func compile(pattern string, o reOptions) (*regex, error) {
	if len(pattern) > maxRegex {
		return nil, fmt.Errorf("the expression is longer than %d bytes", maxRegex)
	}
	if !o.utf8 {
		pattern = string(fromLatin1(nil, []byte(pattern)))
	}
	tree, err := syntax.Parse(pattern, o.flags())
	if err != nil && o.posix { // the documentation uses \s with this option, which egrep does not have
		if t, e := syntax.Parse(pattern, o.flags()|syntax.PerlX); e == nil {
			tree, err = t, nil
		}
	}
	if err != nil {
		var s *syntax.Error
		if errors.As(err, &s) {
			return nil, fmt.Errorf("%s: %q", s.Code, s.Expr)
		}
		return nil, err
	}
	if o.neverCapture {
		tree = uncapture(tree)
	}
	if o.neverNL {
		withoutNewline(tree)
	}
	text := tree.String()
	re := &regex{latin1: !o.utf8}
	if re.partial, err = regexp.Compile(text); err != nil {
		return nil, err
	}
	if re.full, err = regexp.Compile(`\A(?:` + text + `)\z`); err != nil {
		return nil, err
	}
	if o.longest || o.posix {
		re.partial.Longest()
		re.full.Longest()
	}
	return re, nil
}

// uncapture makes groups of an expression such that keep nothing.
func uncapture(t *syntax.Regexp) *syntax.Regexp {
	for i, sub := range t.Sub {
		t.Sub[i] = uncapture(sub)
	}
	if t.Op == syntax.OpCapture {
		return t.Sub[0]
	}
	return t
}

// withoutNewline takes from an expression every way to match "\n".
func withoutNewline(t *syntax.Regexp) {
	for _, sub := range t.Sub {
		withoutNewline(sub)
	}
	switch t.Op {
	case syntax.OpAnyChar:
		t.Op = syntax.OpAnyCharNotNL
	case syntax.OpLiteral:
		for _, r := range t.Rune {
			if r == '\n' {
				t.Op = syntax.OpNoMatch
			}
		}
	case syntax.OpCharClass:
		var kept []rune
		for i := 0; i+1 < len(t.Rune); i += 2 {
			from, to := t.Rune[i], t.Rune[i+1]
			if from > '\n' || to < '\n' {
				kept = append(kept, from, to)
				continue
			}
			if from < '\n' {
				kept = append(kept, from, '\n'-1)
			}
			if to > '\n' {
				kept = append(kept, '\n'+1, to)
			}
		}
		t.Rune = kept
	}
}

// fromLatin1 appends the UTF-8 of text whose bytes are characters.
func fromLatin1(dst, text []byte) []byte {
	for _, b := range text {
		dst = utf8.AppendRune(dst, rune(b))
	}
	return dst
}

// toLatin1 is the way back.
func toLatin1(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		out = append(out, byte(r))
	}
	return out
}

func (re *regex) text(c *vm.Call, who string) ([]byte, error) {
	s, err := Bytes(c, 2, who, 1)
	if err == nil && re.latin1 {
		s = fromLatin1(nil, s)
	}
	return s, err
}

// which is the expression that a method uses.
func (re *regex) which(whole bool) *regexp.Regexp {
	if whole {
		return re.full
	}
	return re.partial
}

func argRegex(c *vm.Call, who string) (*regex, error) {
	re, ok := c.Object(1).(*regex)
	if !ok {
		return nil, fmt.Errorf("%s: this is no RE2 object; make one with T.re2, and call its methods with ':'", who)
	}
	return re, nil
}

// regexFuncs is T.re2.
func regexFuncs() Funcs {
	return Funcs{
		// re2_new(pattern, options)
		"re2_new": func(c *vm.Call) error {
			pattern, err := Text(c, 1, "T.re2", 1)
			if err != nil {
				return err
			}
			t, err := c.Table(2)
			if err != nil {
				return err
			}
			o, err := parseOptions(t)
			if err != nil {
				return err
			}
			re, err := compile(pattern, o)
			if err != nil {
				return Misuse("T.re2", "invalid regular expression: %w", err)
			}
			c.PushOwned(re)
			return nil
		},
		// re2_match(re, text, whole)
		"re2_match": func(c *vm.Call) error {
			re, err := argRegex(c, "re2:match")
			if err != nil {
				return err
			}
			s, err := re.text(c, "re2:match")
			if err == nil {
				c.PushBool(re.which(c.Bool(3)).Match(s))
			}
			return err
		},
		// re2_groups(re, text, whole, n): whether it matched, and n groups; n < 0: all of them. A group that took no part
		// is "". Asking for more groups than there are never matches, as with RE2.
		"re2_groups": func(c *vm.Call) error {
			re, err := argRegex(c, "re2:match")
			if err != nil {
				return err
			}
			s, err := re.text(c, "re2:match")
			if err != nil {
				return err
			}
			n, _ := c.Int(4)
			use := re.which(c.Bool(3))
			m := use.FindSubmatchIndex(s)
			if m == nil || int(n) > use.NumSubexp() {
				c.PushBool(false)
				return nil
			}
			if n < 0 {
				n = int64(use.NumSubexp())
			}
			c.PushBool(true)
			for i := 1; i <= int(n); i++ {
				var group []byte
				if m[2*i] >= 0 {
					group = s[m[2*i]:m[2*i+1]]
				}
				if re.latin1 {
					group = toLatin1(group)
				}
				c.PushBytes(group)
			}
			return nil
		},
	}
}

// Matcher remembers the expressions that methods of objects are given as text, such as HTTPHeader's match_value. It
// belongs to one state.
type Matcher struct{ known map[string]*regexp.Regexp }

// maxMatcher bounds the expressions that a Matcher keeps.
const maxMatcher = 256

// Match says whether the expression is found in text.
func (m *Matcher) Match(expression []byte, text string) (bool, error) {
	re, ok := m.known[string(expression)]
	if !ok {
		c, err := compile(string(expression), reOptions{utf8: true, caseSensitive: true})
		if err != nil {
			return false, fmt.Errorf("invalid regular expression: %w", err)
		}
		if m.known == nil || len(m.known) >= maxMatcher {
			m.known = map[string]*regexp.Regexp{}
		}
		re = c.partial
		m.known[strings.Clone(string(expression))] = re
	}
	return re.MatchString(text), nil
}
