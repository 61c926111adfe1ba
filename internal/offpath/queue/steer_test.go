package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

func TestDelay(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{}
		r.open(Options{Workers: 1, Runner: rec}).Start()
		start := time.Now()
		for _, s := range []int{30, 10, 20, 0} {
			r.push(data(fmt.Sprint(s)), time.Duration(s)*time.Second)
		}
		time.Sleep(time.Minute)
		if got := rec.all(); !slices.Equal(got, []string{"0", "10", "20", "30"}) {
			t.Errorf("ran %q", got)
		}
		for i, at := range rec.times() {
			if late := at.Sub(start) - time.Duration(i)*10*time.Second; late < 0 || late > 20*time.Millisecond {
				t.Errorf("job %d: %v late", i, late)
			}
		}
		r.stop()
	})
}

// A job of a key that was delayed joins the line when it is due.
func TestDelayedJoinsItsLine(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{then: lasts(4 * time.Second)}
		r.open(Options{Workers: 3, Runner: rec}).Start()
		push := func(name string, delay time.Duration) {
			b := data(name)
			b.Key = "k"
			r.push(b, delay)
		}
		push("late", 6*time.Second)
		push("a", 0)
		push("b", 0)
		push("c", 0)
		time.Sleep(time.Minute)
		if got := rec.all(); !slices.Equal(got, []string{"a", "b", "late", "c"}) {
			t.Errorf("ran %q", got)
		}
		r.stop()
	})
}

func TestTimeout(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{then: lasts(time.Hour)}
		r.open(Options{Workers: 1, Runner: rec, Timeout: 2 * time.Second, KeepDead: time.Hour}).Start()
		long := data("long")
		long.Timeout = 10 * time.Second
		long.MaxAttempts = 2
		first, second := r.push(data("short"), 0), r.push(long, 0)
		time.Sleep(time.Minute)
		j, err := r.Get(first.ID)
		if err != nil || j.State != job.Dead || j.Failures[0].Text != "it took longer than its timeout of 2s" {
			t.Errorf("%+v, %v", j, err)
		}
		if took := rec.times()[1].Sub(rec.times()[0]); took < 2*time.Second || took > 2100*time.Millisecond {
			t.Errorf("the first took %v", took)
		}
		if j, err := r.Get(second.ID); err != nil || j.State != job.Dead || j.Attempts != 2 {
			t.Errorf("%+v, %v", j, err)
		}
		if s := r.Stats(); s.TimedOut != 3 || s.Failed != 3 || s.Died != 2 {
			t.Errorf("%+v", s)
		}
		r.stop()
	})
}

func TestFinal(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{then: runs(func(context.Context, *job.Job) Outcome { return Outcome{Err: errTest, Final: true} })}
		r.open(Options{Workers: 1, Runner: rec, Retry: Retry{Retries: 5}, KeepDead: time.Hour}).Start()
		receipt := r.push(data("a"), 0)
		time.Sleep(time.Second)
		if j, err := r.Get(receipt.ID); err != nil || j.State != job.Dead || len(rec.all()) != 1 {
			t.Errorf("%+v, %v, ran %d times", j, err, len(rec.all()))
		}
		if r.said("(handler 'h') is dead after attempt 1: no luck") != 1 {
			t.Errorf("logged %q", r.logs)
		}
		r.stop()
	})
}

func TestPauseDrainResume(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{Workers: 2, Runner: lasts(time.Second), Retry: Retry{Retries: 3}}).Start()
		for range 6 {
			r.push(data("x"), 0)
		}
		time.Sleep(10 * time.Millisecond)
		r.Pause()
		time.Sleep(10 * time.Second)
		if s := r.Stats(); s.Done != 2 || s.Totals.Jobs[job.Ready] != 4 || !s.Paused {
			t.Errorf("%+v", s)
		}
		r.push(data("x"), 0)
		r.Resume()
		r.Drain()
		if _, why := r.Offer(Push{Job: &job.Job{Body: data("x")}}); why.Reason != handoff.Closed || !strings.Contains(why.Text, "draining") {
			t.Errorf("%+v", why)
		}
		time.Sleep(10 * time.Second)
		if s := r.Stats(); s.Done != 7 || !s.Draining {
			t.Errorf("%+v", s)
		}
		r.Resume()
		r.push(data("x"), 0)
		time.Sleep(2 * time.Second)
		r.stop()
	})
}

