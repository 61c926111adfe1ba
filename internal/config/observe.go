package config

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// Setting is one line of an observe section, for Observe: a keyword and its arguments. They are taken as they are, without
// quotes and variables.
type Setting struct {
	Keyword string
	Args    []string
}

// Observe reads the settings of one observed lane that a command line describes, not a file. The lane is nil when the list
// Failed(); problems have no places. Of opts, Dir and ReadFile are used.
func Observe(name string, settings []Setting, opts Options) (*model.Observe, *diag.List) {
	l := newLoader(opts)
	l.parser.StartFile("")
	l.parser.Line(statement(false, "observe", name))
	for _, s := range settings {
		l.parser.Line(statement(true, append(strings.Fields(s.Keyword), s.Args...)...))
	}
	c, list := l.finish()
	if c == nil {
		return nil, list
	}
	return c.Observes[0], list
}

// statement makes a line of words; quoted ones open no section and take nothing back.
func statement(quoted bool, words ...string) syntax.Line {
	var ln syntax.Line
	for _, w := range words {
		ln.Words = append(ln.Words, syntax.Word{Text: w, Quoted: quoted})
	}
	return ln
}
