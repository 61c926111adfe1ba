package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/reentry"
)

// gives is a Run that ends at once.
func gives(data string, err error) func(context.Context, int) reentry.Result {
	return func(context.Context, int) reentry.Result { return reentry.Result{Data: []byte(data), Err: err} }
}

// takes is a Run that takes a time, unless it is cancelled.
func takes(d time.Duration) func(context.Context, int) reentry.Result {
	return func(ctx context.Context, _ int) reentry.Result {
		select {
		case <-time.After(d):
			return reentry.Result{Data: []byte("done")}
		case <-ctx.Done():
			return reentry.Result{Err: context.Cause(ctx)}
		}
	}
}

func issue(t *testing.T, in *reentry.Inbox, take func(reentry.Result)) *reentry.Ticket {
	t.Helper()
	ticket, ok := in.Issue(take)
	if !ok {
		t.Fatal("no ticket")
	}
	return ticket
}

func offer(t *testing.T, p *Pool, j Job) {
	t.Helper()
	if r := p.Offer(j); !r.OK() {
		t.Errorf("%v was refused: %v", j.Origin, r)
	}
}

func TestResults(t *testing.T) {
	errDisk := errors.New("the disk is full")
	var failed []string
	p := New(Options{Failed: func(o Origin, err error) { failed = append(failed, o.String()+": "+err.Error()) }})
	in := reentry.New(reentry.Options{})
	var got []string
	take := func(r reentry.Result) { got = append(got, fmt.Sprintf("%s %v", r.Data, r.Err)) }
	offer(t, p, Job{Run: gives("a", nil), Ticket: issue(t, in, take)})
	offer(t, p, Job{Run: gives("b", nil)}) // nobody wants it
	offer(t, p, Job{Origin: Origin{"copy", "keep", "keep.lua:3"}, Run: gives("", errDisk), Ticket: issue(t, in, take)})
	if open := in.Finish(t.Context()); open != 0 {
		t.Errorf("%d are open", open)
	}
	if r := p.Stop(t.Context()); !r.Empty() {
		t.Error(r.String())
	}
	if want := []string{"a <nil>", " the disk is full"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if want := []string{"copy of keep (keep.lua:3): the disk is full"}; !slices.Equal(failed, want) {
		t.Errorf("failed: %q", failed)
	}
	if s := p.Stats(); s.Done != 3 || s.Failed != 1 || s.Waiting+s.Taken != 0 {
		t.Errorf("got %+v", s)
	}
	if r := p.Offer(Job{Run: gives("", nil)}); r != handoff.Closed {
		t.Errorf("a pool that was stopped: %v", r)
	}
}

// A refused job leaves no ticket behind, and is released by nobody.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Bounds: handoff.Bounds{Entries: 1}})
		in := reentry.New(reentry.Options{})
		released := 0
		job := Job{Run: takes(time.Second), Release: func() { released++ }}
		job.Ticket = issue(t, in, func(reentry.Result) {})
		offer(t, p, job)
		job.Ticket = issue(t, in, func(reentry.Result) { t.Error("a refused job had a result") })
		if r := p.Offer(job); r != handoff.EntriesFull {
			t.Errorf("got %v", r)
		}
		in.Finish(t.Context())
		p.Stop(t.Context())
		if c := in.Counts(); c.Issued != 1 || c.Delivered != 1 || released != 1 {
			t.Errorf("got %+v, %d released", c, released)
		}
	})
}

// The policy's victims expire, are released and reported.
func TestDropOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Bounds: handoff.Bounds{Entries: 3}, Full: handoff.DropOldest})
		in := reentry.New(reentry.Options{})
		var got []string
		var released atomic.Int32
		for i := range 5 {
			offer(t, p, Job{
				Origin:  Origin{Kind: "schedule", Where: fmt.Sprintf("a.lua:%d", i)},
				Run:     takes(time.Second),
				Ticket:  issue(t, in, func(r reentry.Result) { got = append(got, fmt.Sprint(i, " ", r.Err)) }),
				Release: func() { released.Add(1) },
			})
			synctest.Wait() // the first is running
		}
		in.Finish(t.Context())
		if want := []string{"1 " + ErrDropped.Error(), "2 " + ErrDropped.Error(), "0 <nil>", "3 <nil>", "4 <nil>"}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		if c := in.Counts(); c.Delivered != 3 || c.Expired != 2 {
			t.Errorf("got %+v", c)
		}
		p.Stop(t.Context())
		s := p.Stats()
		if want := []Line{{Origin{Kind: "schedule", Where: "a.lua:1"}, 1}, {Origin{Kind: "schedule", Where: "a.lua:2"}, 1}}; !slices.Equal(s.DroppedBy, want) || s.Dropped != 2 {
			t.Errorf("dropped: %v", s.DroppedBy)
		}
		if released.Load() != 5 {
			t.Errorf("%d released", released.Load())
		}
	})
}

