package pool

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/reentry"
)

// seen is what a test knows of a job.
type seen struct {
	key      string
	accepted bool
	released atomic.Int32
	ran      atomic.Int32
	took     int
	ticket   *reentry.Ticket
}

// Several owners offer to pools that share a budget. Whatever the number of workers and the policy, and whether the pools get
// the time to finish: an accepted job is released once and its ticket ends once, a refused one never; jobs of one key never
// run at a time or out of order; the budget is kept and given back.
func TestEveryJobEndsOnce(t *testing.T) {
	const owners, each, keys = 3, 1500, 4
	for seed, tt := range []struct {
		workers int
		full    handoff.Full
		hurry   bool // Stop has no time
	}{
		{1, handoff.Reject, false}, {8, handoff.Reject, false}, {2, handoff.DropOldest, false}, {3, handoff.DropNewest, false},
		{1, handoff.Reject, true}, {8, handoff.DropOldest, true},
	} {
		budget := handoff.NewBudget(handoff.Bounds{Entries: 300, Bytes: 30_000})
		pools := make([]*Pool, owners)
		jobs := make([][]*seen, owners)
		inboxes := make([]*reentry.Inbox, owners)
		finished := make(chan struct{}, owners)
		for o := range owners {
			pools[o] = New(Options{Workers: tt.workers, Bounds: handoff.Bounds{Entries: 200}, Budget: budget, Full: tt.full})
			inboxes[o] = reentry.New(reentry.Options{Bytes: 1000})
			go func() {
				defer func() { finished <- struct{}{} }()
				jobs[o] = own(t, pools[o], inboxes[o], each, keys, rand.New(rand.NewPCG(uint64(seed), uint64(o))))
				if !tt.hurry {
					inboxes[o].Finish(context.Background())
				}
			}()
		}
		for range owners {
			<-finished
		}
		for _, p := range pools {
			ctx, cancel := context.WithCancel(context.Background())
			if tt.hurry {
				cancel()
			}
			report := p.Stop(ctx)
			if len(report.Stuck) > 0 || !tt.hurry && !report.Empty() {
				t.Errorf("%+v: %s", tt, report.String())
			}
			cancel()
		}
		for o, in := range inboxes {
			if open := in.Finish(context.Background()); open != 0 {
				t.Errorf("%+v: %d tickets are open", tt, open)
			}
			s := pools[o].Stats()
			check(t, jobs[o], s, in.Counts())
			in.Close()
		}
		if used, peak := budget.Used(), budget.Peak(); used != (handoff.Bounds{}) || peak.Entries > 300 || peak.Bytes > 30_000 {
			t.Errorf("%+v: used %+v, peak %+v", tt, used, peak)
		}
	}
}

// own is an owner's goroutine: it offers jobs and drains its inbox.
func own(t *testing.T, p *Pool, in *reentry.Inbox, each, keys int, r *rand.Rand) []*seen {
	jobs := make([]*seen, each)
	busy := make([]atomic.Int32, keys)
	last := make([]atomic.Int64, keys)
	for n := range jobs {
		j := &seen{}
		jobs[n] = j
		key := r.IntN(keys)
		if key > 0 { // 0 is no key
			j.key = strconv.Itoa(key)
		}
		data := make([]byte, 8+r.IntN(100))
		binary.LittleEndian.PutUint64(data, uint64(n))
		ticket, ok := in.Issue(func(got reentry.Result) {
			j.took++
			if got.Err == nil && binary.LittleEndian.Uint64(got.Data) != uint64(n) {
				t.Errorf("job %d took the result of another", n)
			}
		})
		if !ok {
			t.Fatal("no ticket")
		}
		j.ticket = ticket
		j.accepted = p.Offer(Job{Key: j.key, Bytes: int64(r.IntN(200)), Ticket: ticket,
			Release: func() { j.released.Add(1) },
			Run: func(ctx context.Context, worker int) reentry.Result {
				j.ran.Add(1)
				if key > 0 {
					if busy[key].Add(1) != 1 {
						t.Errorf("two jobs of key %d run at a time", key)
					}
					if before := last[key].Swap(int64(n)); before > int64(n) {
						t.Errorf("key %d: job %d ran after job %d", key, n, before)
					}
					runtime.Gosched()
					busy[key].Add(-1)
				}
				if worker < 0 || worker >= p.Workers() {
					t.Errorf("worker %d of %d", worker, p.Workers())
				}
				return reentry.Result{Data: data}
			}}).OK()
		if r.IntN(10) == 0 {
			in.Drain(r.IntN(5))
		}
		if r.IntN(100) == 0 {
			time.Sleep(time.Microsecond) // let the workers come near
		}
	}
	return jobs
}

// check compares what happened to an owner's jobs with what was counted.
func check(t *testing.T, jobs []*seen, s Stats, c reentry.Counts) {
	t.Helper()
	var accepted, ran uint64
	for n, j := range jobs {
		want := int32(0)
		if j.accepted {
			want = 1
			accepted++
		}
		ran += uint64(j.ran.Load())
		if j.released.Load() != want || j.took != int(want) || j.ran.Load() > want {
			t.Fatalf("job %d, accepted %v: released %d times, taken %d, ran %d", n, j.accepted, j.released.Load(), j.took, j.ran.Load())
		}
		if fate := j.ticket.Fate(); j.accepted && fate != reentry.Delivered && fate != reentry.Expired {
			t.Fatalf("job %d is %v", n, fate)
		}
	}
	if s.Offered != uint64(len(jobs)) || s.Accepted != accepted || s.Done != ran || s.Dropped != accepted-ran || s.Offered != s.Accepted+s.RefusedInAll() {
		t.Errorf("%d accepted, %d ran: %+v", accepted, ran, s)
	}
	if c.Issued != accepted || c.Issued != c.Delivered+c.Expired || c.Open != 0 {
		t.Errorf("%d accepted: %+v", accepted, c)
	}
}
