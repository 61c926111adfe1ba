package pool

import "eddy/internal/handoff"

// Stats is what a pool has done and has before it.
type Stats struct {
	handoff.Counts        // Done includes what failed
	Failed         uint64 // jobs that ended with an error
	DroppedBy      []Line // accepted, and never run, by origin
}

// Stats gives the figures as they are now.
func (p *Pool) Stats() Stats {
	c := p.queue.Counts()
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Counts: c, Failed: p.failed, DroppedBy: p.dropped.Lines()}
}
