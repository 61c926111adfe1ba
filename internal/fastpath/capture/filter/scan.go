package filter

import (
	"fmt"
	"strings"
)

// token is a word or an operator.
type token struct {
	kind tokenKind
	text string
	at   int // in bytes from the expression's beginning
}

type tokenKind uint8

const (
	end      tokenKind = iota
	word               // a name; also one behind a backslash, which is no keyword then
	escaped            // the same, behind a backslash
	number             // decimal, octal with 0, or hexadecimal with 0x
	dotted             // numbers with dots between them: an IPv4 address or its beginning
	coloned            // an IPv6 address, or a MAC address
	operator           // one of operators
)

// operators, longer ones first.
var operators = []string{"&&", "||", "<<", ">>", "==", "!=", "<=", ">=",
	"(", ")", "[", "]", "!", "&", "|", "^", "+", "-", "*", "/", "%", "=", "<", ">", ":"}

// scan takes an expression apart. The last token is an end.
func scan(expr string) ([]token, error) {
	var tokens []token
	for at := 0; ; {
		at += len(expr[at:]) - len(strings.TrimLeft(expr[at:], " \t\r\n"))
		if at == len(expr) {
			return append(tokens, token{end, "", at}), nil
		}
		t := scanOne(expr[at:])
		if t.text == "" {
			return nil, &Error{expr, at + 1, fmt.Sprintf("%q has no meaning here", expr[at])}
		}
		t.at = at
		at += len(t.text)
		if t.kind == escaped {
			t.text = t.text[1:]
		}
		tokens = append(tokens, t)
	}
}

// scanOne takes the token that s begins with; its text is empty when there is none.
func scanOne(s string) token {
	if n := run(s, isHexColonDot); strings.Count(s[:n], ":") >= 2 {
		return token{kind: coloned, text: s[:n]}
	}
	switch c := s[0]; {
	case c == '\\':
		if n := nameLen(s[1:]); n > 0 {
			return token{kind: escaped, text: s[:1+n]}
		}
	case isDigit(c):
		n := run(s, func(c byte) bool { return isName(c) || c == '.' })
		if strings.Contains(s[:n], ".") {
			return token{kind: dotted, text: s[:n]}
		}
		return token{kind: number, text: s[:n]}
	case isName(c):
		return token{kind: word, text: s[:nameLen(s)]}
	default:
		for _, op := range operators {
			if strings.HasPrefix(s, op) {
				return token{kind: operator, text: op}
			}
		}
	}
	return token{}
}

// nameLen gives the length of the name that s begins with; dots and hyphens belong to it where a letter follows.
func nameLen(s string) int {
	n := run(s, isName)
	for n > 0 && n+1 < len(s) && (s[n] == '-' || s[n] == '.') && isName(s[n+1]) && !isDigit(s[n+1]) {
		n += 1 + run(s[n+1:], isName)
	}
	return n
}

// run counts the bytes at the beginning of s that a test holds for.
func run(s string, is func(byte) bool) int {
	for i := range len(s) {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isName(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

func isHexColonDot(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' || c == ':' || c == '.'
}
