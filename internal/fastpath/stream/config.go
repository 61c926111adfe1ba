// Package stream is the heart of the proxied lane: it takes a client's connection, reads requests (http mode) or
// bytes (tcp mode), runs the rules, gets a server from package backend, and forwards both ways.
//
// A goroutine serves a client connection; everything of its transaction happens on it. Only a body that is still
// being sent while the answer may come, and the second direction of a tunnel, have a goroutine of their own. A
// connection that waits for its next request holds neither a buffer nor a stream.
package stream

import (
	"sync/atomic"

	"eddy/internal/fastpath/backend"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// Rules is a compiled rule list; nil means none.
type Rules interface {
	Run(tx *txn.Txn) txn.Verdict
}

// Cond is a compiled condition; nil holds always.
type Cond interface{ Holds(tx *txn.Txn) bool }

// Format is a compiled log-format string; nil means none.
type Format interface {
	Append(dst []byte, tx *txn.Txn) []byte
}

// Logger takes finished log lines. It must not block; the bytes are only valid during the call. Any goroutine calls
// it.
type Logger interface {
	Log(level int, line []byte)
}

// Syslog levels that streams log with.
const (
	levelErr  = 3
	levelInfo = 6
)

// Config is what a Frontend is made of. What a list of rules, a condition or a format is compiled from stands in the
// model of the same name. Interfaces are left nil where there is nothing.
type Config struct {
	Proxy  *proxy.Proxy
	Pools  *wire.Pools
	Limits http1.Limits

	// Parking holds the connections that are idle; nil: each has a small goroutine. It is closed after the Frontend
	// was drained.
	Parking *wire.Parking

	Proc *txn.ProcVars
	IDs  *atomic.Uint64 // numbers transactions, of all frontends together; nil: this one counts for itself

	TCPConn, TCPSess, TCPContent Rules
	HTTPReq, HTTPRes, HTTPAfter  Rules

	UseBackend []UseBackend
	Default    *Backend                   // default_backend, or the listen section's own servers; nil: none
	Find       func(name string) *Backend // for dynamic use_backend names; nil result: no such backend

	MonitorFail []Cond
	Errors      map[int]*ErrorAnswer

	Log       Logger // nil: nothing is logged
	LogFormat Format
	ErrFormat Format // error-log-format
	UniqueID  Format
}

// UseBackend is a compiled "use_backend" line.
type UseBackend struct {
	Backend *Backend // when the name is static
	Fmt     Format   // when not nil: gives the name
	Cond    Cond
}

// ErrorAnswer is what an errorfile or http-error line answers instead of the standard page.
type ErrorAnswer struct {
	Raw    []byte // a whole response; empty with Answer nil: close without an answer
	Answer Rules  // builds the answer in the transaction, as a "return" action does
}

// BackendConfig is what a Backend is made of.
type BackendConfig struct {
	Proxy                       *proxy.Proxy
	Pool                        *backend.Pool
	TCPContent, TCPRes          Rules
	HTTPReq, HTTPRes, HTTPAfter Rules
	Errors                      map[int]*ErrorAnswer
}

// Backend is a proxy in its role as a backend. It never changes; any goroutine may use it.
type Backend struct {
	BackendConfig
	forwardFor, originalTo *addressHeader
}

// NewBackend makes a Backend.
func NewBackend(c BackendConfig) *Backend {
	o := &c.Proxy.Model.Options
	return &Backend{c, newAddressHeader(o.ForwardFor), newAddressHeader(o.OriginalTo)}
}
