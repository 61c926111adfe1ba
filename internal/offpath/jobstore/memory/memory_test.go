package memory_test

import (
	"testing"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/jobstore/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) jobstore.Store {
		s := memory.New()
		t.Cleanup(func() { _ = s.Close() })
		return s
	}, nil)
}

// A From that is not what is there is refused, with all that comes with it.
func TestWrongFrom(t *testing.T) {
	s := memory.New()
	j := &job.Job{Head: job.Head{ID: 5, State: job.Ready, Size: 7}}
	if err := s.Commit([]jobstore.Change{{Job: j, To: j.Head}}); err != nil {
		t.Fatal(err)
	}
	other := j.Head
	other.Size++
	to := j.Head
	to.State = job.Running
	missing := j.Head
	missing.ID++
	missingTo := missing
	missingTo.State = job.Running
	for _, c := range [][]jobstore.Change{
		{{Job: j, To: j.Head}},
		{{From: other, To: to}},
		{{From: missing, To: missingTo}},
		{{From: j.Head, To: to}, {From: j.Head, To: to}},
	} {
		if err := s.Commit(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	if got, err := s.Get(5); err != nil || got.Head != j.Head {
		t.Errorf("the job is %v, %v", got, err)
	}
}

func BenchmarkCommit(b *testing.B) {
	s := memory.New()
	data := make([]byte, 1024)
	b.ReportAllocs()
	for i := range b.N {
		j := &job.Job{Head: job.Head{ID: job.ID(i + 1), State: job.Ready, Size: 1200}, Body: job.Body{Queue: "q", Handler: "h", Data: data}}
		if err := s.Commit([]jobstore.Change{{Job: j, To: j.Head}}); err != nil {
			b.Fatal(err)
		}
		if i >= 10000 { // a queue of that many
			h := job.Head{ID: job.ID(i + 1 - 10000), State: job.Ready, Size: 1200}
			run := h
			run.State = job.Running
			done := h
			done.State = job.Done
			if err := s.Commit([]jobstore.Change{{From: h, To: run}}); err != nil {
				b.Fatal(err)
			}
			if err := s.Commit([]jobstore.Change{{From: run, To: done}}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
