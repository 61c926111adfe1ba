package crash

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"eddy/test/program"
)

// TestBackpressure offers ten times of what a queue may have while nobody works.
func TestBackpressure(t *testing.T) {
	for _, queue := range []string{"quick", "deep"} {
		t.Run(queue, func(t *testing.T) { offerTooMuch(t, queue) })
	}
}

func offerTooMuch(t *testing.T, queue string) {
	const bound, size, offered = 1000, 10_000, 10_000 // as in disk.cfg: 10 MB in all
	s := newSite(t, "disk.cfg")
	e := s.start(t)
	program.Say(t, s.socket(), "pause queue "+queue)
	tr := startTraffic(t, s)
	c := newClient(t, s)
	tr.goesOn(t)
	before := resident(t, e.PID())

	clients := make([]*client, 4)
	var all sync.WaitGroup
	refused := make([]int, len(clients))
	for i := range clients {
		clients[i] = newClient(t, s)
		clients[i].next = i * offered
		all.Go(func() {
			for range offered / len(clients) {
				if why := clients[i].push(queue, size); why != "" {
					refused[i]++
					if want := fmt.Sprintf("queue '%s' is full: %d jobs (max-jobs)", queue, bound); why != want {
						t.Errorf("refused with %q, want %q", why, want)
						return
					}
				}
			}
		})
	}
	all.Wait()
	tr.goesOn(t)
	grown := resident(t, e.PID()) - before
	no := 0
	for i, other := range clients {
		c.accepted[queue] = append(c.accepted[queue], other.accepted[queue]...)
		no += refused[i]
	}
	if n := len(c.accepted[queue]); n != bound || no != offered-bound {
		t.Errorf("%d jobs were accepted and %d refused, want %d and %d", n, no, bound, offered-bound)
	}
	q := program.Queue(t, s.socket(), queue)
	if q.Counts.Pushed != bound || q.Counts.Refused != offered-bound || q.Counts.Reasons["queue full: too many entries"] != offered-bound || q.Jobs.Ready != bound {
		t.Errorf("show queues counts %+v, jobs %+v", q.Counts, q.Jobs)
	}
	for line, want := range map[string]int{
		`eddy_queue_pushed_total{queue="` + queue + `"}`:                    bound,
		`eddy_queue_refused_total{queue="` + queue + `",reason="max_jobs"}`: offered - bound,
		`eddy_queue_jobs{queue="` + queue + `",state="ready"}`:              bound,
	} {
		if got := metric(t, s, line); got != float64(want) {
			t.Errorf("/metrics: %s is %v, want %d", line, got, want)
		}
	}
	t.Logf("%d kB resident before, %d kB more with %d jobs of %d bytes and %d refusals; %d other requests answered", before, grown, bound, size, no, tr.answers.Load())
	// What was accepted has 10 MB, what was refused had 90 MB; Go's collector may let the heap double before it works, and Lua's too.
	if limit := 60 << 10; grown > limit {
		t.Errorf("%d kB more are resident, want at most %d", grown, limit)
	}

	program.Say(t, s.socket(), "resume queue "+queue)
	c.done(queue, 1)
	tr.goesOn(t)
	tr.stop()
	program.Until(t, "the queue has counted its jobs as done", func() bool {
		q = program.Queue(t, s.socket(), queue)
		return q.Jobs.Live() == 0
	})
	if q.Counts.Done != bound || q.Counts.Failed != 0 {
		t.Errorf("%d jobs were done, %d attempts failed", q.Counts.Done, q.Counts.Failed)
	}
	if len(c.ledger(queue)) != bound {
		t.Errorf("%d jobs were done, and %d accepted", len(c.ledger(queue)), bound)
	}
	e.Stop(t)
}

// resident is a process's memory in kB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("no /proc here")
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(v)[0])
			return n
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// metric asks the exporter for one value.
func metric(t *testing.T, s *site, name string) float64 {
	t.Helper()
	res, err := http.Get("http://" + s.addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatalf("no %s in\n%s", name, body)
	return 0
}
