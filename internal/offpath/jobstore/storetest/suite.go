// Package storetest is what every jobstore.Store must do.
package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// Run tests a store. open gives an empty one each time; whoever made it closes it at the test's end. reopen closes a store and
// opens what it kept; nil: it keeps nothing.
func Run(t *testing.T, open func(t *testing.T) jobstore.Store, reopen func(t *testing.T, s jobstore.Store) jobstore.Store) {
	for _, tt := range []struct {
		name string
		f    func(t *testing.T, s *subject)
	}{
		{"Empty", testEmpty},
		{"AddAndGet", testAddAndGet},
		{"Kept", testKept},
		{"Steps", testSteps},
		{"WrongSteps", testWrongSteps},
		{"AllOrNothing", testAllOrNothing},
		{"ManyOfOne", testManyOfOne},
		{"Order", testOrder},
		{"Paging", testPaging},
		{"Reentrant", testReentrant},
		{"Unique", testUnique},
		{"UniqueWithEnd", testUniqueWithEnd},
		{"Edit", testEdit},
		{"Failures", testFailures},
		{"Totals", testTotals},
		{"Readers", testReaders},
		{"Closed", testClosed},
		{"Model", testModel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.f(t, &subject{Store: open(t), reopen: reopen})
		})
	}
}

// subject is a store that can be opened again, where it keeps anything.
type subject struct {
	jobstore.Store
	reopen func(t *testing.T, s jobstore.Store) jobstore.Store
}

// again opens the store again; false when it can't.
func (s *subject) again(t *testing.T) bool {
	t.Helper()
	if s.reopen == nil {
		return false
	}
	s.Store = s.reopen(t, s.Store)
	return true
}

func (s *subject) commit(t *testing.T, changes ...jobstore.Change) {
	t.Helper()
	if err := s.Commit(changes); err != nil {
		t.Fatal(err)
	}
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// id gives the n-th id; n begins with 1.
func id(n int) job.ID { return job.ID(start.UnixMilli())<<20 + job.ID(n) }

// newJob has something in every field.
func newJob(n int, st job.State) *job.Job {
	j := &job.Job{
		Body: job.Body{
			Queue: "email", Handler: fmt.Sprint("handler", n%3), Code: []byte{0x1b, byte(n)}, Data: fmt.Appendf(nil, "data of %d \xff\x00", n),
			Key: fmt.Sprint("key", n%5), Unique: fmt.Sprint("unique", n), MaxAttempts: 9, Timeout: 30 * time.Second,
			OnResult: "sent", OnError: "lost", Owner: "haproxy", Origin: job.Origin{Where: "mail.lua:14", Request: "request 1F3C"},
			Pushed: start.UnixNano() + int64(n),
		},
	}
	j.Head = job.Head{ID: id(n), State: st, Priority: int8(n % 7), KeyHash: uint64(n) << 40, Size: j.Weigh(), Due: start.UnixNano() + int64(n)}
	return j
}

func add(j *job.Job) jobstore.Change { return jobstore.Change{Job: j, To: j.Head} }

// step changes the state of j, and j with it.
func step(j *job.Job, to job.State, due int64) jobstore.Change {
	c := jobstore.Change{From: j.Head}
	if to == job.Running {
		j.Attempts++
	}
	j.State, j.Due = to, due
	c.To = j.Head
	return c
}

func heads(t *testing.T, s jobstore.Store, st job.State, after job.Head) []job.Head {
	t.Helper()
	var list []job.Head
	if err := s.Heads(st, after, func(h job.Head) bool {
		list = append(list, h)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

func same(t *testing.T, s jobstore.Store, want *job.Job) {
	t.Helper()
	got, err := s.Get(want.ID)
	if err != nil {
		t.Fatalf("job %v: %v", want.ID, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("job %v is\n%+v, wanted\n%+v", want.ID, got, want)
	}
}

func none(t *testing.T, s jobstore.Store, id job.ID) {
	t.Helper()
	if j, err := s.Get(id); !errors.Is(err, jobstore.ErrNotFound) {
		t.Fatalf("Get(%v) is %v, %v, wanted %v", id, j, err, jobstore.ErrNotFound)
	}
}

func allStates() []job.State {
	return []job.State{job.Ready, job.Scheduled, job.Running, job.Retrying, job.Dead}
}
