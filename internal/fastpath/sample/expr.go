package sample

import (
	"strings"

	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/sample/convert"
	"eddy/internal/fastpath/sample/fetch"
	"eddy/internal/fastpath/txn"
)

type step struct {
	apply func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool)
	in    txn.ValueType // cast to this first; TypeNone: as it is
	call  call.Call
}

// Expr is an expression ready to be evaluated.
type Expr struct {
	fetch call.Fetch
	call  call.Call
	steps []step
	text  string
}

// Expr builds an expression. What can't be resolved (a backend that is not there, a map that can't be read) is
// reported in e.Problems; the Expr given back then has no value. A nil m gives nil.
func (e *Env) Expr(m *model.Expr) *Expr {
	if m == nil {
		return nil
	}
	x := &Expr{text: m.Text}
	if !e.buildFetch(x, &m.Fetch) {
		return &Expr{fetch: call.Fetch{Get: noValue}, text: m.Text}
	}
	for i := range m.Convs {
		s, ok := e.buildStep(&m.Convs[i])
		if !ok {
			return &Expr{fetch: call.Fetch{Get: noValue}, text: m.Text}
		}
		x.steps = append(x.steps, s)
	}
	return x
}

func noValue(*txn.Txn, *call.Call) (txn.Value, bool) { return txn.Value{}, false }

func (e *Env) buildFetch(x *Expr, m *model.Call) bool {
	x.call = call.Call{World: e.world(), Pos: m.Pos, Name: m.Name}
	if name, ok := strings.CutPrefix(m.Name, "lua."); ok {
		f, ok := e.scriptFetch(name, m)
		x.fetch = f
		return ok
	}
	f, ok := fetch.Table()[m.Name]
	if m.Name == "acl" {
		f, ok = e.aclFetch(), true
	}
	spec := expr.Fetch(m.Name)
	if !ok || spec == nil {
		e.errorf(m.Pos, "", "there is no fetch %q", m.Name)
		return false
	}
	x.fetch = f
	return e.resolve(&x.call, m, spec.Args, f.Prepare)
}

func (e *Env) buildStep(m *model.Call) (step, bool) {
	s := step{call: call.Call{World: e.world(), Pos: m.Pos, Name: m.Name}}
	if name, ok := strings.CutPrefix(m.Name, "lua."); ok {
		return e.scriptConverter(name, m)
	}
	conv, ok := convert.Table()[m.Name]
	spec := expr.Converter(m.Name)
	if !ok || spec == nil {
		e.errorf(m.Pos, "", "there is no converter %q", m.Name)
		return s, false
	}
	s.apply, s.in = conv.Apply, valueType(spec.In)
	return s, e.resolve(&s.call, m, spec.Args, conv.Prepare)
}

// resolve turns the arguments into what the code needs.
func (e *Env) resolve(c *call.Call, m *model.Call, decl []expr.Arg, prepare func(*call.Call) error) bool {
	for i := range m.Args {
		kind := expr.KindStr
		if len(decl) > 0 {
			kind = decl[min(i, len(decl)-1)].Kind
		}
		a, err := c.World.Resolve(m.Args[i], kind)
		if err != nil {
			e.errorf(m.Args[i].Pos, "", "%s: %v", m.Name, err)
			return false
		}
		c.Args = append(c.Args, a)
	}
	if prepare != nil {
		if err := prepare(c); err != nil {
			e.errorf(m.Pos, "", "%s: %v", m.Name, err)
			return false
		}
	}
	return true
}

func valueType(t expr.Type) txn.ValueType {
	switch t {
	case expr.Bool:
		return txn.TypeBool
	case expr.Int:
		return txn.TypeInt
	case expr.Addr:
		return txn.TypeAddr
	case expr.Str:
		return txn.TypeStr
	case expr.Bin:
		return txn.TypeBin
	case expr.Meth:
		return txn.TypeMeth
	}
	return txn.TypeNone
}

// Text is the expression as it was written.
func (x *Expr) Text() string { return x.text }

// Eval gives the expression's value. It reports false when there is none: the fetch found nothing or a converter
// could not work. Where more bytes could change that, tx.Undecided is set. A nil Expr has no value.
func (x *Expr) Eval(tx *txn.Txn) (txn.Value, bool) {
	if x == nil {
		return txn.Value{}, false
	}
	v, ok := x.fetch.Get(tx, &x.call)
	if !ok {
		return txn.Value{}, false
	}
	return x.convert(tx, v)
}

func (x *Expr) convert(tx *txn.Txn, v txn.Value) (txn.Value, bool) {
	var ok bool
	for i := range x.steps {
		s := &x.steps[i]
		if v, ok = cast.To(v, s.in, &tx.Scratch); !ok {
			return txn.Value{}, false
		}
		if v, ok = s.apply(tx, v, &s.call); !ok {
			return txn.Value{}, false
		}
	}
	return v, true
}

// EvalStr is Eval with the value cast to text.
func (x *Expr) EvalStr(tx *txn.Txn) ([]byte, bool) {
	v, ok := x.Eval(tx)
	if !ok {
		return nil, false
	}
	v, ok = cast.To(v, txn.TypeStr, &tx.Scratch)
	return v.B, ok
}

// EvalAs is Eval with the value cast to a type.
func (x *Expr) EvalAs(tx *txn.Txn, to txn.ValueType) (txn.Value, bool) {
	v, ok := x.Eval(tx)
	if !ok {
		return v, false
	}
	return cast.To(v, to, &tx.Scratch)
}
