package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

func testEdit(t *testing.T, s *subject) {
	for i, st := range []job.State{job.Ready, job.Scheduled} {
		j := newJob(i+1, st)
		s.commit(t, add(j))
		from := j.Head
		changed := *j
		changed.Data = []byte("other data, and longer")
		changed.Size = changed.Weigh()
		// Nothing else of the body is taken.
		s.commit(t, jobstore.Change{Job: &job.Job{Body: job.Body{Queue: "x", Handler: "x", Data: changed.Data}}, From: from, To: changed.Head})
		s.again(t)
		same(t, s, &changed)
		if got := s.Totals().Bytes[st]; got != int64(changed.Size) {
			t.Fatalf("%d bytes, wanted %d", got, changed.Size)
		}
		changed.Data = nil
		s.commit(t, jobstore.Change{Job: &job.Job{}, From: changed.Head, To: changed.Head})
		same(t, s, &changed)
	}
}

func testFailures(t *testing.T, s *subject) {
	j := newJob(1, job.Ready)
	s.commit(t, add(j))
	for n := 1; n <= job.MaxFailures+2; n++ {
		s.commit(t, step(j, job.Running, int64(n)))
		c := step(j, job.Retrying, int64(n))
		c.Failure = &job.Failure{Attempt: uint16(n), At: int64(n), Text: fmt.Sprint("failure ", n), Traceback: strings.Repeat("t", job.MaxTraceback+n)}
		s.commit(t, c)
		s.commit(t, step(j, job.Ready, 0))
	}
	for n := 3; n <= job.MaxFailures+2; n++ {
		j.Failures = job.AddFailure(j.Failures, job.Failure{Attempt: uint16(n), At: int64(n), Text: fmt.Sprint("failure ", n),
			Traceback: strings.Repeat("t", job.MaxTraceback+n)})
	}
	s.again(t)
	same(t, s, j)
	s.commit(t, step(j, job.Gone, 0))
	// One with the same id would have none of them.
	j = newJob(1, job.Ready)
	s.commit(t, add(j))
	same(t, s, j)
}

func testTotals(t *testing.T, s *subject) {
	var want jobstore.Totals
	for i, st := range []job.State{job.Ready, job.Scheduled, job.Ready} {
		j := newJob(i+1, st)
		j.Size = 1 << 30 // their sum is more than 32 bits have
		for n := range 5 {
			c := *j
			c.ID += job.ID(n * 100)
			s.commit(t, add(&c))
			want.Jobs[st]++
			want.Bytes[st] += 1 << 30
		}
	}
	if s.Totals() != want {
		t.Fatalf("%+v, wanted %+v", s.Totals(), want)
	}
	s.again(t)
	if s.Totals() != want {
		t.Fatalf("%+v, wanted %+v", s.Totals(), want)
	}
}

// Readers see all of a commit or nothing: each commit moves a pair of jobs from one state to another and back.
func testReaders(t *testing.T, s *subject) {
	a, b := newJob(1, job.Ready), newJob(2, job.Ready)
	s.commit(t, add(a), add(b))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	reader := func(f func() error) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := f(); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for _, st := range []job.State{job.Ready, job.Running} {
		reader(func() error {
			n := 0
			err := s.Heads(st, job.Head{}, func(job.Head) bool { n++; return true })
			if err == nil && n%2 != 0 {
				err = fmt.Errorf("%d jobs are %v", n, st)
			}
			return err
		})
	}
	reader(func() error {
		if got := s.Totals(); got.Jobs[job.Ready]%2 != 0 || got.Jobs[job.Ready]+got.Jobs[job.Running] != 2 {
			return fmt.Errorf("totals %+v", got)
		}
		return nil
	})
	reader(func() error {
		_, err := s.Get(id(1))
		return err
	})
	reader(func() error {
		s.Unique("k", 0)
		s.Last()
		return nil
	})
	ida, idb := *a, *b
	for n := range 200 {
		to := job.Running
		if n%2 == 1 {
			to = job.Ready
		}
		s.commit(t, step(&ida, to, int64(n)), step(&idb, to, int64(n)))
	}
	close(stop)
	wg.Wait()
}

func testClosed(t *testing.T, s *subject) {
	s.commit(t, add(newJob(1, job.Ready)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if err := s.Commit([]jobstore.Change{add(newJob(2, job.Ready))}); !errors.Is(err, jobstore.ErrClosed) {
		t.Errorf("Commit: %v", err)
	}
	if _, err := s.Get(id(1)); !errors.Is(err, jobstore.ErrClosed) {
		t.Errorf("Get: %v", err)
	}
	if err := s.Heads(job.Ready, job.Head{}, func(job.Head) bool { return true }); !errors.Is(err, jobstore.ErrClosed) {
		t.Errorf("Heads: %v", err)
	}
	s.Totals()
	s.Unique("k", 0)
}
