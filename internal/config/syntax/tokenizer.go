package syntax

import (
	"fmt"
	"strings"

	"eddy/internal/config/diag"
)

// lexError is what is wrong with a line's text, at byte offset off.
type lexError struct {
	off  int
	text string
	hint string
}

// lexer cuts one line. lookup gives the value of a variable, pseudo-variables included.
type lexer struct {
	in     string
	pos    diag.Pos // of the first byte
	lookup func(string) (string, bool)

	i     int
	words []Word
	cur   []byte
	open  bool // a word has begun
	start int  // offset where it begins
	quote bool // some of it was quoted or escaped
	size  int  // bytes of all words
}

// cut splits the line into words. The words found before an error are given too.
func (x *lexer) cut() ([]Word, *lexError) {
	for x.i < len(x.in) {
		c := x.in[x.i]
		switch {
		case c == ' ' || c == '\t' || c == '\r' && x.i == len(x.in)-1:
			x.end()
			x.i++
		case c == '#':
			x.end()
			return x.words, x.check()
		case c == '\'':
			close := strings.IndexByte(x.in[x.i+1:], '\'')
			if close < 0 {
				return x.words, &lexError{x.i, "this single quote is never closed", "add a closing ', or write \\' for the character"}
			}
			x.begin(x.i + 1)
			x.quote = true
			x.cur = append(x.cur, x.in[x.i+1:x.i+1+close]...)
			x.i += close + 2
		case c == '"':
			if err := x.weak(); err != nil {
				return x.words, err
			}
		case c == '\\':
			x.begin(x.i)
			if err := x.escape(false); err != nil {
				return x.words, err
			}
		default:
			x.begin(x.i)
			x.cur = append(x.cur, c)
			x.i++
		}
		if err := x.check(); err != nil {
			return x.words, err
		}
	}
	x.end()
	return x.words, x.check()
}

// check holds the bounds.
func (x *lexer) check() *lexError {
	if len(x.words) > MaxWords {
		return &lexError{x.start, fmt.Sprintf("more than %d words in one line", MaxWords), "put long lists into a file and use \"-f FILE\""}
	}
	if x.size+len(x.cur) > MaxLine {
		return &lexError{x.start, fmt.Sprintf("the line is longer than %d bytes with its variables", MaxLine), ""}
	}
	return nil
}

// begin starts a word at offset off unless one is open.
func (x *lexer) begin(off int) {
	if !x.open {
		x.open, x.start, x.quote = true, off, false
		x.cur = x.cur[:0]
	}
}

// end closes the open word.
func (x *lexer) end() {
	if !x.open {
		return
	}
	x.size += len(x.cur)
	x.words = append(x.words, Word{Text: string(x.cur), Pos: x.at(x.start), Quoted: x.quote})
	x.open, x.cur = false, x.cur[:0]
}

func (x *lexer) at(off int) diag.Pos {
	p := x.pos
	p.Col += off
	return p
}

// weak reads a double-quoted part, in which variables are put in.
func (x *lexer) weak() *lexError {
	opening := x.i
	fresh := !x.open
	x.begin(x.i + 1)
	x.quote = true
	x.i++
	for x.i < len(x.in) {
		switch c := x.in[x.i]; c {
		case '"':
			x.i++
			return nil
		case '\\':
			if err := x.escape(true); err != nil {
				return err
			}
		case '$':
			if err := x.variable(fresh && x.i == opening+1); err != nil {
				return err
			}
		default:
			x.cur = append(x.cur, c)
			x.i++
		}
		if err := x.check(); err != nil {
			return err
		}
	}
	return &lexError{opening, "this double quote is never closed", "add a closing \", or write \\\" for the character"}
}

