// Package view is queues and jobs as an operator sees them: the same plain data goes over the stats socket as JSON, and onto
// terminals as text. The names in the JSON are stable; times in it are seconds, moments are RFC 3339 in UTC, sizes are bytes.
package view

import "time"

// Queues is the answer to "show queues json".
type Queues struct {
	At     time.Time `json:"at"`
	Queues []Queue   `json:"queues"`
}

// Queue is a queue's figures at one moment.
type Queue struct {
	Name     string `json:"name"`
	Store    string `json:"store"` // "memory" or "disk"
	Path     string `json:"path,omitempty"`
	State    string `json:"state"` // "running", or what keeps it from that: failing, away, loading, paused, draining
	Paused   bool   `json:"paused"`
	Draining bool   `json:"draining"`

	StoreError string     `json:"store_error,omitempty"` // why the store refuses
	StoreSince *time.Time `json:"store_error_since,omitempty"`

	Workers  int   `json:"workers"`
	Busy     int   `json:"busy"`
	MaxJobs  int   `json:"max_jobs"`  // 0: no bound
	MaxBytes int64 `json:"max_bytes"` // 0: no bound

	Jobs        States    `json:"jobs"`
	Bytes       States    `json:"bytes"`
	OldestReady *float64  `json:"oldest_ready_seconds"` // null: none is ready
	Uncommitted int       `json:"uncommitted"`          // accepted, and not yet in the store
	OldestGap   float64   `json:"uncommitted_seconds"`  // since the oldest of them was accepted
	Counts      Counts    `json:"counts"`
	Wait        Spread    `json:"wait"`   // ready until started
	Run         Spread    `json:"run"`    // an attempt
	Commit      Spread    `json:"commit"` // to the store
	Running     []Running `json:"running"`
	Handlers    []Handler `json:"handlers"`
}

// States are numbers by the states that jobs are kept in.
type States struct {
	Ready     int64 `json:"ready"`
	Scheduled int64 `json:"scheduled"`
	Running   int64 `json:"running"`
	Retrying  int64 `json:"retrying"`
	Dead      int64 `json:"dead"`
}

// Live is all but the dead: what counts against a queue's bounds.
func (s States) Live() int64 { return s.Ready + s.Scheduled + s.Running + s.Retrying }

// Counts are what has happened since the process began.
type Counts struct {
	Pushed      uint64            `json:"pushed"`
	Duplicates  uint64            `json:"duplicates"`
	Refused     uint64            `json:"refused"`
	Reasons     map[string]uint64 `json:"refused_by_reason"`
	Started     uint64            `json:"started"`
	Done        uint64            `json:"done"`
	Failed      uint64            `json:"failed"` // attempts
	Retried     uint64            `json:"retried"`
	TimedOut    uint64            `json:"timed_out"`
	Died        uint64            `json:"died"`
	Dropped     uint64            `json:"dropped"`
	Deleted     uint64            `json:"deleted"`
	Redelivered uint64            `json:"redelivered"`
	OwnerGone   uint64            `json:"owner_gone"`
	Popped      uint64            `json:"popped"`
	RateWaits   uint64            `json:"rate_waits"`
	Opened      uint64            `json:"opened"`  // found in the store at the start
	Handed      uint64            `json:"handed"`  // passed on to the next process
	Expired     uint64            `json:"expired"` // dead, and kept long enough
	Commits     uint64            `json:"commits"` // to the disk, of any number of changes each
}

// Spread is how durations were spread. The percentiles are estimates, within a factor of two.
type Spread struct {
	Count uint64  `json:"count"`
	Mean  float64 `json:"mean_seconds"`
	P50   float64 `json:"p50_seconds"`
	P99   float64 `json:"p99_seconds"`
}

// Running is a job that a worker has.
type Running struct {
	ID      string  `json:"id"`
	Handler string  `json:"handler"`
	Key     string  `json:"key,omitempty"`
	Attempt int     `json:"attempt"`
	Worker  int     `json:"worker"`  // -1: a script has popped it, or another process runs it
	Seconds float64 `json:"seconds"` // so far
}

// Handler is the figures of a handler in one queue.
type Handler struct {
	Name    string  `json:"name"`
	Started uint64  `json:"started"`
	Done    uint64  `json:"done"`
	Failed  uint64  `json:"failed"`
	Total   float64 `json:"total_seconds"`
	Mean    float64 `json:"mean_seconds"`
	Max     float64 `json:"max_seconds"`
}

// Lua is the answer to "show lua json".
type Lua struct {
	States []LuaState `json:"states"`
}

// LuaState is one Lua interpreter.
type LuaState struct {
	Name      string  `json:"name"`
	Memory    int64   `json:"memory_bytes"`
	Runs      uint64  `json:"runs"`
	Computed  float64 `json:"computed_seconds"`
	LockWaits uint64  `json:"lock_waits"`
	LockWait  float64 `json:"lock_wait_seconds"`
}
