package trisul

import "eddy/internal/script/vm"

// LuaState has the figures of some Lua states put together.
type LuaState struct {
	Name string // "plugin sha1, hooks"
	vm.Stats
}

// LuaStates are the states of each plugin, those of its hooks and those of the workers of its jobs. Any goroutine may call it;
// it waits for the states' locks.
func (p *Plugins) LuaStates() []LuaState {
	var all []LuaState
	add := func(name string, states []*vm.State) {
		if len(states) == 0 {
			return
		}
		sum := LuaState{Name: name}
		for _, s := range states {
			one := s.Stats()
			for kind := range one.Runs {
				sum.Runs[kind] += one.Runs[kind]
				sum.Computed[kind] += one.Computed[kind]
			}
			sum.LockWaits += one.LockWaits
			sum.LockWait += one.LockWait
			sum.Memory += one.Memory
		}
		all = append(all, sum)
	}
	for _, l := range p.list {
		add("plugin "+l.Name+", hooks", p.hooksOf(l))
		if l.jobs != nil {
			add("plugin "+l.Name+", workers", l.jobs.States())
		}
	}
	return all
}

// hooksOf are the states in which a plugin's hooks run.
func (p *Plugins) hooksOf(l *loaded) []*vm.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	var states []*vm.State
	for _, in := range p.open {
		if in.Plugin == l.Plugin {
			states = append(states, in.State())
		}
	}
	return states
}
