package crash

import (
	"bufio"
	"fmt"
	"os"
	"testing"
)

// entry is a line of the ledger: a job begins, fails or ends.
type entry struct {
	what    string
	round   int
	queue   string
	kind    string
	number  int64
	key     string
	id      string
	attempt int
	waited  float64 // seconds since the push
}

// ledger is what happened to each job, in order.
type ledger struct {
	jobs   map[int64][]entry
	keys   map[string][]entry // by queue and key
	extra  int                // times that a job began again though it had not failed
	doubly int                // times that a job ended again
}

func readLedger(t *testing.T, path string) *ledger {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := &ledger{jobs: make(map[int64][]entry), keys: make(map[string][]entry)}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e entry
		if _, err := fmt.Sscan(lines.Text(), &e.what, &e.round, &e.queue, &e.kind, &e.number, &e.key, &e.id, &e.attempt, &e.waited); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		l.jobs[e.number] = append(l.jobs[e.number], e)
		if e.key != "-" {
			key := e.queue + "/" + e.key
			l.keys[key] = append(l.keys[key], e)
		}
	}
	return l
}

// check looks at each job's life, and at the order within each key.
func (l *ledger) check(t *testing.T, accepted map[int64]string) {
	t.Helper()
	lost := 0
	for n, id := range accepted {
		life := l.jobs[n]
		if !ended(life) {
			if lost++; lost <= 10 {
				t.Errorf("job %d (%s) was accepted and never done: %+v", n, id, life)
			}
			continue
		}
		if life[0].id != id {
			t.Errorf("job %d was accepted as %s and done as %s", n, id, life[0].id)
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d accepted jobs were never done", lost, len(accepted))
	}
	for _, life := range l.jobs {
		l.checkLife(t, life)
	}
	for key, lives := range l.keys {
		checkOrder(t, key, lives)
	}
}

func ended(life []entry) bool {
	for _, e := range life {
		if e.what == "end" {
			return true
		}
	}
	return false
}

// checkLife demands that a job begins again only when it has failed or the process died, and that this counts as an attempt.
func (l *ledger) checkLife(t *testing.T, life []entry) {
	t.Helper()
	ends := 0
	for i, e := range life {
		switch {
		case e.what == "end":
			if ends++; ends > 1 {
				l.doubly++
			}
		case e.what == "begin" && e.kind == "delayed" && e.waited < 0.5:
			t.Errorf("job %d began %v s after its push, too early: %+v", e.number, e.waited, life)
		}
		if e.what != "begin" || i == 0 {
			continue
		}
		last := life[i-1]
		if e.attempt <= last.attempt {
			t.Errorf("job %d began again, and no attempt was counted: %+v", e.number, life)
		}
		if last.what == "fail" && last.round == e.round {
			continue
		}
		if last.what != "fail" {
			l.extra++
		}
		if last.round == e.round {
			t.Errorf("job %d began again while the process lived: %+v", e.number, life)
		}
	}
}

// checkOrder demands that no job of a key begins before the earlier ones have ended.
func checkOrder(t *testing.T, key string, lives []entry) {
	t.Helper()
	done := make(map[int64]bool)
	var open int64 // begun, and not ended
	for i, e := range lives {
		switch e.what {
		case "begin":
			if open > e.number {
				t.Errorf("%s: job %d began after job %d had", key, e.number, open)
				return
			}
			if open != 0 && open != e.number && !done[open] {
				t.Errorf("%s: job %d began before job %d had ended: %+v", key, e.number, open, lives[max(0, i-5):i+1])
				return
			}
			open = e.number
		case "end":
			done[e.number] = true
		}
	}
}
