package value

import (
	"fmt"
	"strconv"
)

// Plain says that v can leave the Lua state that it is from, as it has neither functions nor objects in it. The error names the
// first that it has, by where it is: ".items[3]". Tables may be nested 32 deep.
func Plain(v Value) error {
	bad := plain(v, 0)
	switch {
	case bad == nil:
		return nil
	case bad.deep:
		return ErrDepth
	}
	where := "it"
	if bad.where != "" {
		where = bad.where
	}
	return fmt.Errorf("%s is a %s: only nil, booleans, numbers, strings and tables of these can be kept", where, bad.kind)
}

// notPlain is what was found; its place grows from the end to the front.
type notPlain struct {
	kind  Kind
	where string
	deep  bool
}

func (n *notPlain) in(step string) *notPlain {
	n.where = step + n.where
	return n
}

func plain(v Value, depth int) *notPlain {
	switch v.Kind {
	case KindNil, KindBool, KindInt, KindNum, KindStr:
		return nil
	case KindTable:
	default:
		return &notPlain{kind: v.Kind}
	}
	if depth >= maxDepth {
		return &notPlain{deep: true}
	}
	if v.t == nil {
		return nil
	}
	for i := range v.t.Arr {
		if bad := plain(v.t.Arr[i], depth+1); bad != nil {
			return bad.in("[" + strconv.Itoa(i+1) + "]")
		}
	}
	for i := range v.t.Map {
		p := &v.t.Map[i]
		if bad := plain(p.Key, depth+1); bad != nil {
			return bad.in("[a key]")
		}
		if bad := plain(p.Value, depth+1); bad != nil {
			return bad.in(step(p.Key))
		}
	}
	return nil
}

// step is how Lua writes the way to a key, where it is short.
func step(key Value) string {
	const long = 40
	switch key.Kind {
	case KindStr:
		for i := range len(key.s) {
			c := key.s[i]
			letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || i > 0 && '0' <= c && c <= '9'
			if !letter || i >= long {
				return "[" + strconv.QuoteToASCII(key.s[:min(len(key.s), long)]) + "]"
			}
		}
		return "." + key.s
	case KindInt:
		return "[" + strconv.FormatInt(key.n, 10) + "]"
	}
	return "[" + key.Kind.String() + "]"
}
