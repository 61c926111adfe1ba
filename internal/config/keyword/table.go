package keyword

import (
	"slices"
	"strings"

	"eddy/internal/config/syntax"
)

// table finds declarations by name.
type table struct {
	all    []Decl
	byName map[string][]*Decl // a name may mean different things in global and in proxies
	absent map[string]bool    // names of HAProxy that eddy has not
}

// Declarations gives every keyword, in the order of the documentation.
func Declarations() []Decl {
	return slices.Concat(
		globalDecls(), environmentDecls(), luaDecls(), tuneDecls(),
		proxyDecls(), timeoutDecls(), logDecls(), optionDecls(), frontDecls(), ruleDecls(),
		backDecls(), errorDecls(), checkDecls(), idleDecls(), ObserveDecls(), queueDecls(),
	)
}

func newTable() *table {
	t := &table{all: Declarations(), byName: map[string][]*Decl{}, absent: map[string]bool{}}
	for i := range t.all {
		d := &t.all[i]
		t.byName[d.Name] = append(t.byName[d.Name], d)
	}
	for _, name := range absentKeywords() {
		if t.byName[name] == nil {
			t.absent[name] = true
		}
	}
	return t
}

// find gives the declaration with the longest name that words begin with, one for section where if there is any, and
// the number of words of its name. Where names of several words begin with the first one, a declaration for other
// sections is not what was meant.
func (t *table) find(words []syntax.Word, where Sections) (*Decl, int) {
	for n := min(3, len(words)); n > 0; n-- {
		ds := t.byName[joinWords(words[:n])]
		for _, d := range ds {
			in := d.In
			if in&Defaults != 0 {
				in |= NamedDefaults
			}
			if in&where != 0 {
				return d, n
			}
		}
		if len(ds) > 0 && (n > 1 || len(t.group(words[0].Text, where)) == 0) {
			return ds[0], n
		}
	}
	return nil, 0
}

// group gives the names of several words that begin with first and are for section where.
func (t *table) group(first string, where Sections) []string {
	return t.filter(where, func(name string) bool { return strings.HasPrefix(name, first+" ") })
}

// names gives all names for section where.
func (t *table) names(where Sections) []string {
	return t.filter(where, func(string) bool { return true })
}

func (t *table) filter(where Sections, want func(string) bool) []string {
	if where == NamedDefaults {
		where |= Defaults
	}
	var out []string
	for i := range t.all {
		if d := &t.all[i]; d.In&where != 0 && want(d.Name) {
			out = append(out, d.Name)
		}
	}
	return out
}