// At the end of a replay: results are delivered before Finish returns, those of work that results schedule too, and what
// nobody waits for is drained after that.
func TestEndOfReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Workers: 3})
		in := reentry.New(reentry.Options{})
		results, silent := 0, 0
		var schedule func(depth int)
		schedule = func(depth int) {
			offer(t, p, Job{Run: takes(time.Second), Ticket: issue(t, in, func(reentry.Result) {
				if results++; depth > 0 {
					schedule(depth - 1)
					schedule(depth - 1)
				}
			})})
			offer(t, p, Job{Key: "log", Run: func(ctx context.Context, worker int) reentry.Result {
				silent++ // one at a time, as they have one key
				return takes(time.Second)(ctx, worker)
			}})
		}
		schedule(4)
		if open := in.Finish(t.Context()); open != 0 || results != 31 {
			t.Errorf("%d results, %d open", results, open)
		}
		if err := p.Drain(t.Context()); err != nil || silent != 31 || p.Pending() != 0 {
			t.Errorf("%v, %d of the others, %d pending", err, silent, p.Pending())
		}
		if r := p.Stop(t.Context()); !r.Empty() {
			t.Error(r.String())
		}
	})
}

// Stop keeps its time, and accounts for every job.
func TestStopAtDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Workers: 2})
		in := reentry.New(reentry.Options{})
		errs := map[error]int{}
		take := func(r reentry.Result) { errs[r.Err]++ }
		for i, d := range []time.Duration{time.Second, time.Hour, 2 * time.Second, time.Hour, 0, 0, 0} {
			offer(t, p, Job{Origin: Origin{Kind: "schedule", Where: fmt.Sprintf("a.lua:%d", min(i, 4))}, Run: takes(d), Ticket: issue(t, in, take)})
		}
		offer(t, p, Job{Origin: Origin{Kind: "copy"}, Run: takes(0), Ticket: issue(t, in, take)})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		report := p.Stop(ctx)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("Stop took %v", took)
		}
		if got, want := report.String(), "dropped: 3 × schedule (a.lua:4), 1 × copy; cut short: 1 × schedule (a.lua:1), 1 × schedule (a.lua:3)"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		in.Finish(t.Context())
		if errs[nil] != 2 || errs[ErrStopped] != 6 {
			t.Errorf("got %v", errs)
		}
		if c := in.Counts(); c.Delivered != 4 || c.Expired != 4 { // an error is a result, too
			t.Errorf("got %+v", c)
		}
	})
}

// A job that does not heed its context is left behind, and named.
func TestStopStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Grace: 3 * time.Second})
		release := make(chan struct{})
		offer(t, p, Job{Origin: Origin{Kind: "schedule", Plugin: "slow"}, Run: func(context.Context, int) reentry.Result {
			<-release
			return reentry.Result{}
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		report := p.Stop(ctx)
		if took := time.Since(start); took != 4*time.Second {
			t.Errorf("Stop took %v", took)
		}
		if got, want := report.String(), "still running: 1 × schedule of slow"; got != want {
			t.Errorf("got %s", got)
		}
		close(release)
	})
}

// Stop frees a worker that waits for an owner who does not drain.
func TestStopFreesDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		in := reentry.New(reentry.Options{Bytes: 1})
		for range 3 {
			offer(t, p, Job{Origin: Origin{Kind: "schedule"}, Run: gives("result", nil), Ticket: issue(t, in, func(reentry.Result) {})})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		report := p.Stop(ctx)
		if got, want := report.String(), "dropped: 1 × schedule; cut short: 1 × schedule"; got != want {
			t.Errorf("got %s", got)
		}
		in.Finish(t.Context())
		if c := in.Counts(); c.Delivered != 1 || c.Expired != 2 {
			t.Errorf("got %+v", c)
		}
	})
}

func TestOriginString(t *testing.T) {
	for _, tt := range []struct {
		o    Origin
		want string
	}{
		{Origin{"copy", "", ""}, "copy"},
		{Origin{"copy", "keep", ""}, "copy of keep"},
		{Origin{"copy", "", "keep.lua:3"}, "copy (keep.lua:3)"},
		{Origin{"copy", "keep", "keep.lua:3"}, "copy of keep (keep.lua:3)"},
	} {
		if got := tt.o.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// The way out and back: issue, offer, run on a worker, deliver, drain.
func BenchmarkRoundTrip(b *testing.B) {
	for _, workers := range []int{1, 4} {
		for _, inFlight := range []int{1, 256} {
			b.Run(fmt.Sprintf("workers=%d/in-flight=%d", workers, inFlight), func(b *testing.B) {
				p := New(Options{Workers: workers, Bounds: handoff.Bounds{Entries: 100_000, Bytes: 256 << 20}})
				in := reentry.New(reentry.Options{})
				run := gives(strings.Repeat("x", 40), nil)
				take := func(reentry.Result) {}
				b.ReportAllocs()
				for range b.N {
					for in.Open() >= inFlight {
						<-in.Ready()
						in.Drain(0)
					}
					t, _ := in.Issue(take)
					if r := p.Offer(Job{Run: run, Bytes: 100, Ticket: t}); !r.OK() {
						b.Fatal(r)
					}
				}
				in.Finish(context.Background())
				p.Stop(context.Background())
			})
		}
	}
}
