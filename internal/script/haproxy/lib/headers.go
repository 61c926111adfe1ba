package lib

import (
	"errors"
	"fmt"
	"sort"

	"eddy/internal/script/vm"
)

// Header is one header field.
type Header struct{ Name, Value string }

// ReadHeaders reads {name = {value, ...}} or {name = value}; lists may begin at 0 or 1. The names come out sorted,
// since a Lua table has no order.
func ReadHeaders(t *vm.Table) ([]Header, error) {
	var out []Header
	for _, p := range t.Map {
		name, ok := p.Key.AsStr()
		if !ok {
			return nil, errors.New("a header's name must be a string")
		}
		values := []vm.Value{p.Value}
		if list, ok := p.Value.AsTable(); ok {
			values = values[:0]
			for _, e := range list.Map {
				if i, ok := e.Key.AsInt(); ok && i == 0 {
					values = append(values, e.Value)
				}
			}
			values = append(values, list.Arr...)
		}
		for _, v := range values {
			s, ok := Text(v)
			if !ok {
				return nil, fmt.Errorf("the value of header %q must be a string or a list of strings", name)
			}
			out = append(out, Header{name, s})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// Text is a string or a number as text.
func Text(v vm.Value) (string, bool) {
	if s, ok := v.AsStr(); ok {
		return s, true
	}
	if n, ok := v.AsInt(); ok {
		return fmt.Sprint(n), true
	}
	if f, ok := v.AsNum(); ok {
		return fmt.Sprint(f), true
	}
	return "", false
}
