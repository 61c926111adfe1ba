package view

import (
	"encoding/json"
	"time"
)

// Jobs is the answer to "show jobs json".
type Jobs struct {
	Jobs []Job  `json:"jobs"`
	More []More `json:"more"` // where there are more than were asked for
}

// More says where a list was cut.
type More struct {
	Queue  string   `json:"queue"`
	States []string `json:"states"` // that were not shown in full
	After  string   `json:"after"`  // the last job of the first of these states that was shown
}

// Job is a job. A list has no Data, and of Failures the last one without its traceback.
type Job struct {
	ID          string          `json:"id"`
	Queue       string          `json:"queue"`
	State       string          `json:"state"`
	Handler     string          `json:"handler,omitempty"`
	Function    bool            `json:"function,omitempty"` // a Lua function that was pushed does it, and no handler
	Key         string          `json:"key,omitempty"`
	Unique      string          `json:"unique,omitempty"`
	Priority    int             `json:"priority"`
	Attempts    int             `json:"attempts"`                  // begun so far
	MaxAttempts int             `json:"max_attempts,omitempty"`    // none: the queue's
	Timeout     float64         `json:"timeout_seconds,omitempty"` // none: the queue's
	Size        int64           `json:"size_bytes"`
	Pushed      time.Time       `json:"pushed"`
	Since       *time.Time      `json:"since,omitempty"` // in this state
	Next        *time.Time      `json:"next,omitempty"`  // attempt
	Where       string          `json:"where,omitempty"`
	Request     string          `json:"request,omitempty"`
	Owner       string          `json:"owner,omitempty"`
	OnResult    string          `json:"onresult,omitempty"`
	OnError     string          `json:"onerror,omitempty"`
	Failures    []Failure       `json:"failures,omitempty"` // the last ones, oldest first
	Data        json.RawMessage `json:"data,omitempty"`
}

// Failure is an attempt that failed.
type Failure struct {
	Attempt   int       `json:"attempt"`
	At        time.Time `json:"at"`
	Text      string    `json:"text"`
	Traceback string    `json:"traceback,omitempty"`
}

// Answer is what became of a command: with "json", of one that changes something, and of any that failed.
type Answer struct {
	Done int    `json:"done"`           // to so many jobs or queues
	Text string `json:"text,omitempty"` // for people
	Fail Fail   `json:"error,omitempty"`
	Hint string `json:"hint,omitempty"` // what to do about it
}

// Fail says of what kind an error is.
type Fail string

// The kinds of errors; "" is none.
const (
	NotFound Fail = "not-found" // no such job or queue
	Refused  Fail = "refused"   // it cannot be done to what was named, or not now
	Usage    Fail = "usage"     // the command makes no sense
)
