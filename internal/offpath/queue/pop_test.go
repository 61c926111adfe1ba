package queue

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"eddy/internal/offpath/job"
)

func TestPop(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.open(Options{Retry: Retry{Retries: -1}}).Start()
		if _, ok := r.Pop(); ok {
			t.Error("there is nothing")
		}
		for _, s := range []string{"a", "b", "c"} {
			r.push(data(s), 0)
		}
		a, _ := r.Pop()
		b, ok := r.Pop()
		if !ok || string(a.Job.Data) != "a" || string(b.Job.Data) != "b" {
			t.Fatalf("popped %v, %v", a.Job, b.Job)
		}
		b.Return()
		b.Return()
		again, err := r.PopWait(t.Context())
		if err != nil || string(again.Job.Data) != "b" || again.Job.Attempts != 2 {
			t.Fatalf("%+v, %v", again.Job, err)
		}
		a.Done()
		a.Return()
		again.Done()
		c, _ := r.Pop()
		waits := make(chan string)
		go func() {
			l, err := r.PopWait(t.Context())
			if err != nil {
				t.Error(err)
			}
			waits <- string(l.Job.Data)
			l.Done()
		}()
		time.Sleep(time.Second)
		r.push(data("d"), 0)
		if got := <-waits; got != "d" {
			t.Errorf("popped %s", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.PopWait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if s := r.Stats(); s.Done != 3 || s.Popped != 5 || s.Redelivered != 1 || len(s.Running) != 1 {
			t.Errorf("%+v", s)
		}
		if r.disk { // c is given again
			_ = c
			r.crash()
			r.open(Options{Retry: Retry{Retries: -1}}).Start()
			time.Sleep(time.Second)
			l, ok := r.Pop()
			if !ok || string(l.Job.Data) != "c" || r.Stats().Redelivered != 1 {
				t.Errorf("popped %+v", l.Job)
			}
			l.Done()
		} else {
			c.Done()
		}
		r.stop()
	})
}

// owners take named results.
type owners map[string]int

func (o owners) Take(j *job.Job, out Outcome) bool {
	name := j.OnResult
	if out.Err != nil {
		name = j.OnError
	}
	if name == "nobody" {
		return false
	}
	o[name]++
	return true
}

func TestNamedResults(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		took := owners{}
		r.open(Options{Workers: 1, Owners: took, Runner: runs(func(_ context.Context, j *job.Job) Outcome {
			if string(j.Data) == "bad" {
				return Outcome{Err: errTest, Final: true}
			}
			return Outcome{}
		})}).Start()
		for _, b := range []job.Body{
			{Handler: "h", OnResult: "good", OnError: "bad"}, {Handler: "h", Data: []byte("bad"), OnResult: "good", OnError: "bad"},
			{Handler: "h", OnResult: "nobody"}, {Handler: "h", OnError: "bad"},
		} {
			r.push(b, 0)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if took["good"] != 1 || took["bad"] != 1 || r.Stats().OwnerGone != 1 {
			t.Errorf("%v, %+v", took, r.Stats())
		}
		r.stop()
	})
}
