package queue

import (
	"context"
	"errors"
	"sync"
	"time"
)

// limit ends a worker's attempts that take too long. Its timer is not stopped when an attempt ends in time, as nearly all do: it
// is set anew when it rings too early, or when a limit comes that is shorter. Its zero value is ready.
type limit struct {
	mu     sync.Mutex
	timer  *time.Timer
	rings  time.Time               // when the timer rings; zero: not
	over   time.Time               // when the attempt's time is over
	cancel context.CancelCauseFunc // of the attempt; nil: there is none
}

// begin has an attempt cancelled, with context.DeadlineExceeded, after a time, and gives the end of that.
func (l *limit) begin(after time.Duration, cancel context.CancelCauseFunc) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.over, l.cancel = now.Add(after), cancel
	if l.rings.IsZero() || l.over.Before(l.rings) {
		l.set(after)
	}
	return l.over
}

// end says that the attempt has ended.
func (l *limit) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel = nil
}

// set lets the timer ring after a time. The lock is held.
func (l *limit) set(after time.Duration) {
	l.rings = time.Now().Add(after)
	if l.timer == nil {
		l.timer = time.AfterFunc(after, l.ring)
		return
	}
	l.timer.Reset(after)
}

func (l *limit) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rings = time.Time{}
	if l.cancel == nil {
		return
	}
	if left := time.Until(l.over); left > 0 {
		l.set(left)
		return
	}
	l.cancel(context.DeadlineExceeded)
}

// stop is for the end of the worker.
func (l *limit) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}

// bounded is a context whose end is known, and is seen to by a limit.
type bounded struct {
	context.Context
	over time.Time
}

func (b *bounded) Deadline() (time.Time, bool) { return b.over, true }

// Err is context.DeadlineExceeded when it was the limit that ended it.
func (b *bounded) Err() error {
	err := b.Context.Err()
	if err != nil && errors.Is(context.Cause(b.Context), context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return err
}
