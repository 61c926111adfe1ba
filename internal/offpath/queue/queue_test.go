package queue

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"eddy/internal/offpath/job"
)

func TestPushAndRun(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{Workers: 2, Runner: lasts(time.Second)}).Start()
		var got []string
		for _, s := range []string{"a", "b", "c"} {
			_, why := r.Offer(Push{Job: &job.Job{Body: data(s)}, Ticket: r.ticket(&got)})
			if !why.OK() {
				t.Fatal(why)
			}
		}
		receipt := r.push(data("d"), 0)
		r.inbox.Finish(t.Context())
		slices.Sort(got)
		if !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("got %q", got)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		receipt.Handle.Attach(r.ticket(&got)) // after its end
		r.inbox.Finish(t.Context())
		if got[len(got)-1] != "d" {
			t.Errorf("got %q", got)
		}
		if s := r.Stats(); s.Done != 4 || s.Pushed != 4 || s.Started != 4 || s.Busy != 0 || s.Totals.Jobs != [8]int64{} {
			t.Errorf("got %+v", s)
		}
		r.stop()
	})
}

func TestPriorities(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{then: lasts(time.Second)}
		r.open(Options{Workers: 1, Runner: rec})
		for i, p := range []int8{0, -100, 5, 100, 5, 0} {
			j := &job.Job{Body: data(string(rune('a' + i)))}
			j.Priority = p
			if _, why := r.Offer(Push{Job: j}); !why.OK() {
				t.Fatal(why)
			}
		}
		r.Start()
		time.Sleep(10 * time.Second)
		if got := rec.all(); !slices.Equal(got, []string{"d", "c", "e", "a", "f", "b"}) {
			t.Errorf("got %q", got)
		}
		r.stop()
	})
}

func TestRetryThenDead(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{then: runs(func(ctx context.Context, j *job.Job) Outcome { return Outcome{Err: errTest, Traceback: "here"} })}
		r.open(Options{Workers: 1, Runner: rec, Retry: Retry{Retries: 3, Min: time.Second, Max: time.Minute}, KeepDead: time.Hour}).Start()
		var got []string
		receipt, _ := r.Offer(Push{Job: &job.Job{Body: data("a")}, Ticket: r.ticket(&got)})
		time.Sleep(time.Minute)
		r.inbox.Finish(t.Context())
		if len(rec.times()) != 4 || !slices.Equal(got, []string{"no luck"}) {
			t.Fatalf("%d attempts, got %q", len(rec.times()), got)
		}
		for i := 1; i < 4; i++ {
			base := time.Second << (i - 1)
			if d := rec.times()[i].Sub(rec.times()[i-1]); d < base || d > base*3/2+10*time.Millisecond {
				t.Errorf("pause %d: %v", i, d)
			}
		}
		j, err := r.Get(receipt.ID)
		if err != nil || j.State != job.Dead || len(j.Failures) != 4 || j.Failures[3].Text != "no luck" || j.Failures[3].Traceback != "here" {
			t.Fatalf("%+v, %v", j, err)
		}
		if s := r.Stats(); s.Failed != 4 || s.Retried != 3 || s.Died != 1 {
			t.Errorf("got %+v", s)
		}
		r.adds()
		time.Sleep(62 * time.Minute)
		if s := r.Stats(); s.Expired != 1 || s.Totals.Jobs[job.Dead] != 0 {
			t.Errorf("got %+v", s)
		}
		r.stop()
	})
}

// A push that finds a worker free is marked as running by the commit that brings it to the disk.
func TestTakenAtOnce(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{Workers: 1, Runner: lasts(time.Second)}).Start()
		synctest.Wait()
		receipt := r.push(data("a"), 0)
		synctest.Wait()
		if j, err := r.Get(receipt.ID); err != nil || j.State != job.Running || j.Attempts != 1 {
			t.Errorf("%+v, %v", j, err)
		}
		if r.disk && r.store.count() != 1 {
			t.Errorf("%d commits", r.store.count())
		}
		time.Sleep(time.Minute)
		r.stop()
	})
}
