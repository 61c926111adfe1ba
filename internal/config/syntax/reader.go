package syntax

import (
	"bytes"
	"strconv"
	"strings"

	"eddy/internal/config/diag"
)

// Reader gives the statements of one file, in order. Variables are looked up when their line is reached, so that
// what a line sets is seen by the ones after it.
type Reader struct {
	// Section is what ${.SECTION} gives; the caller keeps it true.
	Section string

	file   string
	rest   []byte
	line   int
	env    *Env
	preds  *Predicates
	diags  *diag.List
	conds  []cond
	deeper int  // .if blocks beyond MaxNesting that are open; they are skipped
	joined bool // the next line was meant to belong to one that was reported
}

// cond is one open .if.
type cond struct {
	pos    diag.Pos
	active bool // lines of this branch are read
	taken  bool // one branch was, or the whole block stands in a skipped one
	last   bool // .else was seen
}

// NewReader reads text, called file in messages. Problems go to diags.
func NewReader(file string, text []byte, env *Env, preds *Predicates, diags *diag.List) *Reader {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	return &Reader{file: file, rest: text, env: env, preds: preds, diags: diags}
}

// Next gives the next statement; false at the end.
func (r *Reader) Next() (Line, bool) {
	for len(r.rest) > 0 {
		text := r.rest
		if i := bytes.IndexByte(r.rest, '\n'); i >= 0 {
			text, r.rest = r.rest[:i], r.rest[i+1:]
		} else {
			r.rest = nil
		}
		r.line++
		if ln, ok := r.cut(text); ok {
			return ln, true
		}
	}
	for _, c := range r.conds {
		r.diags.Errorf(c.pos, "add .endif behind the block", "this .if is never closed")
	}
	r.conds = nil
	return Line{}, false
}

// cut reads one line of text; false when it holds no statement.
func (r *Reader) cut(text []byte) (Line, bool) {
	pos := diag.Pos{File: r.file, Line: r.line, Col: 1}
	if len(text) > MaxLine {
		r.diags.Errorf(pos, "put long lists into a file and use \"-f FILE\"", "the line is longer than %d bytes", MaxLine)
		return Line{}, false
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		pos.Col = i + 1
		r.diags.Errorf(pos, "", "a NUL byte has no place in a configuration")
		return Line{}, false
	}
	if r.skipping() && !isDirective(text) {
		return Line{}, false
	}
	if r.joined {
		r.joined = endsOpen(text)
		return Line{}, false
	}
	x := lexer{in: string(text), pos: pos, lookup: r.lookup}
	words, err := x.cut()
	if err != nil && (!r.skipping() || r.decides(words)) {
		r.diags.Errorf(x.at(err.off), err.hint, "%s", err.text)
		r.joined = endsOpen(text)
	}
	if len(words) == 0 {
		return Line{}, false
	}
	ln := Line{Pos: words[0].Pos, Words: words, Broken: err != nil}
	if w := words[0]; strings.HasPrefix(w.Text, ".") && !w.Quoted {
		r.directive(ln)
		return Line{}, false
	}
	return ln, true
}

// endsOpen says whether a line ends with a backslash, as where it goes on with the next one.
func endsOpen(text []byte) bool { return bytes.HasSuffix(bytes.TrimRight(text, "\r"), []byte(`\`)) }

// isDirective says whether the line's first word begins with a dot.
func isDirective(text []byte) bool {
	t := bytes.TrimLeft(text, " \t")
	return len(t) > 0 && t[0] == '.'
}

// skipping says whether lines are passed over.
func (r *Reader) skipping() bool {
	return r.deeper > 0 || len(r.conds) > 0 && !r.conds[len(r.conds)-1].active
}

// lookup is the lexer's way to variables; names that begin with a dot are ours (§2.3).
func (r *Reader) lookup(name string) (string, bool) {
	switch name {
	case ".FILE":
		return r.file, true
	case ".LINE":
		return strconv.Itoa(r.line), true
	case ".SECTION":
		return r.Section, true
	}
	return r.env.Lookup(name)
}