func TestDelete(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		var cause error
		r.open(Options{Workers: 1, KeepDead: time.Hour, Retry: Retry{Retries: 1, Min: time.Hour, Max: time.Hour}, Runner: runs(func(ctx context.Context, j *job.Job) Outcome {
			if string(j.Data) == "fails" {
				return Outcome{Err: errTest}
			}
			if string(j.Data) == "dies" {
				return Outcome{Err: errTest, Final: true}
			}
			<-ctx.Done()
			cause = context.Cause(ctx)
			time.Sleep(time.Second)
			return Outcome{Err: cause}
		})}).Start()
		var got []string
		push := func(name, key string, delay time.Duration) job.ID {
			b := data(name)
			b.Key = key
			receipt, why := r.Offer(Push{Job: &job.Job{Body: b}, Delay: delay, Ticket: r.ticket(&got)})
			if !why.OK() {
				t.Fatal(why)
			}
			if err := r.Committed(t.Context(), receipt); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			return receipt.ID
		}
		ids := []job.ID{push("fails", "", 0), push("fails", "k", 0), push("dies", "", 0), push("runs", "r", 0), push("waits", "r", 0), push("waits", "k", 0), push("waits", "", 0), push("later", "k", time.Hour)}
		states := []job.State{job.Retrying, job.Retrying, job.Dead, job.Running, job.Ready, job.Ready, job.Ready, job.Scheduled}
		for i, id := range ids {
			if j, err := r.Get(id); err != nil || j.State != states[i] {
				t.Errorf("job %d is %v, %v", i, j, err)
			}
		}
		start := time.Now()
		for i, id := range ids {
			if err := r.Delete(id); err != nil {
				t.Errorf("job %d: %v", i, err)
			}
			if err := r.Delete(id); !errors.Is(err, jobstore.ErrNotFound) {
				t.Errorf("job %d again: %v", i, err)
			}
		}
		if time.Since(start) > time.Second {
			t.Error("Delete waited for the job")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if cause != ErrDeleted {
			t.Errorf("the running job ended by %v", cause)
		}
		r.inbox.Finish(t.Context())
		want := slices.Repeat([]string{ErrDeleted.Error()}, 7)
		if slices.Sort(got); !slices.Equal(got, append([]string{"no luck"}, want...)) && !slices.Equal(got, append(want, "no luck")) {
			t.Errorf("got %q", got)
		}
		if s := r.Stats(); s.Deleted != 8 || s.Done != 0 || s.Totals.Jobs != [8]int64{} {
			t.Errorf("%+v", s)
		}
		if len(r.order.lines) != 0 || len(r.order.behind) != 0 {
			t.Errorf("%+v is left", &r.order)
		}
		r.stop()
	})
}

func TestRetryDeadAndEdit(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{then: runs(func(_ context.Context, j *job.Job) Outcome {
			if string(j.Data) == "good now" {
				return Outcome{}
			}
			return Outcome{Err: errTest}
		})}
		r.open(Options{Workers: 1, Runner: rec, KeepDead: time.Hour, Retry: Retry{Retries: 1, Min: time.Second, Max: time.Second}}).Start()
		var ids []job.ID
		for range 5 {
			ids = append(ids, r.push(data("bad"), 0).ID)
		}
		time.Sleep(time.Minute)
		if s := r.Stats(); s.Died != 5 || s.Used.Entries != 0 {
			t.Errorf("%+v", s)
		}
		if err := r.Edit(ids[0], []byte("good now")); err != nil {
			t.Fatal(err)
		}
		if err := r.Retry(ids[0]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if s := r.Stats(); s.Done != 1 || s.Totals.Jobs[job.Dead] != 4 {
			t.Errorf("%+v", s)
		}
		r.Pause()
		if n, err := r.RetryDead(3); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if err := r.Retry(ids[1]); err == nil || !strings.Contains(err.Error(), "is ready") {
			t.Errorf("a ready one: %v", err)
		}
		if err := r.Edit(ids[1], []byte("good now")); err != nil {
			t.Error(err)
		}
		j, err := r.Get(ids[1])
		if err != nil || j.State != job.Ready || j.Attempts != 0 || string(j.Data) != "good now" || len(j.Failures) != 2 {
			t.Errorf("%+v, %v", j, err)
		}
		r.Resume()
		time.Sleep(time.Minute)
		if s := r.Stats(); s.Done != 2 || s.Totals.Jobs[job.Dead] != 3 {
			t.Errorf("%+v", s)
		}
		if n, err := r.Purge(); n != 3 || err != nil {
			t.Errorf("purged %d, %v", n, err)
		}
		r.stop()
	})
}

