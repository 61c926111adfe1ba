package storetest

import (
	"slices"
	"testing"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

func testEmpty(t *testing.T, s *subject) {
	for range 2 {
		none(t, s, id(1))
		for _, st := range append(allStates(), job.Done, job.Gone, 0) {
			if list := heads(t, s, st, job.Head{}); len(list) > 0 {
				t.Errorf("%v: %v", st, list)
			}
		}
		if got := s.Totals(); got != (jobstore.Totals{}) {
			t.Errorf("totals %+v", got)
		}
		if id, ok := s.Unique("x", 0); ok {
			t.Errorf("%v holds a unique key", id)
		}
		if got := s.Last(); got != 0 {
			t.Errorf("last is %v", got)
		}
		s.commit(t) // nothing
		if !s.again(t) {
			return
		}
	}
}

func testAddAndGet(t *testing.T, s *subject) {
	full := newJob(1, job.Ready)
	full.Failures = []job.Failure{{Attempt: 1, At: 5, Text: "it failed", Traceback: "stack"}}
	late := newJob(2, job.Scheduled)
	bare := &job.Job{Head: job.Head{ID: id(3), State: job.Ready}}
	s.commit(t, add(full), add(late), add(bare))
	for range 2 {
		same(t, s, full)
		same(t, s, late)
		same(t, s, bare)
		none(t, s, id(4))
		if s.Last() != id(3) {
			t.Fatalf("last is %v", s.Last())
		}
		if !s.again(t) {
			break
		}
	}
	// What was given is the caller's.
	j, err := s.Get(id(1))
	if err != nil {
		t.Fatal(err)
	}
	clear(j.Data)
	clear(j.Code)
	j.Failures[0].Text = "changed"
	j.State = job.Dead
	same(t, s, full)
}

// What is removed leaves the largest id, and nothing else.
func testKept(t *testing.T, s *subject) {
	j := newJob(1, job.Ready)
	s.commit(t, add(j))
	s.commit(t, step(j, job.Running, 1))
	s.commit(t, step(j, job.Done, 2))
	for range 2 {
		none(t, s, id(1))
		if s.Last() != id(1) || s.Totals() != (jobstore.Totals{}) {
			t.Fatalf("last is %v, totals %+v", s.Last(), s.Totals())
		}
		if !s.again(t) {
			return
		}
	}
}

// Every step that may happen, and every one that changes the head alone.
func testSteps(t *testing.T, s *subject) {
	steps := job.Steps()
	for _, st := range allStates() {
		steps = append(steps, job.Step{From: st, To: st})
	}
	n := 0
	for _, st := range steps {
		if st.From == 0 {
			continue
		}
		n++
		j := newJob(n, st.From)
		if !job.State(0).Next(st.From) { // the way to it
			j = newJob(n, job.Ready)
			s.commit(t, add(j))
			for _, way := range map[job.State][]job.State{job.Running: {job.Running}, job.Retrying: {job.Running, job.Retrying}, job.Dead: {job.Running, job.Dead}}[st.From] {
				s.commit(t, step(j, way, int64(n)))
			}
		} else {
			s.commit(t, add(j))
		}
		same(t, s, j)
		j.Priority++ // whatever the step
		c := jobstore.Change{From: j.Head}
		c.From.Priority--
		j.State, j.Due = st.To, int64(n)<<32
		c.To = j.Head
		s.commit(t, c)
		if st.To.Kept() {
			same(t, s, j)
			if list := heads(t, s, st.To, job.Head{}); !slices.Contains(list, j.Head) {
				t.Fatalf("%q to %q: not among the heads", st.From, st.To)
			}
		} else {
			none(t, s, j.ID)
		}
		if st.From != st.To {
			for _, h := range heads(t, s, st.From, job.Head{}) {
				if h.ID == j.ID {
					t.Fatalf("%q to %q: still there", st.From, st.To)
				}
			}
		}
		if st.To.Kept() {
			c := jobstore.Change{From: j.Head, To: j.Head}
			if st.To == job.Running || st.To.Next(job.Gone) {
				c.To.State = job.Gone
				s.commit(t, c)
				none(t, s, j.ID)
			}
		}
	}
	if got := s.Totals(); got != (jobstore.Totals{}) {
		t.Fatalf("totals %+v", got)
	}
}

func testWrongSteps(t *testing.T, s *subject) {
	j := newJob(1, job.Ready)
	s.commit(t, add(j))
	before := s.Totals()
	h := j.Head
	with := func(st job.State) job.Head {
		h := h
		h.State = st
		return h
	}
	other := h
	other.ID++
	for _, c := range []jobstore.Change{
		{From: h, To: with(job.Dead)},
		{From: h, To: with(job.Done)},
		{From: h, To: with(job.Scheduled)},
		{From: h, To: with(0)},
		{From: h, To: with(200)},
		{From: with(200), To: h},
		{From: with(job.Done), To: h},
		{From: with(job.Done), To: with(job.Done)},
		{From: h, To: other},
		{From: h},
		{},
		{To: other},
		{Job: newJob(2, job.Retrying), To: newJob(2, job.Retrying).Head},
		{Job: newJob(2, job.Dead), To: newJob(2, job.Dead).Head},
	} {
		if err := s.Commit([]jobstore.Change{add(newJob(3, job.Ready)), c}); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	same(t, s, j)
	none(t, s, id(3))
	if s.Totals() != before || s.Last() != id(1) {
		t.Errorf("totals %+v, last %v", s.Totals(), s.Last())
	}
}

func testAllOrNothing(t *testing.T, s *subject) {
	var all []jobstore.Change
	for n := 1; n <= 500; n++ {
		c := add(newJob(n, job.Ready))
		c.Unique = c.Job.Unique
		all = append(all, c)
	}
	bad := add(newJob(501, job.Ready))
	bad.To.State = job.Done
	if err := s.Commit(append(slices.Clone(all), bad)); err == nil {
		t.Fatal("a wrong change was accepted")
	}
	for range 2 {
		if s.Totals() != (jobstore.Totals{}) || s.Last() != 0 || len(heads(t, s, job.Ready, job.Head{})) > 0 {
			t.Fatalf("totals %+v, last %v", s.Totals(), s.Last())
		}
		if _, held := s.Unique("unique1", 0); held {
			t.Fatal("a unique key is held")
		}
		s.again(t)
	}
	s.commit(t, all...)
	s.again(t)
	if got := len(heads(t, s, job.Ready, job.Head{})); got != 500 {
		t.Fatalf("%d jobs", got)
	}
}

// One job may go a long way in one commit.
func testManyOfOne(t *testing.T, s *subject) {
	a, b := newJob(1, job.Ready), newJob(2, job.Ready)
	addA, addB := add(a), add(b)
	addA.Unique, addB.Unique = "a", "b"
	first, keep := *a, *b
	addA.Job, addB.Job = &first, &keep
	run := step(a, job.Running, 5)
	end := step(a, job.Done, 6)
	end.Unique = "a"
	runB := step(b, job.Running, 5)
	fail := step(b, job.Retrying, 9)
	fail.Failure = &job.Failure{Attempt: 1, At: 7, Text: "no"}
	b.Failures = []job.Failure{*fail.Failure}
	edit := jobstore.Change{Job: &job.Job{Body: job.Body{Data: []byte("new")}}, From: b.Head, To: b.Head}
	b.Data = []byte("new")
	s.commit(t, addA, addB, run, runB, end, fail, edit)
	for range 2 {
		none(t, s, a.ID)
		same(t, s, b)
		if _, held := s.Unique("a", 0); held {
			t.Fatal("a unique key is held by a job that is done")
		}
		if got, held := s.Unique("b", 0); !held || got != b.ID {
			t.Fatalf("b is held by %v, %v", got, held)
		}
		want := jobstore.Totals{}
		want.Jobs[job.Retrying], want.Bytes[job.Retrying] = 1, int64(b.Size)
		if s.Totals() != want || s.Last() != b.ID {
			t.Fatalf("totals %+v, last %v", s.Totals(), s.Last())
		}
		s.again(t)
	}
}
