package engine

import (
	"sync"
	"time"
)

// keptErrors is how many errors "show errors" can show.
const keptErrors = 100

// ErrorInfo is something that went wrong in a script or a job.
type ErrorInfo struct {
	At   time.Time
	Kind string // "script" or "job"
	Text string
}

// errorBook keeps the last errors. Its methods may be called from any goroutine.
type errorBook struct {
	mu    sync.Mutex
	last  [keptErrors]ErrorInfo
	total int
}

func (b *errorBook) add(kind, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last[b.total%keptErrors] = ErrorInfo{time.Now(), kind, text}
	b.total++
}

// RecentErrors gives the last errors, oldest first. Any goroutine may call it.
func (e *Engine) RecentErrors() []ErrorInfo {
	b := &e.errors
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(b.total, keptErrors)
	out := make([]ErrorInfo, 0, n)
	for i := b.total - n; i < b.total; i++ {
		out = append(out, b.last[i%keptErrors])
	}
	return out
}
