// Package keyword declares what may stand in a configuration: every keyword, bind and server option and rule action
// once, with its arguments, the sections it is for, one line of documentation, and how it changes the model. The
// parser, the checks and docs/configuration.md are all driven by these declarations.
//
// A Parser belongs to one goroutine.
package keyword

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// Sections is a set of kinds of section.
type Sections uint16

// The kinds of section. NamedDefaults are defaults sections with a name; what is allowed in Defaults is allowed there.
const (
	Global Sections = 1 << iota
	Defaults
	NamedDefaults
	Frontend
	Listen
	Backend
	HTTPErrors
	Observe
	Queue

	front    = Frontend | Listen
	back     = Backend | Listen
	proxies  = front | back
	anywhere = proxies | Defaults
)

// sectionNames are the words that open a section, in the order of their bits.
var sectionNames = []struct {
	bit  Sections
	name string
}{
	{Global, "global"}, {Defaults, "defaults"}, {NamedDefaults, "named defaults"}, {Frontend, "frontend"},
	{Listen, "listen"}, {Backend, "backend"}, {HTTPErrors, "http-errors"}, {Observe, "observe"},
	{Queue, "queue"},
}

// String lists the sections: "defaults, frontend, listen".
func (s Sections) String() string {
	var names []string
	for _, n := range sectionNames {
		if s&n.bit != 0 && !(n.bit == NamedDefaults && s&Defaults != 0) {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ", ")
}

// one is String with an article: "a frontend".
func (s Sections) one() string {
	if s == Observe {
		return "an " + s.String()
	}
	return "a " + s.String()
}

// Decl declares one keyword.
type Decl struct {
	Name   string // one to three words: "timeout client"
	In     Sections
	Params []Param
	// Opts documents the named options behind the positional arguments; they are read by Set.
	Opts []OptionDoc
	HTTP bool // means something in mode http only
	No   bool // may have "no" before it
	// NoEffect, when not empty, says why eddy reads the keyword and does nothing with it. Quiet ones do not even
	// deserve a warning: eddy behaves as they ask.
	NoEffect string
	Quiet    bool
	Doc      string // one line
	Spec     string // section of configuration.txt; "" when HAProxy has no such keyword
	Set      func(p *Parser, a Args)
}

// Kind says how a word of an argument is read.
type Kind uint8

// The kinds of argument. What each fills in of model.Param stands behind it.
const (
	Text    Kind = iota // Text
	Int                 // Int, between Min and Max
	Count               // Int, which may have k (1000) or m (1000000) behind it, between Min and Max
	Time                // Int, in nanoseconds
	Size                // Int, in bytes
	Choice              // Text, one of Choices
	OnOff               // Int, 1 for "on" and 0 for "off"
	Path                // Text, the path as it will be opened
	File                // Text as for Path, and Raw, the file's content
	Regex               // Text
	Format              // Fmt
	Expr                // Expr; takes as many words as it needs
	Var                 // Text, a variable's name with its scope
	HdrName             // Text, a header's name
	Rest                // the words that are left, unread: Args.Rest
)

// Param declares one argument.
type Param struct {
	Name     string
	Kind     Kind
	Min, Max int64 // of Int, Count, Time and Size; both 0: no limits beyond the kind's
	Choices  []string
	Optional bool
	Many     bool // as many as there are, one at least unless Optional
	Bare     bool // Time without a unit means seconds rather than milliseconds
}

// Args are the arguments of one line, action or option, read as its Params say.
type Args struct {
	At   diag.Pos      // of the keyword
	Name string        // the keyword as it was found
	No   bool          // "no" stands before it
	P    []model.Param // in declared order; those that are missing are not there
	Rest []syntax.Word
}

// Has says whether the i-th argument was given.
func (a Args) Has(i int) bool { return i < len(a.P) }

// Text is the i-th argument's text, or "".
func (a Args) Text(i int) string {
	if i < len(a.P) {
		return a.P[i].Text
	}
	return ""
}

// Int is the i-th argument's number, or 0.
func (a Args) Int(i int) int64 {
	if i < len(a.P) {
		return a.P[i].Int
	}
	return 0
}

// Option declares one named option of a kind of line, bind's and server's say; T is what it changes.
type Option[T any] struct {
	Name   string
	Params []Param
	Doc    string
	Spec   string
	// NoEffect is as in Decl.
	NoEffect string
	Quiet    bool
	Set      func(p *Parser, t *T, a Args)
}

// OptionDoc is what the documentation tells of an Option.
type OptionDoc struct {
	Name, Grammar, Doc, NoEffect string
}

// describe makes the documentation of a table of options.
func describe[T any](opts []Option[T]) []OptionDoc {
	out := make([]OptionDoc, len(opts))
	for i, o := range opts {
		out[i] = OptionDoc{o.Name, Grammar(o.Params), o.Doc, o.NoEffect}
	}
	return out
}

// Grammar writes parameters the way the documentation does: "<time> [<size>] …".
func Grammar(params []Param) string {
	var parts []string
	for _, p := range params {
		s := "<" + p.Name + ">"
		switch p.Kind {
		case Choice:
			s = strings.Join(p.Choices, "|")
			if len(p.Choices) > 1 && !p.Optional {
				s = "{ " + strings.Join(p.Choices, " | ") + " }"
			}
		case OnOff:
			s = "{ on | off }"
		}
		if p.Many {
			s += " …"
		}
		if p.Optional {
			s = "[" + s + "]"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

// Short forms for the tables.

func text(name string) Param   { return Param{Name: name} }
func number(name string) Param { return Param{Name: name, Kind: Int} }
func between(name string, lo, hi int64) Param {
	return Param{Name: name, Kind: Int, Min: lo, Max: hi}
}
func count(name string, lo, hi int64) Param {
	return Param{Name: name, Kind: Count, Min: lo, Max: hi}
}
func duration(name string) Param             { return Param{Name: name, Kind: Time} }
func size(name string) Param                 { return Param{Name: name, Kind: Size} }
func choice(name string, of ...string) Param { return Param{Name: name, Kind: Choice, Choices: of} }
func onOff() Param                           { return Param{Name: "switch", Kind: OnOff} }
func pathTo(name string) Param               { return Param{Name: name, Kind: Path} }
func format(name string) Param               { return Param{Name: name, Kind: Format} }
func expression(name string) Param           { return Param{Name: name, Kind: Expr} }
func rest(name string) Param                 { return Param{Name: name, Kind: Rest} }
func optional(p Param) Param                 { p.Optional = true; return p }
func many(p Param) Param                     { p.Many = true; return p }
func one(p ...Param) []Param                 { return p }
