package queue

import (
	"context"
	"sync"
)

// SettlePopped waits, within ctx and a few seconds, until scripts have ended with what they have popped. StopTaking comes before
// it, so that they pop nothing more.
func (s *Set) SettlePopped(ctx context.Context) {
	var wait sync.WaitGroup
	for _, q := range s.All() {
		wait.Go(func() { q.settlePopped(ctx) })
	}
	wait.Wait()
}
