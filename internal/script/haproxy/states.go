package haproxy

import (
	"fmt"

	"eddy/internal/script/vm"
)

// StateInfo is what an operator sees of a Lua state.
type StateInfo struct {
	Name string // "shared", "thread 1", "worker 1"
	vm.Stats
}

// States lists the states: the shared one, those of threads, and those of workers that were made. Any goroutine may call it; it
// waits for the states' locks.
func (b *Binding) States() []StateInfo {
	var all []StateInfo
	for i, u := range b.units {
		name := "shared"
		if i > 0 {
			name = fmt.Sprintf("thread %d", i)
		}
		all = append(all, StateInfo{name, u.state.Stats()})
	}
	for i, s := range b.Workers() {
		all = append(all, StateInfo{fmt.Sprintf("worker %d", i+1), s.Stats()})
	}
	return all
}
