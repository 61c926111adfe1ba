package native

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"eddy/internal/base/value"
)

// payload reads a job's data: a table whose fields a handler asks for by name. The first thing that is wrong is kept; what is
// read after it is worth nothing. The fields that were asked for are those that may be there: end refuses any other, and says
// that before all else, as a field with a typing mistake is mostly one that is missing, too.
type payload struct {
	form  string // the right form, for errors
	table *value.Table
	asked []string
	err   error
}

// open decodes data, which may be any bytes.
func open(data []byte, form string) *payload {
	p := &payload{form: form}
	v, rest, err := value.Decode(data)
	switch t, ok := v.AsTable(); {
	case len(data) == 0:
		p.wrong("the job has no data")
	case err != nil || len(rest) > 0:
		p.wrong("the job's data is damaged")
	case !ok:
		p.wrong("the job's data is a " + v.Kind.String() + ", not a table")
	default:
		p.table = t
	}
	return p
}

// wrong notes what is wrong with the payload as a whole.
func (p *payload) wrong(what string) {
	if p.err == nil {
		p.err = never(errors.New(what + ": write it as " + p.form))
	}
}

// bad notes what is wrong with a field.
func (p *payload) bad(field, format string, a ...any) {
	p.wrong("'" + field + "' " + fmt.Sprintf(format, a...))
}

// get finds a field; nil when it is not there.
func (p *payload) get(name string) value.Value {
	p.asked = append(p.asked, name)
	return p.table.Get(name)
}

// has says that a field is there.
func (p *payload) has(name string) bool { return !p.table.Get(name).IsNil() }

// text is a string or a number, as text; "" when it is not there.
func (p *payload) text(name string) string {
	v := p.get(name)
	if v.IsNil() {
		return ""
	}
	s, ok := asText(v)
	if !ok {
		p.bad(name, "is a %s, not a string", v.Kind)
	}
	return s
}

// line is text that ends up in a line of a protocol: there are no control bytes in it.
func (p *payload) line(name string) string {
	s := p.text(name)
	if i := control(s); i >= 0 {
		p.bad(name, "has a control byte (%#02x) at byte %d", s[i], i+1)
	}
	return s
}

// whole is a whole number; def when it is not there.
func (p *payload) whole(name string, def, low, high int) int {
	v := p.get(name)
	if v.IsNil() {
		return def
	}
	n, ok := v.AsInt()
	if s, isText := v.AsStr(); isText {
		var err error
		n, err = strconv.ParseInt(s, 10, 64)
		ok = err == nil
	}
	if !ok || n < int64(low) || n > int64(high) {
		p.bad(name, "must be a whole number from %d to %d", low, high)
		return def
	}
	return int(n)
}

// seconds is a time, at most a day; 0 when it is not there.
func (p *payload) seconds(name string) time.Duration {
	v := p.get(name)
	if v.IsNil() {
		return 0
	}
	n, ok := v.AsNum()
	if !ok || !(n >= 0.001 && n <= 86400) {
		p.bad(name, "must be a number of seconds, at most 86400")
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

// flag is a boolean; false when it is not there.
func (p *payload) flag(name string) bool {
	v := p.get(name)
	if v.Kind != value.KindBool && !v.IsNil() {
		p.bad(name, "is a %s, not true or false", v.Kind)
	}
	return v.Truth()
}

// list is a string, or a list of them; nil when it is not there.
func (p *payload) list(name string) []string {
	v := p.get(name)
	if v.IsNil() {
		return nil
	}
	return p.strings(name, v)
}

// strings gives v, which is a string, a number or a list of them.
func (p *payload) strings(name string, v value.Value) []string {
	if s, ok := asText(v); ok {
		return []string{s}
	}
	t, ok := v.AsTable()
	if !ok {
		p.bad(name, "is a %s, not a string or a list of strings", v.Kind)
		return nil
	}
	if t != nil && len(t.Map) > 0 {
		p.bad(name, "has named fields or gaps; it must be a list of strings")
		return nil
	}
	return p.items(name, t)
}

// items gives the strings of a list.
func (p *payload) items(name string, t *value.Table) []string {
	if t == nil {
		return nil
	}
	out := make([]string, len(t.Arr))
	for i, v := range t.Arr {
		s, ok := asText(v)
		if !ok {
			p.bad(name, "has a %s at place %d, not a string", v.Kind, i+1)
			return nil
		}
		out[i] = s
	}
	return out
}

// pair is a name with a value, as of a header.
type pair struct{ name, value string }

// pairs is a table of named strings, or of lists of them, by name; nil when it is not there.
func (p *payload) pairs(name string) []pair {
	v := p.get(name)
	if v.IsNil() {
		return nil
	}
	t, ok := v.AsTable()
	if !ok || t != nil && len(t.Arr) > 0 {
		p.bad(name, `must be a table of strings by their names, {["X-One"] = "1"}`)
		return nil
	}
	if t == nil {
		return nil
	}
	var out []pair
	for _, f := range t.Map {
		key, ok := f.Key.AsStr()
		if !ok {
			p.bad(name, "has a name that is a %s, not a string", f.Key.Kind)
			return nil
		}
		for _, s := range p.strings(name+"["+strconv.Quote(short(key, 50))+"]", f.Value) {
			out = append(out, pair{key, s})
		}
	}
	slices.SortStableFunc(out, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return out
}

// end gives what was wrong, if anything; a field that nobody asked for is.
func (p *payload) end() error {
	if p.table != nil && len(p.table.Arr) > 0 {
		p.err = nil
		p.wrong("the job's data is a list, not a table of named fields")
	}
	return p.endList()
}

// endList is end for payloads that are a list, too.
func (p *payload) endList() error {
	if p.table == nil {
		return p.err
	}
	for _, f := range p.table.Map {
		key, ok := f.Key.AsStr()
		switch {
		case !ok:
			p.err = nil
			p.wrong("the job's data has a " + f.Key.Kind.String() + " as the name of a field")
			return p.err
		case !slices.Contains(p.asked, key):
			p.err = nil
			p.wrong(fmt.Sprintf("there is no field %q (there are %s)", short(key, 50), strings.Join(p.asked, ", ")))
			return p.err
		}
	}
	return p.err
}

// asText gives strings as they are and numbers as Lua writes them.
func asText(v value.Value) (string, bool) {
	if s, ok := v.AsStr(); ok {
		return s, true
	}
	if v.Kind == value.KindInt {
		n, _ := v.AsInt()
		return strconv.FormatInt(n, 10), true
	}
	n, ok := v.AsNum()
	if !ok {
		return "", false
	}
	s := strconv.FormatFloat(n, 'g', 14, 64)
	if n == math.Trunc(n) && !strings.ContainsAny(s, "e.In") {
		s += ".0"
	}
	return s, true
}

// control is the index of the first control byte in s, tabs aside, or -1.
func control(s string) int {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f })
}
