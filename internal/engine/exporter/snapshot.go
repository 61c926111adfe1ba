package exporter

import (
	"time"

	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/report"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
)

// Snapshot is all figures of a process at one moment. What is 0 or nil is not there.
type Snapshot struct {
	At      time.Time // when it was taken
	Version string
	Started time.Time // the generation
	Conns   int64     // client connections

	LogLinesDropped uint64

	Queues  []queue.Stats
	Tickets []Tickets
	Lua     []Lua
	Tasks   []Task
	Proxies []*proxy.Proxy // read when the page is written
	Lanes   []*report.Lane
}

// Tickets are the fates of the tickets of one owner: "haproxy", "lane uplink".
type Tickets struct {
	Owner  string
	Counts reentry.Counts
}

// Lua is one Lua state, or several of the same use put together: "shared", "mail.lua", "plugin sha1".
type Lua struct {
	State       string
	MemoryBytes int64
	LockWaits   uint64        // runs that had to wait for the state's lock
	LockWait    time.Duration // how long, in all
	Kinds       []LuaKind
}

// LuaKind is what runs of one kind took: "action", "fetch", "task", "handler" and so on.
type LuaKind struct {
	Kind     string
	Runs     uint64
	Computed time.Duration // without waits
}

// Task is a background coroutine of a script.
type Task struct {
	Where    string // "mail.lua:14"
	State    string // "running", "waiting", "failed" and the like
	Restarts uint64
}
