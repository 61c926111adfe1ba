package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
)

// Nobody takes anything, and ten times the bound is offered: exactly the bound is accepted, all else is refused, counted and told;
// and no more memory is used than the bound allows.
func TestBackpressure(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		const bound, size = 2000, 1000
		r.open(Options{Bounds: handoff.Bounds{Entries: bound}})
		r.Start()
		before := heapInUse()
		refused := 0
		var last Receipt
		for i := range 10 * bound {
			got, why := r.Offer(Push{Job: &job.Job{Body: job.Body{Handler: "h", Data: make([]byte, size)}}})
			if why.OK() {
				last = got
				continue
			}
			refused++
			if why.Reason != handoff.EntriesFull || why.Text != "queue 'q' is full: 2000 jobs (max-jobs)" {
				t.Fatalf("push %d: %+v", i, why)
			}
		}
		if err := r.Committed(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		s := r.Stats()
		if refused != 9*bound || s.Refused[handoff.EntriesFull] != 9*bound || s.Pushed != bound || s.Used.Entries != bound {
			t.Errorf("%d refused: %+v", refused, s)
		}
		if grown := int64(heapInUse() - before); grown > 4*bound*size {
			t.Errorf("%d bytes for %d jobs of %d", grown, bound, size)
		}
		r.stop()
	})
}

func TestBytesBound(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		one := int64((&job.Job{Body: job.Body{Queue: "q", Handler: "h", Data: make([]byte, 1000)}}).Weigh())
		r.open(Options{Bounds: handoff.Bounds{Bytes: 10*one + 1}, MaxSize: 20_000, Runner: lasts(time.Second), Workers: 1})
		refused := map[handoff.Refusal]int{}
		for range 30 {
			if _, why := r.Offer(Push{Job: benchJob(1000)}); !why.OK() {
				refused[why.Reason]++
			}
		}
		for _, size := range []int{20_001, 19_000} { // over max-size, over max-bytes
			_, why := r.Offer(Push{Job: benchJob(size)})
			refused[why.Reason]++
		}
		if refused[handoff.BytesFull] != 20 || refused[handoff.TooLarge] != 2 {
			t.Errorf("refused: %v", refused)
		}
		r.Start()
		time.Sleep(5500 * time.Millisecond) // five are done
		if s := r.Stats(); s.Used.Entries != 5 || s.Used.Bytes != 5*one {
			t.Errorf("used: %+v", s.Used)
		}
		time.Sleep(time.Minute)
		r.stop()
	})
}

func TestDropPolicies(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{then: lasts(time.Second)}
		r.open(Options{Workers: 1, Runner: rec, Bounds: handoff.Bounds{Entries: 3}, Full: handoff.DropOldest, Retry: Retry{Retries: 8}})
		r.Start()
		var got []string
		for i := range 6 {
			j := &job.Job{Body: data(string(rune('a' + i)))}
			j.Priority = int8(-i)
			receipt, why := r.Offer(Push{Job: j, Ticket: r.ticket(&got)})
			if !why.OK() {
				t.Fatal(why)
			}
			if err := r.Committed(t.Context(), receipt); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		r.inbox.Finish(t.Context())
		// a runs, b to d are the oldest that wait
		if want := []string{"a", "e", "f"}; !slices.Equal(rec.all(), want) {
			t.Errorf("ran %q", rec.all())
		}
		slices.Sort(got)
		if want := []string{"a", "e", "f", ErrDropped.Error(), ErrDropped.Error(), ErrDropped.Error()}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		if s := r.Stats(); s.Dropped != 3 || s.Pushed != 6 || s.Done != 3 {
			t.Errorf("%+v", s)
		}
		r.stop()
	})
	both(t, func(t *testing.T, r *rig) {
		rec := &record{}
		r.open(Options{Workers: 1, Runner: rec, Bounds: handoff.Bounds{Entries: 2}, Full: handoff.DropNewest})
		var got []string
		for i := range 5 {
			if receipt, why := r.Offer(Push{Job: &job.Job{Body: data(string(rune('a' + i)))}, Ticket: r.ticket(&got)}); !why.OK() || receipt.ID == 0 {
				t.Fatal(why)
			}
		}
		r.Start()
		time.Sleep(time.Second)
		r.inbox.Finish(t.Context())
		if !slices.Equal(rec.all(), []string{"a", "b"}) || len(got) != 5 {
			t.Errorf("ran %q, got %q", rec.all(), got)
		}
		r.stop()
	})
}

// Dead jobs are bounded by themselves, and do not refuse others.
func TestDeadAreBounded(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		fails := runs(func(context.Context, *job.Job) Outcome { return Outcome{Err: errTest, Final: true} })
		r.open(Options{Workers: 2, Runner: fails, Bounds: handoff.Bounds{Entries: 50}, KeepDead: time.Hour}).Start()
		for range 200 {
			r.push(data("x"), 0)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		s := r.Stats()
		if dead := s.Totals.Jobs[job.Dead]; dead > 50 || dead < 40 || s.Died != 200 || s.Expired != 200-uint64(dead) {
			t.Errorf("%d dead: %+v", dead, s)
		}
		r.stop()
	})
}

