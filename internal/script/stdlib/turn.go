package stdlib

import (
	"context"
	"slices"
	"sync"
)

// turn is a lock that can be tried cheaply and waited for until a context ends. Who waits longest is next.
type turn struct {
	mu      sync.Mutex
	taken   bool
	waiting []chan struct{}
}

// try takes the turn if it is free.
func (t *turn) try() bool {
	t.mu.Lock()
	ok := !t.taken
	t.taken = true
	t.mu.Unlock()
	return ok
}

// take waits for the turn; the error is ctx's.
func (t *turn) take(ctx context.Context) error {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	i := slices.Index(t.waiting, mine)
	if i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 { // it was handed over in the same moment
		t.free()
	}
	return ctx.Err()
}

// free hands the turn to who waits next, if anybody.
func (t *turn) free() {
	t.mu.Lock()
	if len(t.waiting) > 0 {
		close(t.waiting[0])
		t.waiting = slices.Delete(t.waiting, 0, 1)
	} else {
		t.taken = false
	}
	t.mu.Unlock()
}
