package exporter

// luaFamilies are those of Lua states and tasks.
func luaFamilies() []family {
	byState, byKind := []string{"state"}, []string{"state", "kind"}
	each := func(figure func(l *Lua) float64) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for i := range s.Lua {
				add(figure(&s.Lua[i]), s.Lua[i].State)
			}
		}
	}
	kinds := func(figure func(k *LuaKind) float64) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for i := range s.Lua {
				for j := range s.Lua[i].Kinds {
					add(figure(&s.Lua[i].Kinds[j]), s.Lua[i].State, s.Lua[i].Kinds[j].Kind)
				}
			}
		}
	}
	return []family{
		counter("eddy_lua_runs_total", "Calls into Lua, by what for: action, fetch, converter and service are on the fast path.", byKind,
			kinds(func(k *LuaKind) float64 { return float64(k.Runs) })),
		counter("eddy_lua_computed_seconds_total", "Time that scripts computed, without waits, by what for.", byKind,
			kinds(func(k *LuaKind) float64 { return k.Computed.Seconds() })),
		counter("eddy_lua_lock_waits_total", "Calls into Lua that had to wait for the state's lock.", byState,
			each(func(l *Lua) float64 { return float64(l.LockWaits) })),
		counter("eddy_lua_lock_wait_seconds_total", "Time that calls into Lua waited for the state's lock.", byState,
			each(func(l *Lua) float64 { return l.LockWait.Seconds() })),
		gauge("eddy_lua_memory_bytes", "Memory of the state.", byState,
			each(func(l *Lua) float64 { return float64(l.MemoryBytes) })),
		gauge("eddy_lua_tasks", "Tasks of scripts now, by how they are.", []string{"status"}, func(s *Snapshot, add addValue) {
			for _, t := range s.Tasks {
				add(1, t.State)
			}
		}),
		counter("eddy_lua_task_restarts_total", "Times that a task was started again after an error.", []string{"task"},
			func(s *Snapshot, add addValue) {
				for _, t := range s.Tasks {
					add(float64(t.Restarts), t.Where)
				}
			}),
	}
}
