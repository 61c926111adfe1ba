package sample

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

// fetch is the code behind an expr.FetchSpec.
type fetch struct {
	get func(tx *txn.Txn, c *call) (txn.Value, bool)
	// next gives the values one by one for ACLs that try them all; nil for fetches that have one value.
	next func(tx *txn.Txn, c *call, at cursor) (txn.Value, cursor, bool)
	// prepare turns arguments into c.data when the expression is built.
	prepare func(c *call) error
}

// cursor is where next goes on: in which header, at which byte.
type cursor struct{ i, off int }

// converter is the code behind an expr.ConvSpec.
type converter struct {
	apply   func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool)
	prepare func(c *call) error
}

// call is one use of a fetch or converter with its arguments resolved.
type call struct {
	env  *Env
	pos  diag.Pos
	name string
	args []arg
	data any // what prepare made
}

type step struct {
	apply func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool)
	in    txn.ValueType // cast to this first; TypeNone: as it is
	call  call
}

// Expr is an expression ready to be evaluated.
type Expr struct {
	fetch fetch
	call  call
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
		return &Expr{fetch: fetch{get: noValue}, text: m.Text}
	}
	for i := range m.Convs {
		s, ok := e.buildStep(&m.Convs[i])
		if !ok {
			return &Expr{fetch: fetch{get: noValue}, text: m.Text}
		}
		x.steps = append(x.steps, s)
	}
	return x
}

func noValue(*txn.Txn, *call) (txn.Value, bool) { return txn.Value{}, false }

func (e *Env) buildFetch(x *Expr, m *model.Call) bool {
	x.call = call{env: e, pos: m.Pos, name: m.Name}
	if name, ok := strings.CutPrefix(m.Name, "lua."); ok {
		f, ok := e.scriptFetch(name, m)
		x.fetch = f
		return ok
	}
	f, ok := fetchTable()[m.Name]
	spec := expr.Fetch(m.Name)
	if !ok || spec == nil {
		e.errorf(m.Pos, "", "there is no fetch %q", m.Name)
		return false
	}
	x.fetch = f
	return e.resolve(&x.call, m, spec.Args, f.prepare)
}

func (e *Env) buildStep(m *model.Call) (step, bool) {
	s := step{call: call{env: e, pos: m.Pos, name: m.Name}}
	if name, ok := strings.CutPrefix(m.Name, "lua."); ok {
		return e.scriptConverter(name, m)
	}
	conv, ok := converterTable()[m.Name]
	spec := expr.Converter(m.Name)
	if !ok || spec == nil {
		e.errorf(m.Pos, "", "there is no converter %q", m.Name)
		return s, false
	}
	s.apply, s.in = conv.apply, valueType(spec.In)
	return s, e.resolve(&s.call, m, spec.Args, conv.prepare)
}

// resolve turns the arguments into what the code needs.
func (e *Env) resolve(c *call, m *model.Call, decl []expr.Arg, prepare func(*call) error) bool {
	for i := range m.Args {
		kind := expr.KindStr
		if len(decl) > 0 {
			kind = decl[min(i, len(decl)-1)].Kind
		}
		a, err := e.arg(c, m.Args[i], kind)
		if err != nil {
			e.errorf(m.Args[i].Pos, "", "%s: %v", m.Name, err)
			return false
		}
		c.args = append(c.args, a)
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
	v, ok := x.fetch.get(tx, &x.call)
	if !ok {
		return txn.Value{}, false
	}
	return x.convert(tx, v)
}

func (x *Expr) convert(tx *txn.Txn, v txn.Value) (txn.Value, bool) {
	var ok bool
	for i := range x.steps {
		s := &x.steps[i]
		if v, ok = Cast(v, s.in, &tx.Scratch); !ok {
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
	v, ok = Cast(v, txn.TypeStr, &tx.Scratch)
	return v.B, ok
}

// EvalAs is Eval with the value cast to a type.
func (x *Expr) EvalAs(tx *txn.Txn, to txn.ValueType) (txn.Value, bool) {
	v, ok := x.Eval(tx)
	if !ok {
		return v, false
	}
	return Cast(v, to, &tx.Scratch)
}
