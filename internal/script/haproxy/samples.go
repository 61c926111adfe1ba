package haproxy

import (
	"fmt"
	"strings"

	"eddy/internal/config/expr"
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// nameIndex finds fetches and converters by the name that Lua writes.
type nameIndex struct {
	names []string
	byLua map[string]int
}

// newNameIndex lists names under themselves and with '.', '-' and '+' written '_' (lua.txt, "txn").
func newNameIndex(names []string) *nameIndex {
	x := &nameIndex{names: names, byLua: map[string]int{}}
	for i, n := range names {
		x.byLua[n] = i
	}
	for i, n := range names {
		lua := strings.Map(func(r rune) rune {
			if r == '.' || r == '-' || r == '+' {
				return '_'
			}
			return r
		}, n)
		if _, taken := x.byLua[lua]; !taken {
			x.byLua[lua] = i
		}
	}
	return x
}

// find is the Func that gives the number of a name, or nil.
func (x *nameIndex) find(c *vm.Call) error {
	if i, ok := x.byLua[string(c.Bytes(1))]; ok {
		c.PushInt(int64(i))
	} else {
		c.PushNil()
	}
	return nil
}

// name gives the name of the number in argument i.
func (x *nameIndex) name(c *vm.Call, i int) (string, error) {
	n, ok := c.Int(i)
	if !ok || n < 0 || n >= int64(len(x.names)) {
		return "", fmt.Errorf("no such sample")
	}
	return x.names[n], nil
}

// fetchNames lists the fetches under all their names.
func fetchNames() []string {
	var out []string
	for _, f := range expr.Fetches() {
		out = append(append(out, f.Name), f.Aliases...)
	}
	return out
}

func (u *unit) sampleFuncs() lib.Funcs {
	fetches, converters := newNameIndex(fetchNames()), newNameIndex(sample.ConverterNames())
	return lib.Funcs{
		"fetch_find": fetches.find,
		"conv_find":  converters.find,
		// fetch_call(handle, id, safe, ...)
		"fetch_call": func(c *vm.Call) error {
			k, err := u.self(c)
			if err != nil {
				return err
			}
			name, err := fetches.name(c, 2)
			if err != nil {
				return err
			}
			args, err := stringArgs(c, 4, name)
			if err != nil {
				return err
			}
			v, ok, err := u.b.opts.Env.CallFetch(k.traffic(), name, args)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			u.pushSample(c, v, ok, c.Bool(3))
			return nil
		},
		// conv_call(handle, id, safe, input, ...)
		"conv_call": func(c *vm.Call) error {
			k, err := u.self(c)
			if err != nil {
				return err
			}
			name, err := converters.name(c, 2)
			if err != nil {
				return err
			}
			args, err := stringArgs(c, 5, name)
			if err != nil {
				return err
			}
			v, ok, err := u.b.opts.Env.CallConverter(k.traffic(), name, argSample(c, 4), args)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			u.pushSample(c, v, ok, c.Bool(3))
			return nil
		},
	}
}

// traffic is the call's transaction, or one without traffic.
func (k *call) traffic() *txn.Txn {
	if k.tx == nil {
		k.tx = k.b.noTraffic()
	}
	return k.tx
}

// stringArgs gives the arguments from number from on. A sample's arguments are texts; booleans are 1 and 0.
func stringArgs(c *vm.Call, from int, who string) ([]string, error) {
	if c.N() < from {
		return nil, nil
	}
	args := make([]string, 0, c.N()-from+1)
	for i := from; i <= c.N(); i++ {
		switch c.Kind(i) {
		case vm.KindNil: // an argument that is left out at the end
			if rest := onlyNil(c, i); rest {
				return args, nil
			}
			args = append(args, "")
		case vm.KindBool:
			if c.Bool(i) {
				args = append(args, "1")
			} else {
				args = append(args, "0")
			}
		default:
			s, err := lib.Str(c, i, who, i-from+1)
			if err != nil {
				return nil, err
			}
			args = append(args, s)
		}
	}
	return args, nil
}

func onlyNil(c *vm.Call, from int) bool {
	for i := from; i <= c.N(); i++ {
		if !c.IsNil(i) {
			return false
		}
	}
	return true
}
