package expr

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// parenHint is for an expression whose parentheses do not fit together.
const parenHint = `write \( and \) for the characters themselves`

// CompileRegex compiles a regular expression of the configuration. They are RE2's (regexp/syntax), not PCRE's: the
// same letters for what is common, matched in time linear in the text, without look-around and back-references
// inside the pattern. A hint says what to write instead; it is empty when err is nil.
func CompileRegex(text string, noCase bool) (re *regexp.Regexp, hint string, err error) {
	flags := "(?s)"
	if noCase {
		flags = "(?si)"
	}
	re, err = regexp.Compile(flags + fromPCRE(text))
	if err == nil {
		return re, "", nil
	}
	var serr *syntax.Error
	if !errors.As(err, &serr) {
		return nil, "", err
	}
	switch {
	case hasAny(text, "(?=", "(?!", "(?<=", "(?<!"):
		hint = "look-around is not there; match the rest with a second condition, and exclude with '!'"
	case hasAny(text, "(?>", "++", "*+", "?+"):
		hint = "leave out possessive and atomic groups: matching takes linear time without them"
	case serr.Code == syntax.ErrInvalidEscape && isDigit(last(serr.Expr)):
		hint = "back-references work in replacements, not inside the expression"
	case serr.Code == syntax.ErrMissingParen || serr.Code == syntax.ErrUnexpectedParen:
		hint = parenHint
	case serr.Code == syntax.ErrInvalidRepeatSize:
		hint = "at most 1000 repetitions"
	}
	return nil, hint, errors.New(serr.Code.String() + ": " + strings.TrimPrefix(serr.Expr, flags))
}

// fromPCRE rewrites the few forms that mean the same and are spelled differently.
func fromPCRE(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			switch text[i] {
			case 'Z':
				b.WriteString(`\z`)
			case 'h':
				b.WriteString(`[\t ]`)
			case 'R':
				b.WriteString(`(?:\r\n|\n|\r)`)
			case 'e':
				b.WriteString(`\x1b`)
			default:
				b.WriteByte('\\')
				b.WriteByte(text[i])
			}
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func hasAny(s string, subs ...string) bool {
	for _, sub := range subs {
		if strings.Contains(s, sub) {
			return true
		}
	}
	return false
}

func last(s string) byte {
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
