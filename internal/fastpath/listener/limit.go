package listener

import (
	"sync"
	"sync/atomic"
)

// Limit bounds how many connections are served at a time. Listeners share one for their frontend and one for the
// process. All methods may be called from any goroutine; on a nil Limit, Acquire and Release do nothing.
type Limit struct {
	max, used atomic.Int64
	waiting   atomic.Int32

	mu   sync.Mutex
	wake chan struct{} // closed when those that wait should look again
}

// NewLimit makes a Limit of max connections; 0 or less means none.
func NewLimit(max int) *Limit {
	l := &Limit{wake: make(chan struct{})}
	l.max.Store(int64(max))
	return l
}

// Max is the limit, Used how many connections count against it now.
func (l *Limit) Max() int  { return int(l.max.Load()) }
func (l *Limit) Used() int { return int(l.used.Load()) }

// SetMax changes the limit. Connections over a lower one stay.
func (l *Limit) SetMax(max int) {
	l.max.Store(int64(max))
	l.notify()
}

// Acquire takes a slot, waiting until there is one; false: stop was closed first.
func (l *Limit) Acquire(stop <-chan struct{}) bool {
	if l == nil || l.try() {
		return true
	}
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	for {
		l.mu.Lock()
		wake := l.wake
		l.mu.Unlock()
		if l.try() { // who frees a slot after this sees waiting and closes wake
			return true
		}
		select {
		case <-wake:
		case <-stop:
			return false
		}
	}
}

// Release gives a slot back.
func (l *Limit) Release() {
	if l == nil {
		return
	}
	l.used.Add(-1)
	l.notify()
}

// try takes a slot if there is one.
func (l *Limit) try() bool {
	for {
		used, max := l.used.Load(), l.max.Load()
		if max > 0 && used >= max {
			return false
		}
		if l.used.CompareAndSwap(used, used+1) {
			return true
		}
	}
}

func (l *Limit) notify() {
	if l.waiting.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.wake)
	l.wake = make(chan struct{})
}