// An edit of a job in a line does not let those behind it go first.
func TestEditKeepsItsPlace(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{then: lasts(time.Second)}
		r.open(Options{Workers: 2, Runner: rec}).Start()
		var ids []job.ID
		for _, s := range []string{"a", "b", "c"} {
			b := data(s)
			b.Key = "k"
			ids = append(ids, r.push(b, 0).ID)
		}
		r.Pause()
		time.Sleep(2 * time.Second)
		if err := r.Edit(ids[1], []byte("edited")); err != nil {
			t.Fatal(err)
		}
		r.Resume()
		time.Sleep(10 * time.Second)
		if got := rec.all(); !slices.Equal(got, []string{"a", "edited", "c"}) {
			t.Errorf("ran %q", got)
		}
		r.stop()
	})
}

func TestPurge(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{Workers: 1, Runner: lasts(time.Hour)}).Start()
		for i := range 1200 {
			b := data("x")
			b.Key = fmt.Sprint(i % 3)
			b.Unique = fmt.Sprint(i)
			if _, why := r.Offer(Push{Job: &job.Job{Body: b}, Delay: time.Duration(i%2) * time.Hour}); !why.OK() {
				t.Fatal(why)
			}
		}
		time.Sleep(time.Second)
		if n, err := r.Purge(job.Scheduled); n != 600 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := r.Purge(); n != 599 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := r.Purge(job.Running); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		b := data("x")
		b.Unique = "5"
		if got := r.push(b, 0); got.Duplicate {
			t.Error("a purged job holds its unique key")
		}
		r.stop()
	})
}

func TestListPages(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{})
		r.Start()
		r.push(data("x"), 0)
		var want []job.ID
		for i := range 250 {
			b := data("x")
			if i%2 == 0 {
				b.Key = "even"
			}
			id := r.push(b, time.Duration(250-i)*time.Hour).ID
			want = append([]job.ID{id}, want...)
		}
		var got []job.ID
		after := job.ID(0)
		for {
			page, more, err := r.List(Filter{States: []job.State{job.Scheduled}, After: after})
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range page {
				got = append(got, j.ID)
			}
			if !more {
				break
			}
			after = page[len(page)-1].ID
			if err := r.Delete(after); err != nil { // it goes while the next page is asked for
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %d, want %d", len(got), len(want))
		}
		even, more, err := r.List(Filter{Key: "even", Limit: 10})
		if len(even) != 10 || !more || err != nil || even[0].Key != "even" {
			t.Errorf("%d, %v, %v", len(even), more, err)
		}
		if all, more, err := r.List(Filter{Limit: 1000}); len(all) != 249 || more || err != nil || all[0].State != job.Ready {
			t.Errorf("%d, %v, %v", len(all), more, err)
		}
		r.stop()
	})
}

func TestFindAndRelease(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{Workers: 1, Runner: lasts(time.Second)}).Start()
		receipt := r.push(data("a"), 0)
		receipt.Handle.Release()
		h, err := r.Find(receipt.ID)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		h.Attach(r.ticket(&got))
		receipt.Handle.Attach(r.ticket(&got)) // after its release, still good while the job is there
		if _, err := r.Find(1); !errors.Is(err, jobstore.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		time.Sleep(2 * time.Second)
		r.inbox.Finish(t.Context())
		if !slices.Equal(got, []string{"a", "a"}) {
			t.Errorf("got %q", got)
		}
		if _, err := r.Find(receipt.ID); !errors.Is(err, jobstore.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		r.stop()
	})
}
