package expr

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// scanner reads calls out of one word.
type scanner struct {
	c    *Ctx
	word Word
	i    int // next byte of word.Text
}

func (s *scanner) text() string     { return s.word.Text }
func (s *scanner) more() bool       { return s.i < len(s.word.Text) }
func (s *scanner) peek() byte       { return s.word.Text[s.i] }
func (s *scanner) here() diag.Pos   { return s.word.at(s.i) }
func (s *scanner) next(b byte) bool { return s.more() && s.peek() == b }
func (s *scanner) errorf(pos diag.Pos, hint, format string, args ...any) {
	s.c.Diags.Errorf(pos, hint, format, args...)
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' || c == '+'
}

// call reads "name" or "name(arg,arg)". What is wrong with the parentheses is reported; the name is not looked up.
func (s *scanner) call() (call model.Call, ok bool) {
	call.Pos = s.here()
	start := s.i
	for s.more() && isNameByte(s.peek()) {
		s.i++
	}
	call.Name = s.text()[start:s.i]
	if !s.next('(') {
		return call, true
	}
	open := s.here()
	s.i++
	if call.Args, ok = s.args(open, call.Name); !ok {
		return call, false
	}
	if s.more() && s.peek() != ',' && s.peek() != ']' && s.peek() != ' ' {
		s.errorf(s.here(), `parentheses and commas inside an argument need quotes of their own: regsub("(a|b)",x)`,
			"%q stands behind the closing parenthesis of %q", s.text()[s.i:], call.Name)
		return call, false
	}
	return call, true
}

// args reads arguments up to and including the closing parenthesis. Quotes and backslashes work as at the top level
// (configuration.txt §2.2).
func (s *scanner) args(open diag.Pos, name string) (args []model.Arg, ok bool) {
	var b strings.Builder
	pos := s.here()
	empty := true // nothing between the parentheses so far
	for s.more() {
		c := s.peek()
		switch c {
		case ')':
			s.i++
			if !empty || b.Len() > 0 {
				args = append(args, model.Arg{Pos: pos, Text: b.String()})
			}
			return args, true
		case ',':
			s.i++
			args = append(args, model.Arg{Pos: pos, Text: b.String()})
			b.Reset()
			pos, empty = s.here(), false
			if len(args) >= MaxArgs {
				s.errorf(pos, "", "%q has more than %d arguments", name, MaxArgs)
				return nil, false
			}
		case '\'', '"':
			empty = false
			if !s.quoted(c, &b) {
				return nil, false
			}
		case '\\':
			s.escape(&b)
		default:
			b.WriteByte(c)
			s.i++
		}
	}
	s.errorf(open, "", "the parenthesis after %q is not closed", name)
	return nil, false
}

func (s *scanner) quoted(quote byte, b *strings.Builder) bool {
	open := s.here()
	s.i++
	for s.more() {
		c := s.peek()
		switch {
		case c == quote:
			s.i++
			return true
		case c == '\\' && quote == '"':
			s.escape(b)
		default:
			b.WriteByte(c)
			s.i++
		}
	}
	s.errorf(open, "", "the quote %c is not closed", quote)
	return false
}

func (s *scanner) escape(b *strings.Builder) {
	s.i++
	if !s.more() {
		b.WriteByte('\\')
		return
	}
	c := s.peek()
	s.i++
	switch c {
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case ' ', '\\', '\'', '"':
		b.WriteByte(c)
	default: // kept for whoever reads the argument: regsub's \1
		b.WriteByte('\\')
		b.WriteByte(c)
	}
}
