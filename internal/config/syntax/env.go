package syntax

import (
	"maps"
	"strings"
)

// Env is the environment that "$NAME" sees: the process's, changed by what the configuration sets. Its zero value
// is an empty environment.
type Env struct {
	outside func(string) (string, bool)
	set     map[string]string
	unset   map[string]bool
	reset   bool            // nothing of outside is seen but keep
	keep    map[string]bool // names that a reset left
}

// NewEnv makes an Env over lookup, which may be nil. builtin are variables that the program defines itself; they
// win over the process's and Changes does not list them.
func NewEnv(lookup func(string) (string, bool), builtin map[string]string) *Env {
	return &Env{outside: func(name string) (string, bool) {
		if v, ok := builtin[name]; ok {
			return v, true
		}
		if lookup == nil {
			return "", false
		}
		return lookup(name)
	}}
}

// Lookup gives a variable's value and whether it is set.
func (e *Env) Lookup(name string) (string, bool) {
	if v, ok := e.set[name]; ok {
		return v, true
	}
	if e.unset[name] || e.outside == nil || (e.reset && !e.keep[name]) {
		return "", false
	}
	return e.outside(name)
}

// Set is "setenv".
func (e *Env) Set(name, value string) {
	if e.set == nil {
		e.set = map[string]string{}
	}
	e.set[name] = value
	delete(e.unset, name)
}

// Unset is "unsetenv".
func (e *Env) Unset(name string) {
	if e.unset == nil {
		e.unset = map[string]bool{}
	}
	e.unset[name] = true
	delete(e.set, name)
}

// Reset is "resetenv": only the names in keep stay.
func (e *Env) Reset(keep []string) {
	wanted := map[string]bool{}
	for _, k := range keep {
		wanted[k] = true
	}
	maps.DeleteFunc(e.set, func(name, _ string) bool { return !wanted[name] })
	if e.reset {
		maps.DeleteFunc(wanted, func(name string, _ bool) bool { return !e.keep[name] })
	}
	e.reset, e.keep = true, wanted
}

// Changes tells how the configuration left the process's environment: what it set, what it removed, and, when it
// reset it, the names it kept.
func (e *Env) Changes() (set map[string]string, unset []string, reset bool, keep []string) {
	for name := range e.unset {
		unset = append(unset, name)
	}
	for name := range e.keep {
		keep = append(keep, name)
	}
	return maps.Clone(e.set), unset, e.reset, keep
}

// isNameByte says whether c may stand in a variable's name.
func isNameByte(c byte, first bool) bool {
	switch {
	case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return true
	case c >= '0' && c <= '9':
		return !first
	}
	return false
}

// splitList cuts the value of "${NAME[*]}" into its words.
func splitList(v string) []string { return strings.Fields(v) }

// Expand replaces $NAME and ${NAME} in an address, where they need no quotes (configuration.txt §2.9). A variable that
// is not set is replaced by nothing.
func (e *Env) Expand(text string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '$')
		if i < 0 || e == nil {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		name, rest, ok := variableName(text[i+1:])
		if !ok {
			b.WriteByte('$')
			text = text[i+1:]
			continue
		}
		v, _ := e.Lookup(name)
		b.WriteString(v)
		text = rest
	}
}

// variableName takes NAME or {NAME} off the front of text.
func variableName(text string) (name, rest string, ok bool) {
	braced := strings.HasPrefix(text, "{")
	if braced {
		text = text[1:]
	}
	n := 0
	for n < len(text) && isNameByte(text[n], n == 0) {
		n++
	}
	name, rest = text[:n], text[n:]
	if braced {
		rest, ok = strings.CutPrefix(rest, "}")
		return name, rest, ok && n > 0
	}
	return name, rest, n > 0
}
