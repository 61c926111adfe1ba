package storetest

import (
	"strings"
	"testing"
	"time"

	"eddy/internal/offpath/job"
)

func testUnique(t *testing.T, s *subject) {
	now := start.UnixNano()
	holds := func(key string, want job.ID) {
		t.Helper()
		if got, held := s.Unique(key, now); held != (want != 0) || got != want && held {
			t.Fatalf("%q is held by %v, %v, wanted %v", key, got, held, want)
		}
	}
	odd := "odd \x00\xff" + strings.Repeat("k", job.MaxKey-6)
	a, b := newJob(1, job.Ready), newJob(2, job.Ready)
	addA, addB := add(a), add(b)
	addA.Unique, addB.Unique = "k", odd
	s.commit(t, addA, addB)
	s.again(t)
	holds("k", a.ID)
	holds(odd, b.ID)
	holds("", 0)
	holds("k\x00", 0)
	holds("odd ", 0)

	// A job that ends gives it up, as does a dead one; one that is tried again takes it.
	run := step(a, job.Running, 1)
	run.Unique = "k"
	s.commit(t, run)
	holds("k", a.ID)
	dead := step(a, job.Dead, 2)
	dead.Unique = "k"
	s.commit(t, dead)
	holds("k", 0)
	back := step(a, job.Ready, 3)
	back.Unique = "k"
	s.commit(t, back)
	holds("k", a.ID)
	gone := step(a, job.Gone, 4)
	gone.Unique = "k"
	s.commit(t, gone)
	s.again(t)
	holds("k", 0)
	holds(odd, b.ID)

	// The end of one that lost it takes it from nobody; also within one commit.
	c := newJob(3, job.Ready)
	addC := add(c)
	addC.Unique = odd
	endB := step(b, job.Gone, 5)
	endB.Unique = odd
	s.commit(t, addC, endB)
	holds(odd, c.ID)
	// Nor does one that does not name it.
	s.commit(t, step(c, job.Gone, 6))
	holds(odd, c.ID)
}

func testUniqueWithEnd(t *testing.T, s *subject) {
	now := start.UnixNano()
	end := now + int64(time.Hour)
	a := newJob(1, job.Ready)
	c := add(a)
	c.Unique, c.UniqueUntil = "k", end
	s.commit(t, c)
	s.commit(t, step(a, job.Running, 1))
	done := step(a, job.Done, 2)
	done.Unique = "k"
	s.commit(t, done)
	for range 2 {
		if got, held := s.Unique("k", end-1); !held || got != a.ID {
			t.Fatalf("before its end it is held by %v, %v", got, held)
		}
		if _, held := s.Unique("k", end); held {
			t.Fatal("it is held at its end")
		}
		s.again(t)
	}
	b := newJob(2, job.Ready)
	c = add(b)
	c.Unique, c.UniqueUntil = "k", end+100
	s.commit(t, c)
	if got, held := s.Unique("k", end+99); !held || got != b.ID {
		t.Fatalf("then it is held by %v, %v", got, held)
	}
	d := newJob(3, job.Ready)
	c = add(d)
	c.Unique = "k" // now without an end
	s.commit(t, c)
	if got, held := s.Unique("k", end*2); !held || got != d.ID {
		t.Fatalf("then it is held by %v, %v", got, held)
	}
}