// escape reads what a backslash introduces (§2.2). A backslash before another character stays, as in HAProxy; so
// does one before "$" outside quotes, where "$" means nothing.
func (x *lexer) escape(weak bool) *lexError {
	at := x.i
	x.i++
	if x.i == len(x.in) {
		if len(x.cur) == 0 && !weak && at > 0 {
			return &lexError{at, "a line cannot be continued on the next one", "write the whole statement on one line"}
		}
		x.cur = append(x.cur, '\\')
		return nil
	}
	c := x.in[x.i]
	x.i++
	switch c {
	case ' ', '\t', '\\', '#', '"', '\'':
		x.quote = true
		x.cur = append(x.cur, c)
	case '$':
		if !weak {
			x.cur = append(x.cur, '\\')
		}
		x.cur = append(x.cur, c)
	case 'n':
		x.cur = append(x.cur, '\n')
	case 'r':
		x.cur = append(x.cur, '\r')
	case 't':
		x.cur = append(x.cur, '\t')
	case 'x':
		if x.i+2 > len(x.in) || unhex(x.in[x.i]) < 0 || unhex(x.in[x.i+1]) < 0 {
			return &lexError{at, "\\x must be followed by two hexadecimal digits", "write \\x0a for a line feed, say, or \\\\x for the two characters"}
		}
		x.cur = append(x.cur, byte(unhex(x.in[x.i])<<4|unhex(x.in[x.i+1])))
		x.i += 2
	default:
		x.cur = append(x.cur, '\\', c)
	}
	return nil
}

// variable reads $NAME, ${NAME}, ${NAME-default} or ${NAME[*]}; whole says that the quoted part begins with it.
func (x *lexer) variable(whole bool) *lexError {
	dollar := x.i
	x.i++
	brace := x.i < len(x.in) && x.in[x.i] == '{'
	if brace {
		x.i++
	}
	from := x.i
	if x.i < len(x.in) && x.in[x.i] == '.' {
		x.i++
	}
	for x.i < len(x.in) && isNameByte(x.in[x.i], x.i == from) {
		x.i++
	}
	name := x.in[from:x.i]
	if name == "" || name == "." {
		return &lexError{dollar, "\"$\" inside double quotes must be followed by a variable's name",
			"write \\$ for the character, or use single quotes"}
	}
	list, fallback, hasFallback := false, "", false
	if brace {
		rest := x.in[x.i:]
		if strings.HasPrefix(rest, "[") {
			if !strings.HasPrefix(rest, "[*]") {
				return &lexError{x.i, "only [*] may follow a variable's name", "write ${" + name + "[*]} to put its values in as words of their own"}
			}
			list = true
			x.i += 3
			rest = rest[3:]
		}
		if strings.HasPrefix(rest, "-") {
			end := strings.IndexByte(rest, '}')
			if end < 0 {
				return &lexError{dollar, "this \"${\" is never closed", "add a }"}
			}
			fallback, hasFallback = rest[1:end], true
			x.i += end
		}
		if x.i >= len(x.in) || x.in[x.i] != '}' {
			return &lexError{dollar, "this \"${\" is never closed", "add a } behind the name"}
		}
		x.i++
	}
	value, ok := x.lookup(name)
	if !ok && hasFallback {
		value = fallback
	}
	if !list {
		x.cur = append(x.cur, value...)
		return nil
	}
	x.putList(splitList(value), whole)
	return nil
}

// putList puts the words of a list variable in: the first joins what is before it, the last what follows. A list
// without words that is the whole word leaves no word.
func (x *lexer) putList(values []string, whole bool) {
	if len(values) == 0 {
		if whole && strings.HasPrefix(x.in[x.i:], `"`) && (x.i+1 == len(x.in) || strings.IndexByte(" \t#", x.in[x.i+1]) >= 0) {
			x.open, x.cur = false, x.cur[:0]
		}
		return
	}
	for n, v := range values {
		if n > 0 {
			start := x.start
			x.end()
			x.begin(start)
			x.quote = true
			if x.check() != nil {
				return
			}
		}
		x.cur = append(x.cur, v...)
	}
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
