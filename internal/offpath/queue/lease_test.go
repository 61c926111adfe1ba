package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"eddy/internal/offpath/job"
)

// other is another process, in the same one.
type other struct {
	q   *Queue
	ctx context.Context
}

func (o other) Push(j *job.Job, delay time.Duration, done func(error)) Refused {
	go func() {
		r, why := o.q.Offer(Push{Job: j, Delay: delay})
		switch {
		case !why.OK():
			done(errors.New(why.Text))
		case r.Duplicate:
			done(&DuplicateError{r.ID})
		default:
			done(o.q.Committed(o.ctx, r))
		}
	}()
	return Refused{}
}

func (o other) Ended(id job.ID, out Outcome) error { return o.q.Ended(id, out) }

// A queue goes to another process: each job runs once, in order of its key, whoever pushed it when.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &record{then: runs(func(ctx context.Context, j *job.Job) Outcome {
			time.Sleep(5 * time.Second)
			return Outcome{Result: j.Data}
		})}
		o := Options{Workers: 2, Runner: rec, Retry: Retry{Retries: 3}}
		r := (&rig{t: t, disk: true}).open(o)
		r.Start()
		var got []string
		push := func(name, key, unique string) Receipt {
			b := data(name)
			b.Key, b.Unique = key, unique
			receipt, why := r.Offer(Push{Job: &job.Job{Body: b}, Ticket: r.ticket(&got)})
			if !why.OK() {
				t.Fatal(why)
			}
			return receipt
		}
		for i := range 6 {
			push(fmt.Sprint("k", i), "k", "")
		}
		push("u", "", "u")
		time.Sleep(time.Second) // k0 and u run
		running, err := r.HandOver(t.Context())
		if err != nil || len(running) != 2 {
			t.Fatalf("%v, %v", running, err)
		}
		held := push("held", "", "")
		dup := push("dup", "", "u")
		next := r.store.again()
		o.Store, o.Name = next, "q"
		q2, err := Open(Options{Name: "q", Disk: true, Workers: 2, Runner: rec, Retry: o.Retry})
		if err != nil {
			t.Fatal(err)
		}
		q2.Start()
		if err := q2.Attach(next, running); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		r.GoOn(other{q2, t.Context()})
		if err := r.Committed(t.Context(), held); err != nil {
			t.Error(err)
		}
		var twice *DuplicateError
		if err := r.Committed(t.Context(), dup); !errors.As(err, &twice) {
			t.Errorf("got %v", err)
		}
		late := push("late", "", "")
		if err := r.Committed(t.Context(), late); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		r.inbox.Finish(t.Context())
		ran := rec.all()
		slices.Sort(ran)
		if want := []string{"held", "k0", "k1", "k2", "k3", "k4", "k5", "late", "u"}; !slices.Equal(ran, want) {
			t.Errorf("ran %q", ran)
		}
		slices.Sort(got)
		moved := slices.Repeat([]string{ErrMoved.Error()}, 7)
		if want := append([]string{twice.Error(), "k0"}, append(moved, "u")...); !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
		r.adds()
		if s := q2.Stats(); s.Totals.Jobs != [8]int64{} || s.Opened != 7 || s.Done != 9 || s.Redelivered != 0 {
			t.Errorf("%+v", s)
		}
		r.Stop(t.Context())
		q2.Stop(t.Context())
	})
}

// The other process never came, or it dies while it runs jobs.
func TestTakeBackAndLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &record{then: lasts(5 * time.Second)}
		r := (&rig{t: t, disk: true}).open(Options{Workers: 1, Runner: rec, Retry: Retry{Retries: 3}})
		r.Start()
		var got []string
		var receipts []Receipt
		push := func(name string) {
			b := data(name)
			b.Key = "k"
			receipt, why := r.Offer(Push{Job: &job.Job{Body: b}, Ticket: r.ticket(&got)})
			if !why.OK() {
				t.Fatal(why)
			}
			receipts = append(receipts, receipt)
		}
		push("a")
		push("b")
		time.Sleep(time.Second)
		if _, err := r.HandOver(t.Context()); err != nil {
			t.Fatal(err)
		}
		push("held")
		time.Sleep(10 * time.Second) // a ends while nobody has the store
		if err := r.TakeBack(r.store.again()); err != nil {
			t.Fatal(err)
		}
		push("late")
		for _, receipt := range receipts {
			if err := r.Committed(t.Context(), receipt); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		r.inbox.Finish(t.Context())
		if want := []string{"a", "b", "held", "late"}; !slices.Equal(rec.all(), want) || !slices.Equal(got, want) {
			t.Errorf("ran %q, got %q", rec.all(), got)
		}
		r.stop()
	})
	synctest.Test(t, func(t *testing.T) {
		r := (&rig{t: t, disk: true}).open(Options{Workers: 1, Runner: lasts(time.Hour), Retry: Retry{Retries: 3}})
		r.Start()
		r.push(data("a"), 0)
		time.Sleep(time.Second)
		running, err := r.HandOver(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rec := &record{}
		q2, _ := Open(Options{Name: "q", Disk: true, Workers: 1, Runner: rec, Retry: Retry{Retries: 3}})
		q2.Start()
		if err := q2.Attach(r.store.again(), running); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if len(rec.all()) != 0 {
			t.Error("it runs elsewhere")
		}
		q2.Lost(running)
		time.Sleep(time.Minute)
		if s := q2.Stats(); s.Done != 1 || s.Redelivered != 1 {
			t.Errorf("%+v", s)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.Stop(ctx)
		q2.Stop(t.Context())
	})
}
