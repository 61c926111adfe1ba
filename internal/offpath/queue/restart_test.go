package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/pool"
	"eddy/internal/reentry"
)

// crash leaves a queue alone as a kill -9 would: what it has not written is lost.
func (r *rig) crash() {
	r.t.Helper()
	next := r.store.again()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.Stop(ctx)
	r.inbox.Finish(context.Background())
	r.store = next
}

func TestCrashGivesRunningJobsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, disk: true}
		rec := &record{then: lasts(time.Hour)}
		o := Options{Workers: 3, Runner: rec, Retry: Retry{Retries: 1}, KeepDead: time.Hour}
		r.open(o).Start()
		var ids []job.ID
		for i := range 8 {
			ids = append(ids, r.push(data(fmt.Sprint(i)), 0).ID)
		}
		r.push(data("later"), 48*time.Hour)
		time.Sleep(time.Minute)
		for round, want := range []struct{ redelivered, dead int }{{3, 0}, {3, 3}, {3, 0}} {
			r.crash()
			r.open(o)
			s := r.Stats()
			if s.Redelivered != uint64(want.redelivered) || s.Died != uint64(want.dead) || s.Opened != 9 {
				t.Errorf("round %d: %+v", round, s)
			}
			r.adds()
			if round == 1 {
				j, err := r.Get(ids[0])
				if err != nil || j.State != job.Dead || j.Failures[0].Text != "the process died while it ran" || j.Attempts != 2 {
					t.Errorf("%+v, %v", j, err)
				}
			}
			r.Start()
			time.Sleep(time.Minute)
		}
		got := rec.all()
		for i := 0; i < len(got); i += 3 {
			slices.Sort(got[i : i+3])
		}
		if !slices.Equal(got, []string{"0", "1", "2", "0", "1", "2", "3", "4", "5", "3", "4", "5"}) {
			t.Errorf("ran %q", got)
		}
		r.stop()
	})
}

// Jobs that were only marked for workers are not suspected: those that were not begun do not lose their attempts by crash after
// crash.
func TestCrashDoesNotKillNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, disk: true}
		block := make(chan struct{})
		o := Options{Workers: 2, Retry: Retry{Retries: 3}, KeepDead: time.Hour, Runner: runs(func(ctx context.Context, j *job.Job) Outcome {
			if string(j.Data) == "poison" {
				<-block
			}
			return Outcome{}
		})}
		r.open(o).Start()
		for range 300 { // quick ones, so that many are marked ahead
			r.push(data("quick"), 0)
		}
		r.Pause()
		for i := range 600 {
			b := data("quick")
			if i == 0 || i == 1 {
				b = data("poison")
			}
			if _, why := r.Offer(Push{Job: &job.Job{Body: b}}); !why.OK() {
				t.Fatal(why)
			}
		}
		time.Sleep(time.Second)
		r.Resume()
		marked := int64(0)
		for range 4 {
			time.Sleep(100 * time.Millisecond)
			marked = max(marked, r.store.Totals().Jobs[job.Running])
			next := r.store.again()
			block <- struct{}{}
			block <- struct{}{}
			r.crashTo(next)
			r.open(o).Start()
		}
		if marked < 10 {
			t.Errorf("%d were marked at most", marked)
		}
		time.Sleep(time.Minute)
		if s := r.Stats(); s.Totals.Jobs[job.Dead] != 2 || s.Totals.Jobs[job.Ready] != 0 {
			t.Errorf("%+v", s)
		}
		r.stop()
	})
}

func (r *rig) crashTo(next *slowStore) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.Stop(ctx)
	r.store = next
}

// After a restart keys are in order, also those whose first waits for its next attempt, and jobs that are pushed while the store
// is read.
func TestRestartKeepsLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, disk: true}
		fails := true
		rec := &record{then: runs(func(ctx context.Context, j *job.Job) Outcome {
			if fails && string(j.Data) == "0" {
				return Outcome{Err: errTest}
			}
			return Outcome{}
		})}
		o := Options{Workers: 4, Runner: rec, Retry: Retry{Retries: 8, Min: time.Minute, Max: time.Minute}}
		r.open(o).Start()
		push := func(i int) {
			b := data(fmt.Sprint(i))
			b.Key = "k"
			if _, why := r.Offer(Push{Job: &job.Job{Body: b}}); !why.OK() {
				t.Fatal(why)
			}
		}
		for i := range 10 {
			push(i)
		}
		time.Sleep(time.Second)
		if got := rec.all(); !slices.Equal(got, []string{"0"}) {
			t.Fatalf("ran %q", got)
		}
		r.crash()
		synctest.Wait()
		fails = false
		rec.mu.Lock()
		rec.ran = nil
		rec.mu.Unlock()
		r.open(o)
		push(10)
		r.Start()
		push(11)
		time.Sleep(2 * time.Minute)
		var want []string
		for i := range 12 {
			want = append(want, fmt.Sprint(i))
		}
		if got := rec.all(); !slices.Equal(got, want) {
			t.Errorf("ran %q", got)
		}
		r.stop()
	})
}

