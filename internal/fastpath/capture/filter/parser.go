package filter

import (
	"fmt"
	"slices"
	"strconv"
)

// parser reads an expression by recursive descent. "and" and "or" bind equally and to the left, "not" binds tighter.
type parser struct {
	expr   string
	tokens []token
	next   int // index of the next token
	depth  int // of parentheses
	lay    layout
	live   bool
	vlans  int    // vlan words so far
	far    *Error // the failure that came furthest

	// last is what was said before an address or a number that stands alone: "port 80 or 443".
	last qualifiers
}

// maxDepth bounds the nesting of parentheses and of "not".
const maxDepth = 100

// qualifiers are the words before an address, a port or a number.
type qualifiers struct {
	proto string // "": none
	dir   direction
	kind  string // "host", "net", "port", "portrange", "proto"; "": none
}

type direction uint8

const (
	srcOrDst direction = iota
	src
	dst
	srcAndDst
)

// failure unwinds the parser's recursion; its reason is in parser.far.
type failure struct{}

// parse reads the whole expression.
func (p *parser) parse() (tree node, err error) {
	p.far = &Error{Expr: p.expr}
	if p.peek().kind == end {
		return constant(true), nil
	}
	tree = p.try(func() node {
		tree := p.expression()
		if t := p.peek(); t.kind != end {
			p.fail(t, "expected \"and\", \"or\" or the end")
		}
		return tree
	})
	if tree == nil {
		return nil, p.far
	}
	return tree, nil
}

// try runs read; if that fails, it gives nil and the parser stands where it was.
func (p *parser) try(read func() node) (tree node) {
	before := *p
	defer func() {
		if r := recover(); r != nil {
			if _, ours := r.(failure); !ours {
				panic(r)
			}
			*p, tree = before, nil
		}
	}()
	return read()
}

func (p *parser) peek() token { return p.tokens[p.next] }

func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != end {
		p.next++
	}
	return t
}

// ahead tells whether one of some words or operators comes n tokens from here.
func (p *parser) ahead(n int, texts ...string) bool {
	i := min(p.next+n, len(p.tokens)-1)
	t := p.tokens[i]
	return (t.kind == word || t.kind == operator) && slices.Contains(texts, t.text)
}

// accept takes the next token if it is one of some words or operators.
func (p *parser) accept(texts ...string) bool {
	if p.ahead(0, texts...) {
		p.next++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.fail(p.peek(), fmt.Sprintf("expected %q", text))
	}
}

// fail goes back to the last try. What is reported in the end is the failure that came furthest, and of those the last.
func (p *parser) fail(t token, text string) {
	if t.kind == end {
		text += ", but the expression ends"
	} else {
		text += fmt.Sprintf(", found %q", t.text)
	}
	if t.at+1 >= p.far.Column {
		p.far.Column, p.far.Text = t.at+1, text
	}
	panic(failure{})
}

// deeper counts a level of nesting; the caller counts it off again.
func (p *parser) deeper() {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.peek(), "too deeply nested")
	}
}

// expression reads terms joined by "and" and "or".
func (p *parser) expression() node {
	tree := p.term()
	for {
		switch {
		case p.accept("and", "&&"):
			tree = all(tree, p.term())
		case p.accept("or", "||"):
			tree = some(tree, p.term())
		default:
			return tree
		}
	}
}

// term reads a condition with what is negated or in parentheses.
func (p *parser) term() node {
	p.deeper()
	defer func() { p.depth-- }()
	if p.accept("not", "!") {
		return notNode{p.term()}
	}
	if tree := p.comparison(); tree != nil {
		return tree
	}
	if p.accept("(") {
		tree := p.expression()
		p.expect(")")
		return tree
	}
	return p.primitive()
}

// value reads a number up to most.
func (p *parser) value(what string, most uint64) uint32 {
	t := p.take()
	n, err := strconv.ParseUint(t.text, 0, 64)
	if t.kind != number || err != nil {
		p.fail(t, "expected "+what)
	}
	if n > most {
		p.fail(t, fmt.Sprintf("%s is at most %d", what, most))
	}
	return uint32(n)
}
