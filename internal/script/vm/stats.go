package vm

/*
#include "vm.h"
*/
import "C"

import "time"

// Stats are what a state has done so far, at one moment.
type Stats struct {
	Runs [NumRunKinds]uint64 // that began
	// Computed is the time that they computed, without what they waited for. Of short steps it is an estimate: one of 64 is
	// timed.
	Computed  [NumRunKinds]time.Duration
	LockWaits uint64        // how often somebody who wanted the state's lock had to wait
	LockWait  time.Duration // and how long in all
	Memory    int64         // bytes that it has allocated
}

// stats are counted under the lock.
type stats struct {
	runs     [NumRunKinds]uint64
	computed [NumRunKinds]time.Duration
	waits    uint64
	waited   time.Duration
}

// Stats gives the figures. It waits for the lock, as a run does.
func (s *State) Stats() Stats {
	s.lock()
	defer s.unlock()
	st := Stats{Runs: s.stats.runs, Computed: s.stats.computed, LockWaits: s.stats.waits, LockWait: s.stats.waited}
	if s.c != nil {
		st.Memory = int64(C.eddy_gc_count(s.c))
	}
	return st
}

// AllRuns is the sum over all kinds of runs.
func (s *Stats) AllRuns() (runs uint64, computed time.Duration) {
	for i := range s.Runs {
		runs += s.Runs[i]
		computed += s.Computed[i]
	}
	return runs, computed
}
