// Package expr reads the small languages inside configuration lines: sample expressions, log-format strings, ACLs
// and conditions (configuration.txt §7, §8.2.6). It declares every fetch, converter and ACL name that eddy knows,
// and says with positions what is wrong and what to write instead.
//
// It turns words into model values and touches nothing else; a Ctx is used by one goroutine at a time.
package expr

import (
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// Scope is a set of places of use. A Ctx has one bit set: where the expression stands. A declaration has all the
// bits where it yields a value.
type Scope uint32

// The places, in the order in which a stream reaches them.
const (
	ConnRule   Scope = 1 << iota // tcp-request connection
	SessRule                     // tcp-request session
	ReqContent                   // tcp-request content, use_backend, use-server in mode tcp
	HTTPReq                      // http-request, use_backend, use-server, redirect in mode http; monitor fail
	Balance                      // balance hash
	ResContent                   // tcp-response content
	HTTPRes                      // http-response
	HTTPAfter                    // http-after-response
	Log                          // log-format, error-log-format
	UniqueID                     // unique-id-format
	Init                         // set-var in global
	Task                         // a script's task, init or CLI

	Anywhere = 1<<iota - 1
)

// Ctx is what surrounds the text that is parsed.
type Ctx struct {
	Diags *diag.List
	Scope Scope
	ACLs  func(name string) []*model.ACL // those declared so far in this proxy; nil: none
	Proxy string
	Mode  model.Mode

	// File gives the path to open for the name of a map or pattern file, or says why it cannot be read; nil: names are
	// left as they are.
	File func(name string) (path string, err error)

	acl bool // reading the criterion of an ACL
}

// Word is one word of a configuration line with the place where it begins.
type Word struct {
	Text string
	Pos  diag.Pos
}

// at is the position of the byte at offset off of the word.
func (w Word) at(off int) diag.Pos {
	p := w.Pos
	if p.Col > 0 {
		p.Col += off
	}
	return p
}
