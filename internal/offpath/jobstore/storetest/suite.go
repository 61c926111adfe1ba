// Package storetest is what every jobstore.Store must do.
package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
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

func testOrder(t *testing.T, s *subject) {
	// Ids and times run against each other.
	const n = 600
	var want []job.Head
	var all []jobstore.Change
	for i := n; i >= 1; i-- {
		j := newJob(i, job.Scheduled)
		j.Due = start.UnixNano() - int64(i/2)*1000 // two have the same
		all = append(all, add(j))
		want = append(want, j.Head)
	}
	early := newJob(n+1, job.Scheduled)
	early.Due = -5
	all, want = append(all, add(early)), append(want, early.Head)
	s.commit(t, all...)
	slices.SortFunc(want, func(a, b job.Head) int {
		if a.Due != b.Due {
			return cmp(a.Due, b.Due)
		}
		return cmp(a.ID, b.ID)
	})
	check := func() {
		t.Helper()
		if got := heads(t, s, job.Scheduled, job.Head{}); !slices.Equal(got, want) {
			t.Fatalf("%d heads in a wrong order, wanted %d", len(got), len(want))
		}
		// Behind one that is there, and one that isn't.
		for _, i := range []int{0, 1, 2, n / 2, n - 1, n} {
			if got := heads(t, s, job.Scheduled, want[i]); !slices.Equal(got, want[i+1:]) {
				t.Fatalf("behind %d: %d heads", i, len(got))
			}
			gap := job.Head{Due: want[i].Due + 1}
			if got := heads(t, s, job.Scheduled, gap); !slices.Equal(got, want[slices.IndexFunc(append(want, job.Head{Due: gap.Due}), func(h job.Head) bool { return h.Due >= gap.Due }):]) {
				t.Fatalf("behind a gap after %d: %d heads", i, len(got))
			}
		}
	}
	check()
	s.again(t)
	check()
	// In the order of ids, added in another.
	all = all[:0]
	for _, h := range want {
		to := h
		to.State = job.Ready
		all = append(all, jobstore.Change{From: h, To: to})
	}
	s.commit(t, all...)
	got := heads(t, s, job.Ready, job.Head{})
	if len(got) != n+1 || !slices.IsSortedFunc(got, func(a, b job.Head) int { return cmp(a.ID, b.ID) }) {
		t.Fatalf("%d heads, or out of order", len(got))
	}
	if got := heads(t, s, job.Scheduled, job.Head{}); len(got) > 0 {
		t.Fatalf("%d are still scheduled", len(got))
	}
	if got := heads(t, s, job.Ready, job.Head{ID: id(n)}); len(got) != 1 {
		t.Fatalf("%d heads behind the last but one", len(got))
	}
}

func cmp[T int64 | job.ID](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Pages that are read while jobs come and go have each job that stays once.
func testPaging(t *testing.T, s *subject) {
	const n = 1000
	var all []jobstore.Change
	for i := 1; i <= n; i++ {
		all = append(all, add(newJob(i, job.Ready)))
	}
	s.commit(t, all...)
	var seen []job.ID
	var after job.Head
	for page := 0; ; page++ {
		count := 0
		if err := s.Heads(job.Ready, after, func(h job.Head) bool {
			seen, after = append(seen, h.ID), h
			count++
			return count < 64
		}); err != nil {
			t.Fatal(err)
		}
		if count < 64 {
			break
		}
		// The last one of the page goes.
		to := after
		to.State = job.Gone
		s.commit(t, jobstore.Change{From: after, To: to})
	}
	if len(seen) != n || !slices.IsSorted(seen) || len(slices.Compact(seen)) != n {
		t.Fatalf("%d jobs were seen", len(seen))
	}
}

// f may call the store, and sees what was there when it began.
func testReentrant(t *testing.T, s *subject) {
	s.commit(t, add(newJob(1, job.Ready)), add(newJob(2, job.Ready)), add(newJob(3, job.Ready)))
	count := 0
	if err := s.Heads(job.Ready, job.Head{}, func(h job.Head) bool {
		count++
		to := h
		to.State = job.Gone
		s.commit(t, jobstore.Change{From: h, To: to}, add(newJob(10+count, job.Ready)))
		none(t, s, h.ID)
		return s.Totals().Jobs[job.Ready] == 3
	}); err != nil {
		t.Fatal(err)
	}
	if count != 3 {
		t.Fatalf("%d heads", count)
	}
}

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
