package queue

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/disk"
	"eddy/internal/reentry"
)

// Producers, workers and a restart on a real disk: each job ends well once, in order of its key, and its ticket is settled or its
// queue says that it stopped.
func TestRealDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	const producers, each, keys = 8, 100, 5
	var mu sync.Mutex
	ran := map[string]int{}
	last := map[string]int{}
	half, whole := make(chan struct{}), make(chan struct{})
	runner := runs(func(_ context.Context, j *job.Job) Outcome {
		mu.Lock()
		defer mu.Unlock()
		ran[string(j.Data)]++
		var producer, n int
		if _, err := fmt.Sscanf(string(j.Data), "%d/%d", &producer, &n); err != nil {
			t.Error(err)
		}
		if line := fmt.Sprint(producer, "/", j.Key); j.Key != "" {
			if b, some := last[line]; some && b > n {
				t.Errorf("key %s: %d of producer %d ran after %d", j.Key, n, producer, b)
			}
			last[line] = n
		}
		switch {
		case ran[string(j.Data)] > 1:
		case len(ran) == producers*each/2:
			close(half)
		case len(ran) == producers*each:
			close(whole)
		}
		return Outcome{Result: j.Data}
	})
	open := func() *Queue {
		store, err := disk.Open(path, disk.Options{Sync: true})
		if err != nil {
			t.Fatal(err)
		}
		q, err := Open(Options{Name: "q", Store: store, Workers: 4, Runner: runner, Retry: Retry{Retries: 3}})
		if err != nil {
			t.Fatal(err)
		}
		q.Start()
		return q
	}
	inbox := reentry.New(reentry.Options{})
	q := open()
	var all sync.WaitGroup
	for p := range producers {
		tickets := make([]*reentry.Ticket, each)
		for n := range tickets {
			tickets[n], _ = inbox.Issue(func(reentry.Result) {})
		}
		all.Go(func() {
			for n, ticket := range tickets {
				b := job.Body{Handler: "h", Data: fmt.Appendf(nil, "%d/%d", p, n)}
				if k := n % (keys + 1); k > 0 {
					b.Key = fmt.Sprint(k)
				}
				r, why := q.Offer(Push{Job: &job.Job{Body: b}, Ticket: ticket})
				if !why.OK() {
					t.Error(why)
				} else if err := q.Committed(context.Background(), r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	<-half
	q.Stop(t.Context())
	inbox.Finish(t.Context())
	if s := q.Stats(); s.Pushed != producers*each || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
	q = open()
	if s := q.Stats(); s.Redelivered != 0 {
		t.Errorf("%+v", s)
	}
	<-whole
	q.Stop(t.Context())
	if len(ran) != producers*each {
		t.Errorf("%d ran", len(ran))
	}
	for what, n := range ran {
		if n != 1 {
			t.Errorf("%s ran %d times", what, n)
		}
	}
	if c := inbox.Counts(); c.Issued != producers*each || c.Open != 0 || c.Issued != c.Delivered+c.Expired {
		t.Errorf("%+v", c)
	}
}
