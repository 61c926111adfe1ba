// Package job is a unit of work with an id, attempts and a fate, as plain data: what it is made of, the states it goes
// through, and how it is written.
package job

import "time"

// Job is one unit of work. What changes while it lives is in its Head; the rest stays as it was pushed, unless an operator
// edits Data.
type Job struct {
	Head
	Body
	Failures []Failure // the last MaxFailures, oldest first
}

// Head is what a queue needs to know of a job to put it in order. It is small: a queue keeps those that are ready in memory.
type Head struct {
	ID       ID
	State    State
	Priority int8   // larger ones first
	Attempts uint16 // begun so far
	KeyHash  uint64 // of Body.Key; 0: it has none
	Size     uint32 // bytes that count against the queue's bound: Job.Weigh
	// Due is when the state began, or for Scheduled and Retrying when it ends; nanoseconds since 1970.
	Due int64
}

// Body is what a job is about.
type Body struct {
	Queue   string
	Handler string // the name of what does it; "": Code
	Code    []byte // a sealed Lua function; nil: Handler
	Data    []byte // its payload, one value as package value encodes it; nil: none

	Key         string        // jobs of one key run one at a time, in order; "": no key
	Unique      string        // "": not unique
	MaxAttempts uint16        // 0: the queue's
	Timeout     time.Duration // of one attempt; 0: the queue's

	OnResult string // the name of what takes the result after a restart, too; "": none
	OnError  string // the same for what takes the error of a job that is dead
	Owner    string // whose names these are, and whose workers run Code: "haproxy", "plugin sha1"
	Origin   Origin
	Pushed   int64 // when; nanoseconds since 1970
}

// Origin says where a job came from, in words for people.
type Origin struct {
	Where   string // the line of the script: "mail.lua:14"
	Request string // the request, flow or task: "request 1F3C", "flow 10.0.0.1:1234 -> 10.0.0.2:80 tcp"
}

// Failure is an attempt that failed.
type Failure struct {
	Attempt   uint16
	At        int64 // nanoseconds since 1970
	Text      string
	Traceback string
}

// Bounds of what is kept.
const (
	MaxFailures  = 5
	MaxErrorText = 4 << 10  // bytes of a failure's text
	MaxTraceback = 16 << 10 // bytes of its traceback
	MaxName      = 255      // bytes of a queue's, handler's or owner's name
	MaxKey       = 1 << 10  // bytes of Key and of Unique
)
