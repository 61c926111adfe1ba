// Package sample evaluates what package expr declares: fetches, converters, conditions and log-format strings
// (configuration.txt §7, §8.2.6). Everything is resolved when it is built; evaluation takes a transaction and does
// not allocate on the common paths.
//
// An Env and what it builds may be used by any goroutine; each evaluation belongs to the goroutine of its
// transaction. Bytes in values live as long as the transaction.
package sample

import (
	"sync"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// Scripted finds fetches and converters of scripts, by the name behind "lua.".
type Scripted interface {
	Fetch(name string) (func(tx *txn.Txn, args []string) (txn.Value, bool), bool)
	Converter(name string) (func(tx *txn.Txn, in txn.Value, args []string) (txn.Value, bool), bool)
}

// Process tells what samples say of the process as a whole.
type Process = call.Process

// Env is what samples are built from. Its fields do not change once something was built.
type Env struct {
	Proxies  *proxy.Set
	Proc     *txn.ProcVars
	Files    *patfile.Store
	Lua      Scripted // may be nil
	Process  Process
	Problems *diag.List // may be nil; used while building only

	calls sync.Map // name and arguments → *compiled, see CallFetch
	size  callCount
}

// world is what fetches and converters get to see of e.
func (e *Env) world() *call.World {
	return &call.World{Proxies: e.Proxies, Proc: e.Proc, Files: e.Files, Process: &e.Process}
}

// Variable resolves "txn.name". It reports false when the name is no variable's.
func (e *Env) Variable(text string) (call.Variable, bool) { return e.world().Variable(text) }

func (e *Env) errorf(pos diag.Pos, hint, format string, args ...any) {
	if e.Problems != nil {
		e.Problems.Errorf(pos, hint, format, args...)
	}
}

// InitVars sets the variables of the global section's set-var and set-var-fmt lines, in order.
func (e *Env) InitVars(list []model.SetVar) {
	tx := &txn.Txn{Stage: txn.StageTask, Proc: e.Proc}
	for i := range list {
		v, ok := e.Variable(list[i].Name)
		if !ok {
			e.errorf(list[i].Pos, "", "%q is no variable", list[i].Name)
			continue
		}
		if list[i].Fmt != nil {
			v.Set(tx, cast.Str(e.Format(list[i].Fmt).Append(nil, tx)))
		} else if val, ok := e.Expr(list[i].Expr).Eval(tx); ok {
			v.Set(tx, val)
		}
		tx.Scratch.Reset(0)
	}
}

// AppendValue appends a value as text; see cast.Append.
func AppendValue(dst []byte, v txn.Value) []byte { return cast.Append(dst, v) }

// Cast turns a value into another type; see cast.To.
func Cast(v txn.Value, to txn.ValueType, s *txn.Scratch) (txn.Value, bool) { return cast.To(v, to, s) }
