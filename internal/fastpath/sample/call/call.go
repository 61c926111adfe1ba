// Package call is what fetches and converters are made of: a use of one with its arguments resolved, what it can ask
// of its surroundings, and the shape of the code behind it.
//
// A Call is built once and then never changes; any goroutine may evaluate it, each with its own transaction.
package call

import (
	"maps"
	"sync"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
)

// Call is one use of a fetch or converter.
type Call struct {
	World *World
	Pos   diag.Pos
	Name  string
	Args  []Arg
	Data  any // what Prepare made
}

// Fetch is the code behind an expr.FetchSpec.
type Fetch struct {
	Get func(tx *txn.Txn, c *Call) (txn.Value, bool)
	// Next gives the values one by one for ACLs that try them all; nil for fetches that have one value.
	Next func(tx *txn.Txn, c *Call, at Cursor) (txn.Value, Cursor, bool)
	// Prepare turns arguments into c.Data when the expression is built.
	Prepare func(c *Call) error
}

// Cursor is where Next goes on: in which header, at which byte. It starts out zero.
type Cursor struct{ I, Off int }

// Converter is the code behind an expr.ConvSpec. Its input has the declared type.
type Converter struct {
	Apply   func(tx *txn.Txn, v txn.Value, c *Call) (txn.Value, bool)
	Prepare func(c *Call) error
}

// World is what there is besides the transaction.
type World struct {
	Proxies *proxy.Set // may be nil
	Proc    *txn.ProcVars
	Files   *patfile.Store // may be nil
	Process *Process
}

// Process tells what samples say of the process as a whole. Functions may be nil and may be called by any goroutine.
type Process struct {
	Hostname string
	Version  string
	PID      int
	Threads  int
	Started  time.Time
	Conns    func() int64 // client connections now
	Stopping func() bool
	Env      func(string) (string, bool)           // environment variables as they were at the start
	Debug    func(destination string, line []byte) // where the debug converter writes
}

// ConnCount is the number of client connections now.
func (p *Process) ConnCount() int64 {
	if p.Conns == nil {
		return 0
	}
	return p.Conns()
}

// Table is a map that is built when it is first asked for, and then never changes.
type Table[T any] struct {
	once sync.Once
	m    map[string]T
}

// Get gives the map, which is the parts put together.
func (t *Table[T]) Get(parts ...func() map[string]T) map[string]T {
	t.once.Do(func() {
		t.m = map[string]T{}
		for _, part := range parts {
			maps.Copy(t.m, part())
		}
	})
	return t.m
}
