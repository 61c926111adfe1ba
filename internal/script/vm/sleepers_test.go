package vm

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// residentKB reads this process's resident set.
func residentKB(t testing.TB) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc/self/status here")
	}
	for line := range strings.Lines(string(b)) {
		var kb int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kb); n == 1 {
			return kb
		}
	}
	t.Fatal("no VmRSS line")
	return 0
}

// Ten thousand runs that wait at once cost goroutines and coroutines, not threads, and little memory.
func TestTenThousandWaiting(t *testing.T) {
	const n = 10000
	s := newState(t, Options{})
	gate := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Add(n)
	s.Register("gate", func(c *Call) error {
		return c.Wait(func(context.Context) Resume {
			waiting.Done()
			<-gate
			return Resume{}
		})
	})
	if err := s.LoadPrelude("p", `local t = ... function wait() local a, b = "x", {} t.gate() count = (count or 0) + 1 end`); err != nil {
		t.Fatal(err)
	}
	fn, _ := s.Global("wait")
	runtime.GC()
	before, threads := residentKB(t), threadCount(t)
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := s.Run(context.Background(), &Run{Fn: fn}); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	t.Logf("%d waiting: %d kB more resident, %d more threads", n, residentKB(t)-before, threadCount(t)-threads)
	if more := threadCount(t) - threads; more > 50 {
		t.Errorf("%d threads for %d waiting runs", more, n)
	}
	if kb := residentKB(t) - before; !raceEnabled && kb > 100<<10 {
		t.Errorf("%d kB for %d waiting runs", kb, n)
	}
	close(gate)
	all.Wait()
	if got, _ := eval(t, s, `return count`); got != "10000" {
		t.Fatal(got)
	}
}

func threadCount(t testing.TB) int {
	d, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip("no /proc/self/task here")
	}
	return len(d)
}
