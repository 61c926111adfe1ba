package engine

import (
	"time"

	"eddy/internal/engine/exporter"
	"eddy/internal/script/haproxy"
	"eddy/internal/script/vm"
)

// TaskInfo is a background task of a script.
type TaskInfo struct {
	Where     string // the line that registered it: "mail.lua:14"
	State     string // "running", "waiting", "backing off" or "registered"
	Restarts  int
	LastError string
}

// LuaInfo is a Lua state, or several of the same use put together.
type LuaInfo struct {
	Name        string // "shared", "thread 1", "worker 1", "uplink: plugin sha1"
	MemoryBytes int64
	Runs        uint64
	Computed    time.Duration
	LockWaits   uint64
	LockWait    time.Duration
}

// MaxConn is the bound on client connections; 0: none. Any goroutine may call it.
func (e *Engine) MaxConn() int { return e.cfg.Global.MaxConn }

// Tasks lists the tasks of scripts. Any goroutine may call it.
func (e *Engine) Tasks() []TaskInfo {
	if e.scripts == nil {
		return nil
	}
	var out []TaskInfo
	for _, t := range e.scripts.Tasks() {
		out = append(out, TaskInfo(t))
	}
	return out
}

// luaState is a Lua state, or several of the same use put together, with its figures by kind of run.
type luaState struct {
	name string
	vm.Stats
}

// luaStates lists the states of both lanes and of their workers. It waits for their locks.
func (e *Engine) luaStates() []luaState {
	var out []luaState
	if e.scripts != nil {
		for _, s := range e.scripts.States() {
			out = append(out, luaState{s.Name, s.Stats})
		}
	}
	for _, l := range e.lanes {
		for _, s := range l.LuaStates() {
			out = append(out, luaState{l.Name() + ": " + s.Name, s.Stats})
		}
	}
	return out
}

// LuaStates lists the Lua states. Any goroutine may call it; it waits for their locks.
func (e *Engine) LuaStates() []LuaInfo {
	var out []LuaInfo
	for _, s := range e.luaStates() {
		i := LuaInfo{Name: s.name, MemoryBytes: s.Memory, LockWaits: s.LockWaits, LockWait: s.LockWait}
		for k := range vm.NumRunKinds {
			if k != vm.KindTidy { // nothing that anybody asked for
				i.Runs += s.Runs[k]
				i.Computed += s.Computed[k]
			}
		}
		out = append(out, i)
	}
	return out
}

// Fifos lists the fifos of scripts. Any goroutine may call it; it waits for the states' locks.
func (e *Engine) Fifos() []haproxy.FifoInfo {
	if e.scripts == nil {
		return nil
	}
	return e.scripts.Fifos()
}

// snapshot gives all figures for the exporter.
func (e *Engine) snapshot() *exporter.Snapshot {
	s := &exporter.Snapshot{
		At: time.Now(), Version: e.opts.Version, Started: e.started, Conns: e.Conns(), LogLinesDropped: e.DroppedLogs(),
		Proxies: e.proxies.All, Lanes: e.Reports(),
		Tickets: []exporter.Tickets{{Owner: "scripts", Counts: e.jobs.Shared.Tickets()}},
	}
	for _, q := range e.jobs.Queues.All() {
		s.Queues = append(s.Queues, q.Stats())
	}
	for _, l := range e.lanes {
		s.Tickets = append(s.Tickets, exporter.Tickets{Owner: "lane " + l.Name(), Counts: l.Tickets()})
	}
	for _, st := range e.luaStates() {
		l := exporter.Lua{State: st.name, MemoryBytes: st.Memory, LockWaits: st.LockWaits, LockWait: st.LockWait}
		for k := range vm.NumRunKinds {
			l.Kinds = append(l.Kinds, exporter.LuaKind{Kind: k.String(), Runs: st.Runs[k], Computed: st.Computed[k]})
		}
		s.Lua = append(s.Lua, l)
	}
	if e.scripts == nil {
		return s
	}
	for _, t := range e.scripts.Tasks() {
		s.Tasks = append(s.Tasks, exporter.Task{Where: t.Where, State: t.State, Restarts: uint64(t.Restarts)})
	}
	return s
}
