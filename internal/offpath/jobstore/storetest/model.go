package storetest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// model is a store as simple as can be.
type model struct {
	jobs map[job.ID]*job.Job
	held map[string]modelHold
	last job.ID
}

type modelHold struct {
	id    job.ID
	until int64
}

func (m *model) commit(changes []jobstore.Change) {
	for i := range changes {
		c := &changes[i]
		m.last = max(m.last, c.ID())
		j := m.jobs[c.ID()]
		switch {
		case c.From.State == 0:
			j = &job.Job{Head: c.To, Body: c.Job.Body, Failures: c.Job.Failures}
			m.jobs[c.ID()] = j
		case !c.To.State.Kept():
			delete(m.jobs, c.ID())
		default:
			j.Head = c.To
			if c.Job != nil {
				j.Data = c.Job.Data
			}
			if c.Failure != nil {
				j.Failures = job.AddFailure(slices.Clone(j.Failures), *c.Failure)
			}
		}
		if c.Unique == "" {
			continue
		}
		if !c.Releases() {
			m.held[c.Unique] = modelHold{c.ID(), c.UniqueUntil}
		} else if m.held[c.Unique] == (modelHold{c.ID(), 0}) {
			delete(m.held, c.Unique)
		}
	}
}

// testModel makes random commits, and compares all that can be asked.
func testModel(t *testing.T, s *subject) {
	seeds := []uint64{1, rand.Uint64()}
	if testing.Short() {
		seeds = seeds[1:]
	}
	number := 0 // ids go on from one seed to the next
	m := &model{jobs: map[job.ID]*job.Job{}, held: map[string]modelHold{}}
	for _, seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 0))
		for round := range 20 {
			changes := randomChanges(r, m, &number)
			if err := s.Commit(changes); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
			m.commit(changes)
			if round%10 == 9 && r.IntN(3) == 0 {
				s.again(t)
			}
			if round%5 == 4 {
				if err := compare(s, m, r); err != nil {
					t.Fatalf("seed %d, round %d: %v", seed, round, err)
				}
			}
		}
	}
}

// randomChanges may change a job more than once.
func randomChanges(r *rand.Rand, m *model, number *int) []jobstore.Change {
	now := map[job.ID]job.Head{}
	var ids []job.ID
	for id, j := range m.jobs {
		now[id] = j.Head
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var changes []jobstore.Change
	for range r.IntN(60) {
		if len(ids) == 0 || r.IntN(5) < 2 {
			*number++
			j := newJob(*number, []job.State{job.Ready, job.Ready, job.Scheduled}[r.IntN(3)])
			j.Due = int64(r.IntN(1000))
			c := add(j)
			randomUnique(r, &c)
			changes = append(changes, c)
			now[j.ID] = j.Head
			ids = append(ids, j.ID)
			continue
		}
		i := r.IntN(len(ids))
		h := now[ids[i]]
		c := jobstore.Change{From: h, To: h}
		c.To.State = randomNext(r, h.State)
		if c.To.State == job.Running {
			c.To.Attempts++
		}
		c.To.Due = int64(r.IntN(1000))
		c.To.Priority = int8(r.IntN(200) - 100)
		if r.IntN(2) == 0 {
			randomUnique(r, &c)
		}
		if r.IntN(5) == 0 && c.To.State.Kept() {
			c.Failure = &job.Failure{Attempt: c.To.Attempts, At: int64(r.IntN(100)), Text: fmt.Sprint("failure ", r.IntN(100))}
		}
		if r.IntN(5) == 0 && c.To.State.Kept() {
			c.Job = &job.Job{Body: job.Body{Data: fmt.Appendf(nil, "edited %d", r.IntN(100))}}
			c.To.Size = uint32(r.IntN(1000))
		}
		changes = append(changes, c)
		if c.To.State.Kept() {
			now[ids[i]] = c.To
		} else {
			ids = slices.Delete(ids, i, i+1)
		}
	}
	return changes
}

func randomUnique(r *rand.Rand, c *jobstore.Change) {
	c.Unique = fmt.Sprint("u", r.IntN(30))
	if r.IntN(2) == 0 {
		c.UniqueUntil = int64(1 + r.IntN(1000))
	}
}

func randomNext(r *rand.Rand, from job.State) job.State {
	for {
		to := job.State(1 + r.IntN(int(job.Gone)))
		if from.Next(to) || from == to {
			return to
		}
	}
}

func compare(s jobstore.Store, m *model, r *rand.Rand) error {
	var totals jobstore.Totals
	byState := map[job.State][]job.Head{}
	for id, want := range m.jobs {
		got, err := s.Get(id)
		if err != nil {
			return fmt.Errorf("job %v: %w", id, err)
		}
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("job is\n%+v, wanted\n%+v", got, want)
		}
		totals.Jobs[want.State]++
		totals.Bytes[want.State] += int64(want.Size)
		byState[want.State] = append(byState[want.State], want.Head)
	}
	if got := s.Totals(); got != totals {
		return fmt.Errorf("totals %+v, wanted %+v", got, totals)
	}
	if s.Last() != m.last {
		return fmt.Errorf("last %v, wanted %v", s.Last(), m.last)
	}
	for _, st := range allStates() {
		if err := compareHeads(s, st, byState[st], r); err != nil {
			return err
		}
	}
	for n := range 30 {
		key, now := fmt.Sprint("u", n), int64(r.IntN(1100))
		h, held := m.held[key]
		held = held && (h.until == 0 || h.until > now)
		got, ok := s.Unique(key, now)
		// What is over by the store's own time may be forgotten: these times are long ago.
		if ok && (!held || got != h.id) || !ok && held && h.until == 0 {
			return fmt.Errorf("%s at %d is held by %v, %v, wanted %+v", key, now, got, ok, h)
		}
	}
	return nil
}

func compareHeads(s jobstore.Store, st job.State, want []job.Head, r *rand.Rand) error {
	slices.SortFunc(want, func(a, b job.Head) int {
		if st.Timed() && a.Due != b.Due {
			return cmp(a.Due, b.Due)
		}
		return cmp(a.ID, b.ID)
	})
	var after job.Head
	if len(want) > 0 && r.IntN(2) == 0 {
		i := r.IntN(len(want))
		after, want = want[i], want[i+1:]
	}
	most := r.IntN(len(want) + 1)
	var got []job.Head
	if err := s.Heads(st, after, func(h job.Head) bool {
		got = append(got, h)
		return len(got) <= most
	}); err != nil {
		return err
	}
	if want = want[:min(most+1, len(want))]; !slices.Equal(got, want) {
		return fmt.Errorf("%v: heads %v, wanted %v", st, got, want)
	}
	return nil
}
