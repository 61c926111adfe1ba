package sample

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

func argTexts(m *model.Call) []string {
	var out []string
	for _, a := range m.Args {
		out = append(out, a.Text)
	}
	return out
}

// scriptFetch binds a fetch that a script registered.
func (e *Env) scriptFetch(name string, m *model.Call) (call.Fetch, bool) {
	if e.Lua != nil {
		if f, ok := e.Lua.Fetch(name); ok {
			args := argTexts(m)
			return call.Fetch{Get: func(tx *txn.Txn, _ *call.Call) (txn.Value, bool) { return f(tx, args) }}, true
		}
	}
	e.errorf(m.Pos, "register it with core.register_fetches(\""+name+"\", ...)", "no script has registered the fetch %q", "lua."+name)
	return call.Fetch{}, false
}

// scriptConverter binds a converter that a script registered.
func (e *Env) scriptConverter(name string, m *model.Call) (step, bool) {
	if e.Lua != nil {
		if f, ok := e.Lua.Converter(name); ok {
			args := argTexts(m)
			apply := func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) { return f(tx, v, args) }
			return step{apply: apply, in: txn.TypeNone}, true
		}
	}
	e.errorf(m.Pos, "register it with core.register_converters(\""+name+"\", ...)", "no script has registered the converter %q", "lua."+name)
	return step{}, false
}

// maxCalls bounds how many calls of scripts are kept compiled; those beyond are compiled each time.
const maxCalls = 4096

type callCount struct{ n atomic.Int64 }

// compiled is a call of a script with its arguments resolved, or what is wrong with it.
type compiled struct {
	fetch *Expr
	conv  *step
	err   error
}

// CallFetch evaluates a fetch for a script: txn.f:NAME(args). Names are accepted with '_' for '.', '-' and '+', as Lua
// needs them. The error says what is wrong with name or arguments; no value is no error.
func (e *Env) CallFetch(tx *txn.Txn, name string, args []string) (txn.Value, bool, error) {
	c := e.compiled('f', name, args)
	if c.err != nil {
		return txn.Value{}, false, c.err
	}
	v, ok := c.fetch.Eval(tx)
	return v, ok, nil
}

// CallConverter applies a converter for a script: txn.c:NAME(in, args).
func (e *Env) CallConverter(tx *txn.Txn, name string, in txn.Value, args []string) (txn.Value, bool, error) {
	c := e.compiled('c', name, args)
	if c.err != nil {
		return txn.Value{}, false, c.err
	}
	v, ok := cast.To(in, c.conv.in, &tx.Scratch)
	if !ok {
		return txn.Value{}, false, nil
	}
	v, ok = c.conv.apply(tx, v, &c.conv.call)
	return v, ok, nil
}

func (e *Env) compiled(kind byte, name string, args []string) *compiled {
	key := name
	if len(args) > 0 {
		key += "\x00" + strings.Join(args, "\x00")
	}
	if kind == 'c' {
		key = "\x00" + key
	}
	if c, ok := e.calls.Load(key); ok {
		return c.(*compiled)
	}
	c := e.compile(kind, name, args)
	if e.size.n.Load() < maxCalls {
		e.size.n.Add(1)
		e.calls.Store(key, c)
	}
	return c
}

// compile goes the way of the configuration: the same checks, the same messages.
func (e *Env) compile(kind byte, name string, args []string) *compiled {
	var list diag.List
	quiet := &Env{Proxies: e.Proxies, Proc: e.Proc, Files: e.Files, Lua: e.Lua, Process: e.Process, Problems: &list}
	use := model.Call{}
	for _, a := range args {
		use.Args = append(use.Args, model.Arg{Text: a})
	}
	out := &compiled{}
	if kind == 'f' {
		if use.Name = scriptNames().fetches[name]; use.Name == "" {
			use.Name = name
		}
		if expr.CheckFetch(&list, &use) {
			out.fetch = quiet.Expr(&model.Expr{Fetch: use, Text: name})
		}
	} else {
		if use.Name = scriptNames().converters[name]; use.Name == "" {
			use.Name = name
		}
		if expr.CheckConverter(&list, &use) {
			s, _ := quiet.buildStep(&use)
			out.conv = &s
		}
	}
	if list.Failed() {
		for _, p := range list.All() {
			if p.Severity == diag.Error {
				return &compiled{err: problemError(p)}
			}
		}
	}
	return out
}

func problemError(p diag.Problem) error {
	if p.Hint != "" {
		return fmt.Errorf("%s (%s)", p.Text, p.Hint)
	}
	return fmt.Errorf("%s", p.Text)
}

type names struct{ fetches, converters map[string]string }

var scriptNames = sync.OnceValue(func() names {
	n := names{map[string]string{}, map[string]string{}}
	fold := strings.NewReplacer(".", "_", "-", "_", "+", "_")
	// Full names come last, so that one is never hidden by another's folded form.
	for _, pass := range []func(string) string{fold.Replace, func(s string) string { return s }} {
		for _, f := range expr.Fetches() {
			for _, name := range append([]string{f.Name}, f.Aliases...) {
				n.fetches[pass(name)] = f.Name
			}
		}
		for _, c := range expr.Converters() {
			n.converters[pass(c.Name)] = c.Name
		}
	}
	return n
})

// FetchNames lists the fetches by their full names.
func FetchNames() []string {
	var out []string
	for _, f := range expr.Fetches() {
		out = append(out, f.Name)
	}
	return out
}

// ConverterNames lists the converters.
func ConverterNames() []string {
	var out []string
	for _, c := range expr.Converters() {
		out = append(out, c.Name)
	}
	return out
}
