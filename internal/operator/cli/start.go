package cli

import (
	"os"
	"syscall"
	"time"
)

// startGrace is how long a start goes on when a signal has ended it already: scripts decide how long they take.
const startGrace = termGrace

// starting runs a step of the start in which scripts run. Signals that come meanwhile are given back to signals when the
// step is through. With false it is not: grace is over, or a second signal came. Then the step still runs, and all that is
// left to do is to end the process.
func starting(signals chan os.Signal, grace time.Duration, step func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		step()
	}()
	var (
		over <-chan time.Time // nil until a signal wants the end
		kept []os.Signal
	)
	for {
		select {
		case <-done:
			for _, s := range kept {
				select {
				case signals <- s:
				default: // newer ones have taken the room
				}
			}
			return true
		case s := <-signals:
			kept = append(kept, s)
			if s != syscall.SIGTERM && s != syscall.SIGINT && s != syscall.SIGUSR1 {
				continue
			}
			if over != nil {
				return false
			}
			over = time.After(grace)
		case <-over:
			return false
		}
	}
}

// unstarted says that a signal has ended a start, and gives the exit code.
func (c *console) unstarted() int {
	c.errorf("a script that loads, or its onload, did not end", "stopped before the start was through")
	return exitFailed
}