// A large store is served while it is being read.
func TestLoadsManyInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, disk: true}
		r.open(Options{})
		const n = 20_000
		for i := range n {
			b := data(fmt.Sprint(i))
			if i%3 == 0 {
				b.Key = fmt.Sprint(i % 30)
			}
			if _, why := r.Offer(Push{Job: &job.Job{Body: b}}); !why.OK() {
				t.Fatal(why)
			}
		}
		r.Start()
		time.Sleep(time.Minute)
		r.crash()
		rec := &record{}
		r.open(Options{Workers: 3, Runner: rec, Retry: Retry{Retries: 1}}).Start()
		if err := r.Delete(1); !errors.Is(err, jobstore.ErrNotFound) { // it waits until all are read
			t.Error(err)
		}
		time.Sleep(time.Minute)
		last := map[int]int{}
		for _, s := range rec.all() {
			var i int
			_, _ = fmt.Sscan(s, &i)
			if key := i % 30; i%3 == 0 {
				if b, some := last[key]; some && b > i {
					t.Fatalf("key %d: %d ran after %d", key, i, b)
				}
				last[key] = i
			}
		}
		if s := r.Stats(); s.Done != n || s.Opened != n {
			t.Errorf("%+v", s)
		}
		r.stop()
	})
}

func TestStopLetsJobsEnd(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		rec := &record{then: lasts(time.Second)}
		r.open(Options{Workers: 2, Runner: rec, Retry: Retry{Retries: 3}}).Start()
		var got []string
		for i := range 6 {
			if _, why := r.Offer(Push{Job: &job.Job{Body: data(fmt.Sprint(i))}, Ticket: r.ticket(&got)}); !why.OK() {
				t.Fatal(why)
			}
		}
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		report := r.Stop(t.Context())
		took := time.Since(start)
		if !report.Empty() {
			t.Error(report.String())
		}
		r.inbox.Finish(t.Context())
		ran, long := 6, 3*time.Second
		if r.disk {
			ran, long = 2, time.Second
		}
		if len(rec.all()) != ran || took > long {
			t.Errorf("%d ran, it took %v", len(rec.all()), took)
		}
		if n := slices.Index(got, ErrStopped.Error()); r.disk != (n >= 0) || len(got) != 6 {
			t.Errorf("got %q", got)
		}
		if _, why := r.Offer(Push{Job: &job.Job{Body: data("x")}}); why.Reason != handoff.Closed {
			t.Errorf("%+v", why)
		}
		if r.disk {
			r.store = r.store.again()
			r.open(Options{})
			if s := r.Stats(); s.Totals.Jobs[job.Ready] != 4 || s.Redelivered != 0 {
				t.Errorf("%+v", s)
			}
			r.Start()
			r.stop()
		}
	})
}

// When time is over, jobs are cut short; on a disk they wait for the next start, and that was no attempt of theirs.
func TestStopAtDeadline(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		release := make(chan struct{})
		o := Options{Workers: 2, Retry: Retry{Retries: 0}, Grace: 3 * time.Second, Runner: runs(func(ctx context.Context, j *job.Job) Outcome {
			if string(j.Data) == "stuck" {
				<-release
				return Outcome{}
			}
			<-ctx.Done()
			return Outcome{Err: context.Cause(ctx)}
		})}
		r.open(o).Start()
		for _, s := range []string{"heeds", "stuck", "waits", "waits"} {
			b := data(s)
			b.Origin.Where = "a.lua:" + s
			r.push(b, 0)
		}
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		report := r.Stop(ctx)
		if took := time.Since(start); took > 5100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		want := "cut short: 1 × job in queue 'q' of h (a.lua:heeds); still running: 1 × job in queue 'q' of h (a.lua:stuck)"
		if !r.disk { // what was cut short will not run either
			want = "dropped: 2 × job in queue 'q' of h (a.lua:waits), 1 × job in queue 'q' of h (a.lua:heeds); " + want
		}
		if got := report.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		close(release)
		synctest.Wait()
		if r.disk {
			r.store = r.store.again()
			r.open(o)
			s := r.Stats()
			if s.Totals.Jobs[job.Ready] != 3 || s.Died != 1 { // the stuck one had one attempt only
				t.Errorf("%+v", s)
			}
			r.Start()
			r.stop()
		}
	})
}

func TestWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := Open(Options{Name: "email", Disk: true, Workers: 1, Runner: lasts(0)})
		if err != nil {
			t.Fatal(err)
		}
		q.Start()
		_, why := q.Offer(Push{Job: &job.Job{Body: data("x")}})
		if why.Reason != handoff.Unavailable || why.Text != "queue 'email' is not open yet: push in core.register_init or later" || !q.Disk() {
			t.Errorf("%+v", why)
		}
		if _, err := q.Get(1); !errors.Is(err, jobstore.ErrNotFound) {
			t.Error(err)
		}
		if q.Delete(1) == nil || q.Stats().Name != "email" {
			t.Error("there is no store")
		}
		if err := q.Attach(newSlow(0), nil); err != nil {
			t.Fatal(err)
		}
		r, why := q.Offer(Push{Job: &job.Job{Body: data("x")}})
		if !why.OK() || q.Committed(t.Context(), r) != nil {
			t.Errorf("%+v", why)
		}
		time.Sleep(time.Second)
		if s := q.Stats(); s.Done != 1 {
			t.Errorf("%+v", s)
		}
		q.Stop(t.Context())
	})
}

func TestHandlersAndSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHandlers()
		ran := ""
		note := func(what string) Runner {
			return runs(func(context.Context, *job.Job) Outcome { ran += what + " "; return Outcome{} })
		}
		if err := h.Handle("send", "haproxy", note("send")); err != nil {
			t.Fatal(err)
		}
		if err := h.Handle("send", "plugin sha1", note("x")); err == nil || err.Error() != `handler "send" of plugin sha1 is already one of haproxy: choose another name` {
			t.Error(err)
		}
		h.Code("haproxy", note("code"))
		set := NewSet()
		for _, name := range []string{"b", "a"} {
			q, err := Open(Options{Name: name, Disk: true, Runner: h, Workers: 1, KeepDead: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			if err := set.Add(q); err != nil {
				t.Fatal(err)
			}
			if err := q.Attach(newSlow(0), nil); err != nil {
				t.Fatal(err)
			}
		}
		if q, ok := set.Queue("a"); !ok || set.Add(q) == nil || set.All()[1] != q {
			t.Error("the set is not what was added")
		}
		set.Start()
		q, _ := set.Queue("b")
		var ids []job.ID
		for _, b := range []job.Body{{Handler: "send"}, {Code: []byte{1}, Owner: "haproxy"}, {Code: []byte{1}, Owner: "plugin x"}, {Handler: "sned"}} {
			r, why := q.Offer(Push{Job: &job.Job{Body: b}})
			if !why.OK() {
				t.Fatal(why)
			}
			ids = append(ids, r.ID)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if ran != "send code " {
			t.Errorf("ran %s", ran)
		}
		for i, want := range []string{"the job is a function of plugin x, which is not loaded", `no handler is called "sned"; there are: send`} {
			if j, err := q.Get(ids[i+2]); err != nil || j.Failures[0].Text != want {
				t.Errorf("%+v, %v", j, err)
			}
		}
		set.StopTaking()
		if report := set.Stop(t.Context()); !report.Empty() {
			t.Error(report.String())
		}
	})
}

// The pool of workers and reentry are the same as elsewhere: a worker that waits for an owner who does not drain is freed by Stop.
func TestStopFreesDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, inbox: reentry.New(reentry.Options{Bytes: 1})}
		r.open(Options{Workers: 1, Runner: runs(func(_ context.Context, j *job.Job) Outcome { return Outcome{Result: []byte("long")} })}).Start()
		var got []string
		for range 3 {
			if _, why := r.Offer(Push{Job: &job.Job{Body: data("x")}, Ticket: r.ticket(&got)}); !why.OK() {
				t.Fatal(why)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		report := r.Stop(ctx)
		if want := []pool.Line{{Origin: pool.Origin{Kind: "job in queue 'q'", Plugin: "h"}, Number: 1}}; !slices.Equal(report.Cut, want) || !slices.Equal(report.Dropped, want) {
			t.Error(report.String())
		}
		r.inbox.Finish(t.Context())
		if c := r.inbox.Counts(); c.Delivered != 1 || c.Expired != 2 {
			t.Errorf("%+v", c)
		}
	})
}