func TestUnique(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{Workers: 1, Runner: lasts(time.Second)}).Start()
		push := func(unique string) Receipt {
			b := data("x")
			b.Unique = unique
			return r.push(b, 0)
		}
		first := push("order-42")
		again := push("order-42")
		if !again.Duplicate || again.ID != first.ID || again.Handle != nil {
			t.Errorf("got %+v", again)
		}
		if other := push("order-43"); other.Duplicate {
			t.Error("another key is no duplicate")
		}
		time.Sleep(1100 * time.Millisecond)
		if later := push("order-42"); later.Duplicate {
			t.Error("the first is done")
		}
		time.Sleep(10 * time.Second)
		if s := r.Stats(); s.Duplicates != 1 || s.Done != 3 {
			t.Errorf("%+v", s)
		}
		r.stop()
	})
}

// A push whose job has just ended is no duplicate of it, though the store does not know of the end yet.
func TestUniqueAtOnceAfterTheEnd(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{Workers: 1, Runner: lasts(time.Second)}).Start()
		b := data("x")
		b.Unique = "u"
		for range 3 {
			var got []string
			receipt, why := r.Offer(Push{Job: &job.Job{Body: b}, Ticket: r.ticket(&got)})
			if !why.OK() || receipt.Duplicate {
				t.Fatalf("%+v %+v", receipt, why)
			}
			r.inbox.Finish(t.Context())
		}
		r.stop()
	})
}

func TestUniqueFor(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{Workers: 1, Runner: lasts(time.Second), UniqueFor: time.Hour}).Start()
		b := data("x")
		b.Unique = "u"
		first := r.push(b, 0)
		for _, after := range []time.Duration{time.Minute, 58 * time.Minute} {
			time.Sleep(after)
			if again := r.push(b, 0); !again.Duplicate || again.ID != first.ID {
				t.Errorf("after %v: %+v", after, again)
			}
		}
		time.Sleep(2 * time.Minute)
		if again := r.push(b, 0); again.Duplicate {
			t.Error("the hour is over")
		}
		time.Sleep(time.Minute)
		r.stop()
	})
}

// Where a store takes nothing, pushes are refused with its reason; what ended meanwhile is written when it works again.
func TestStoreTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, disk: true}
		release := make(chan struct{})
		rec := &record{then: runs(func(ctx context.Context, j *job.Job) Outcome {
			<-release
			return Outcome{}
		})}
		r.open(Options{Workers: 2, Runner: rec, Retry: Retry{Retries: 8}}).Start()
		for i := range 5 {
			r.push(data(fmt.Sprint(i)), 0)
		}
		time.Sleep(time.Second)
		r.store.fail(fmt.Errorf("no room on the disk"))
		var got []string
		receipt, why := r.Offer(Push{Job: &job.Job{Body: data("late")}, Ticket: r.ticket(&got)})
		if !why.OK() {
			t.Fatal(why)
		}
		if err := r.Committed(t.Context(), receipt); err == nil || err.Error() != "no room on the disk" {
			t.Errorf("got %v", err)
		}
		r.inbox.Finish(t.Context())
		if !slices.Equal(got, []string{"no room on the disk"}) {
			t.Errorf("got %q", got)
		}
		_, why = r.Offer(Push{Job: &job.Job{Body: data("refused")}})
		if why.Reason != handoff.Unavailable || !strings.Contains(why.Text, "no room on the disk") {
			t.Errorf("got %+v", why)
		}
		close(release) // two end while nothing can be written
		before := r.store.count()
		time.Sleep(time.Minute)
		if tried := r.store.count() - before; tried > 40 {
			t.Errorf("tried %d times in a minute", tried)
		}
		if s := r.Stats(); s.StoreError == "" || s.Done != 2 || s.Totals.Jobs[job.Running] != 2 || s.Refused[handoff.Unavailable] != 2 {
			t.Errorf("%+v", s)
		}
		r.store.fail(nil)
		time.Sleep(6 * time.Second)
		if s := r.Stats(); s.StoreError != "" || s.Done != 5 || s.Totals.Jobs != [8]int64{} {
			t.Errorf("%+v", s)
		}
		r.push(data("again"), 0)
		time.Sleep(time.Second)
		if n, m := r.said("pushes are refused"), r.said("works again"); n != 1 || m != 1 {
			t.Errorf("logged: %q", r.logs)
		}
		r.stop()
	})
}

// A rate holds, also over the jobs that are marked ahead.
func TestRate(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{}
		rate := Rate{Events: 50, Per: time.Second, Burst: 10}
		r.open(Options{Workers: 4, Runner: rec, Rate: rate, Retry: Retry{Retries: 3}}).Start()
		for range 500 {
			r.push(data("x"), 0)
		}
		time.Sleep(20 * time.Second)
		keepsRate(t, rec.times(), rate)
		if took := rec.times()[499].Sub(rec.times()[0]); took > 9900*time.Millisecond {
			t.Errorf("500 took %v", took)
		}
		if s := r.Stats(); s.RateWaits == 0 || s.Done != 500 {
			t.Errorf("%+v", s)
		}
		r.stop()
	})
}
