package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/reentry"
)

// slowStore is a store that the queue takes for one on a disk: its commits take a time, and can be made to fail. It can be opened
// again, as after a kill -9.
type slowStore struct {
	*memory.Store
	takes time.Duration

	mu      sync.Mutex
	err     error
	commits int
	closed  bool
	busy    bool
}

func newSlow(takes time.Duration) *slowStore { return &slowStore{Store: memory.New(), takes: takes} }

func (s *slowStore) Path() string { return "nowhere" }

func (s *slowStore) MaxCommit() int64 { return 3 << 20 }

func (s *slowStore) Commit(changes []jobstore.Change) error {
	s.mu.Lock()
	if s.busy {
		panic("two commits at a time")
	}
	s.busy = true
	s.mu.Unlock()
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	s.commits++
	switch {
	case s.closed:
		return jobstore.ErrClosed
	case s.err != nil:
		return s.err
	}
	return s.Store.Commit(changes)
}

func (s *slowStore) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commits
}

func (s *slowStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Close leaves what is there for the next one.
func (s *slowStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// again is the store in the hands of the next process.
func (s *slowStore) again() *slowStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return &slowStore{Store: s.Store, takes: s.takes}
}

// runs is a Runner.
type runs func(ctx context.Context, j *job.Job) Outcome

func (r runs) Run(ctx context.Context, j *job.Job) Outcome { return r(ctx, j) }

// lasts is a Runner whose jobs take a time, unless they are cancelled.
func lasts(d time.Duration) runs {
	return func(ctx context.Context, j *job.Job) Outcome {
		select {
		case <-time.After(d):
			return Outcome{Result: j.Data}
		case <-ctx.Done():
			return Outcome{Err: context.Cause(ctx)}
		}
	}
}

// both runs a test with fake time on a store in memory and on one that is slow.
func both(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	for _, disk := range []bool{false, true} {
		name := "memory"
		if disk {
			name = "disk"
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, &rig{t: t, disk: disk}) })
		})
	}
}

// rig is a queue under test.
type rig struct {
	*Queue
	t     *testing.T
	disk  bool
	store *slowStore
	inbox *reentry.Inbox

	mu   sync.Mutex
	logs []string
}

func (r *rig) open(o Options) *rig {
	r.t.Helper()
	if o.Name == "" {
		o.Name = "q"
	}
	o.Store = memory.New()
	if r.disk {
		if r.store == nil {
			r.store = newSlow(time.Millisecond)
		}
		o.Store = r.store
	}
	if o.Log == nil {
		o.Log = func(_ int, text string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.logs = append(r.logs, text)
		}
	}
	if r.inbox == nil {
		r.inbox = reentry.New(reentry.Options{})
	}
	q, err := Open(o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Queue = q
	return r
}

// stop stops the queue and checks its counts.
func (r *rig) stop() {
	r.t.Helper()
	time.Sleep(5 * lazy) // the last ends are written
	synctest.Wait()
	r.adds()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.Stop(ctx)
	if open := r.inbox.Finish(context.Background()); open != 0 {
		r.t.Errorf("%d tickets are open", open)
	}
	if c := r.inbox.Counts(); c.Issued != c.Delivered+c.Expired+c.OwnerGone {
		r.t.Errorf("tickets do not add up: %+v", c)
	}
}

// said gives the log lines that have a text.
func (r *rig) said(text string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.logs {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// adds checks that the figures add up, when nothing is under way.
func (r *rig) adds() {
	r.t.Helper()
	s := r.Stats()
	present := uint64(0)
	for _, n := range s.Totals.Jobs {
		present += uint64(n)
	}
	if s.Opened+s.Pushed != s.Done+s.Dropped+s.Deleted+s.Expired+s.Handed+present {
		r.t.Errorf("figures do not add up: %+v", s)
	}
	if dead := s.Totals.Jobs[job.Dead]; int64(s.Used.Entries) != int64(present)-dead {
		r.t.Errorf("used %+v, %d are there, %d dead", s.Used, present, dead)
	}
}

// push pushes, and waits until it is safe.
func (r *rig) push(b job.Body, delay time.Duration) Receipt {
	r.t.Helper()
	got, why := r.Offer(Push{Job: &job.Job{Body: b}, Delay: delay})
	if !why.OK() {
		r.t.Fatalf("refused: %+v", why)
	}
	if err := r.Committed(context.Background(), got); err != nil {
		r.t.Fatal(err)
	}
	return got
}

// ticket gives a ticket that puts its result into got.
func (r *rig) ticket(got *[]string) *reentry.Ticket {
	t, ok := r.inbox.Issue(func(res reentry.Result) {
		text := string(res.Data)
		if res.Err != nil {
			text = res.Err.Error()
		}
		*got = append(*got, text)
	})
	if !ok {
		r.t.Fatal("no ticket")
	}
	return t
}

// record is a Runner that remembers what ran.
type record struct {
	mu   sync.Mutex
	ran  []string
	at   []time.Time
	then Runner
}

func (r *record) Run(ctx context.Context, j *job.Job) Outcome {
	r.mu.Lock()
	r.ran = append(r.ran, string(j.Data))
	r.at = append(r.at, time.Now())
	r.mu.Unlock()
	if r.then == nil {
		return Outcome{Result: j.Data}
	}
	return r.then.Run(ctx, j)
}

func (r *record) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.ran...)
}

func (r *record) times() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]time.Time{}, r.at...)
}

var errTest = errors.New("no luck")

func data(s string) job.Body { return job.Body{Handler: "h", Data: []byte(s)} }
