package expr

import "strings"

// Type is what a fetch or converter yields or takes (configuration.txt §7.1).
type Type uint8

// The types. Any is known only at run time (var) or is whatever came in (set-var as a converter).
const (
	Any Type = iota
	Bool
	Int
	Addr
	Str
	Bin
	Meth
)

// String names the type as documentation does.
func (t Type) String() string {
	return [...]string{"any", "boolean", "integer", "address", "string", "binary", "method"}[t]
}

// CastsTo says whether a value of type t can be turned into type to; that it may still fail for some values
// (an IPv6 address as an integer) shows at run time.
func (t Type) CastsTo(to Type) bool {
	if t == to || t == Any || to == Any || to == Str || to == Bin {
		return true
	}
	switch t {
	case Bool:
		return to == Int
	case Int:
		return to == Bool || to == Addr
	case Addr:
		return to == Int
	case Str:
		return true
	}
	return false
}

// Arg declares one argument of a fetch or converter.
type Arg struct {
	Name     string
	Kind     ArgKind
	Optional bool
	Choices  []string // for KindChoice
}

// ArgKind is what an argument has to look like.
type ArgKind uint8

// The kinds of arguments.
const (
	KindStr    ArgKind = iota // any text
	KindInt                   // a whole number
	KindUint                  // a whole number from 0 on
	KindVar                   // a variable, txn.name
	KindIntVar                // a whole number or a variable
	KindMask4                 // 24 or 255.255.255.0
	KindMask6                 // 64 or ffff::
	KindIPv4                  // an IPv4 address
	KindIPv6                  // an IPv6 address
	KindRegex                 // a regular expression
	KindFront                 // a frontend's name
	KindBack                  // a backend's name
	KindServer                // backend/server, or a server of this backend
	KindFile                  // a map's or pattern file's name
	KindHex                   // hexadecimal digits, two for each byte
	KindBool                  // true false 1 0
	KindChoice                // one of Choices
	KindACL                   // a named ACL, with or without '!'
	KindJSON                  // a JSON path
)

var kindNames = map[string]ArgKind{
	"int": KindInt, "uint": KindUint, "var": KindVar, "intvar": KindIntVar, "mask4": KindMask4, "mask6": KindMask6,
	"ipv4": KindIPv4, "ipv6": KindIPv6, "regex": KindRegex, "fe": KindFront, "be": KindBack, "srv": KindServer,
	"file": KindFile, "hex": KindHex, "bool": KindBool, "acl": KindACL, "json": KindJSON,
}

// FetchSpec declares a fetch.
type FetchSpec struct {
	Name    string
	Aliases []string // other names, most of them deprecated
	Args    []Arg
	Repeat  bool // the last argument may be given again, up to MaxArgs
	Out     Type
	Class   Class
	Doc     string
	Section string // of configuration.txt
}

// ConvSpec declares a converter.
type ConvSpec struct {
	Name    string
	Args    []Arg
	Repeat  bool
	In, Out Type // Out Any: as the input
	Doc     string
	Section string
}

// MaxArgs is how many arguments a fetch or converter can have.
const MaxArgs = 12

// Signature writes the arguments the way documentation does: "(name[,occ])".
func Signature(args []Arg) string {
	if len(args) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteByte('(')
	open := 0
	for i, a := range args {
		if a.Optional {
			b.WriteByte('[')
			open++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(a.Name)
	}
	b.WriteString(strings.Repeat("]", open))
	b.WriteByte(')')
	return b.String()
}

// argList reads the table's shorthand: words "name", "name:kind" or "name=a|b|c", with "?" behind those that may be
// left out and "*" behind one that repeats.
func argList(text string) (args []Arg, repeat bool) {
	for _, w := range strings.Fields(text) {
		var a Arg
		w, repeat = strings.CutSuffix(w, "*")
		w, a.Optional = strings.CutSuffix(w, "?")
		if name, choices, ok := strings.Cut(w, "="); ok {
			a.Name, a.Kind, a.Choices = name, KindChoice, strings.Split(choices, "|")
		} else {
			name, kind, _ := strings.Cut(w, ":")
			a.Name, a.Kind = name, kindNames[kind]
		}
		args = append(args, a)
	}
	return args, repeat
}

// row is one line of a table of fetches: the name with its aliases, arguments in shorthand, type, class and a
// sentence.
type row struct {
	names string
	args  string
	out   Type
	class Class
	doc   string
}

func (r row) spec(section string) FetchSpec {
	names := strings.Fields(r.names)
	s := FetchSpec{Name: names[0], Aliases: names[1:], Out: r.out, Class: r.class, Doc: r.doc, Section: section}
	s.Args, s.Repeat = argList(r.args)
	return s
}

// convRow is one line of a table of converters.
type convRow struct {
	name    string
	args    string
	in, out Type
	doc     string
}

func (r convRow) spec() ConvSpec {
	s := ConvSpec{Name: r.name, In: r.in, Out: r.out, Doc: r.doc, Section: "7.3.1"}
	s.Args, s.Repeat = argList(r.args)
	return s
}
