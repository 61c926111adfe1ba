package storetest

import (
	"slices"
	"testing"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

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
