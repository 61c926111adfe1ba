package crash

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"eddy/internal/operator/view"
	"eddy/test/program"
)

var queues = []string{"synced", "system"}

// TestCrash kills the process again and again under load, and counts.
func TestCrash(t *testing.T) {
	s := newSite(t, "crash.cfg")
	l := newLoad(s)
	stop := l.run(t)
	n := rounds(t, 24)
	redelivered, unknown := 0, 0
	began := time.Now()
	startTime := time.Second
	for round := range n {
		env := "ROUND=" + strconv.Itoa(round)
		if round%6 == 5 { // while it starts
			e := s.launch(t, env)
			time.Sleep(rand.N(startTime))
			e.Kill(t)
			unknown++
			continue
		}
		launched := time.Now()
		e := s.start(t, env)
		startTime = time.Since(launched)
		before := l.acked.Load()
		program.Until(t, "pushes are accepted", func() bool { return l.acked.Load() > before })
		for _, q := range loaded(t, s) {
			redelivered += int(q.Counts.Redelivered)
		}
		time.Sleep(rand.N(300 * time.Millisecond))
		e.Kill(t)
	}
	took := time.Since(began)
	stop()
	for _, o := range l.odd {
		t.Error("unexpected answer: ", o)
	}

	e := s.start(t, "ROUND="+strconv.Itoa(n))
	for _, q := range loaded(t, s) {
		redelivered += int(q.Counts.Redelivered)
	}
	program.Drained(t, "jobs", func() (n int64) {
		for _, name := range queues {
			q := program.Queue(t, s.socket(), name)
			n += q.Jobs.Live()
		}
		return n
	})
	for _, name := range queues {
		q := program.Queue(t, s.socket(), name)
		c := q.Counts
		if q.Jobs.Dead > 0 || c.Died > 0 {
			t.Errorf("queue %s: %d jobs died", name, q.Jobs.Dead)
		}
		if c.Opened+c.Pushed != c.Done || q.Busy > 0 {
			t.Errorf("queue %s: %d found and %d pushed, %d done, %d workers busy", name, c.Opened, c.Pushed, c.Done, q.Busy)
		}
	}
	e.Stop(t)

	got := readLedger(t, s.ledger())
	got.check(t, l.numbers)
	t.Logf("%d rounds in %v: %d jobs accepted, %d refused, %d done; %d began again after a kill, of which %d had ended; the process counted %d, and %d starts were cut short",
		n, took.Round(time.Millisecond), len(l.numbers), l.refused, len(got.jobs), got.extra, got.doubly, redelivered, unknown)
	// Starts that were cut short told nothing; they have at most their workers' jobs each.
	if got.extra > redelivered+unknown*8 {
		t.Errorf("%d jobs began again, and the process counted %d", got.extra, redelivered)
	}
	if redelivered == 0 && n >= 20 {
		t.Error("no job was running at any kill: the test tests nothing")
	}
}

// loaded gives the queues' figures as soon as the queues have read what is in their stores.
func loaded(t *testing.T, s *site) []view.Queue {
	t.Helper()
	var list []view.Queue
	program.Until(t, "the stores are read", func() bool {
		list = list[:0]
		for _, name := range queues {
			q := program.Queue(t, s.socket(), name)
			if q.State == "loading" {
				return false
			}
			list = append(list, q)
		}
		return true
	})
	return list
}
