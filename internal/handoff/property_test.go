package handoff

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// model is a queue that is obviously right: everything in one slice, every question a walk through it.
type model struct {
	bounds  Bounds
	full    Full
	items   []modelItem // that wait, by age
	taken   []modelItem
	turn    int // of the latest items that became ready
	dropped []int
}

type modelItem struct {
	id, turn int // turn: 0 while an item with one of its keys is before it
	keys     Keys
	bytes    int64
}

func (m *model) used() (b Bounds) {
	for _, i := range slices.Concat(m.items, m.taken) {
		b.Entries++
		b.Bytes += i.bytes
	}
	return b
}

// settle gives a turn to those that have none before them any more: the same to all of one moment.
func (m *model) settle() {
	busy := map[string]bool{}
	occupy := func(i modelItem) (was bool) {
		was = busy[i.keys[0]] || busy[i.keys[1]]
		busy[i.keys[0]], busy[i.keys[1]] = true, true
		busy[""] = false
		return was
	}
	for _, i := range m.taken {
		occupy(i)
	}
	m.turn++
	for n := range m.items {
		if i := &m.items[n]; !occupy(*i) && i.turn == 0 {
			i.turn = m.turn
		}
	}
}

func (m *model) offer(i modelItem) Refusal {
	refusal := m.bounds.Refuse(m.used(), i.bytes)
	if refusal == EntriesFull || refusal == BytesFull {
		switch m.full {
		case DropNewest:
			m.dropped = append(m.dropped, i.id)
			return Accepted
		case DropOldest:
			alone := model{taken: m.taken}
			if r := m.bounds.Refuse(alone.used(), i.bytes); !r.OK() {
				return r
			}
			for !m.bounds.Refuse(m.used(), i.bytes).OK() {
				m.dropped = append(m.dropped, m.items[0].id)
				m.items = m.items[1:]
				m.settle()
			}
			refusal = Accepted
		}
	}
	if refusal.OK() {
		m.items = append(m.items, i)
		m.settle()
	}
	return refusal
}

// mayTake says whether one item, or nothing, is right to be taken next, and takes it.
func (m *model) mayTake(id int, any bool) bool {
	best, at := 0, -1
	for n, i := range m.items {
		if i.turn > 0 && (best == 0 || i.turn < best) {
			best = i.turn
		}
		if any && i.id == id {
			at = n
		}
	}
	if at < 0 {
		return !any && best == 0
	}
	i := m.items[at]
	m.taken = append(m.taken, i)
	m.items = slices.Delete(m.items, at, at+1)
	return i.turn == best && best > 0
}

// Random offers, takes and dones: the queue does what the model does, at every step.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &model{bounds: Bounds{Entries: r.IntN(8), Bytes: int64(r.IntN(40))}, full: Full(r.IntN(3))}
		var dropped []int
		q := New(Options[int]{Bounds: m.bounds, Full: m.full, Dropped: func(id int) { dropped = append(dropped, id) }})
		var taken []Taken[int]
		for step := range 400 {
			at := fmt.Sprintf("seed %d, step %d", seed, step)
			switch r.IntN(3) {
			case 0:
				names := []string{"", "a", "b", "c", "d"}
				i := modelItem{id: step, keys: Keys{names[r.IntN(5)], names[r.IntN(5)]}, bytes: int64(r.IntN(12))}
				if got, want := q.Offer(i.id, i.keys, i.bytes), m.offer(i); got != want {
					t.Fatalf("%s: offer %+v: %v, want %v", at, i, got, want)
				}
			case 1:
				got, ok, _ := q.tryTake()
				if !m.mayTake(got.Item, ok) {
					t.Fatalf("%s: took %d (%v): it is not its turn", at, got.Item, ok)
				}
				if ok {
					taken = append(taken, got)
				}
			case 2:
				if len(taken) == 0 {
					continue
				}
				n := r.IntN(len(taken))
				taken[n].Done()
				taken = slices.Delete(taken, n, n+1)
				m.taken = slices.Delete(m.taken, n, n+1)
				m.settle()
			}
			if !slices.Equal(dropped, m.dropped) {
				t.Fatalf("%s: dropped %v, want %v", at, dropped, m.dropped)
			}
			c := q.Counts()
			addsUp(t, c)
			if used := m.used(); c.Waiting != len(m.items) || c.Taken != len(m.taken) || c.Bytes != used.Bytes {
				t.Fatalf("%s: %+v, want %d that wait, %d taken, %d bytes", at, c, len(m.items), len(m.taken), used.Bytes)
			}
		}
	}
}

func addsUp(t *testing.T, c Counts) {
	t.Helper()
	if c.Offered != c.Accepted+c.RefusedInAll() || c.Accepted != c.Done+c.Dropped+uint64(c.Waiting+c.Taken) {
		t.Fatalf("counts do not add up: %+v", c)
	}
}

// Many who offer and many who take, with queues that share a budget: nothing is lost or given twice, each key is in order and
// never taken twice at a time, and nobody ever saw the budget exceeded.
func TestConcurrent(t *testing.T) {
	const producers, each, takers, keys = 4, 2000, 5, 3
	type item struct{ producer, number int }
	budget := NewBudget(Bounds{Entries: 50, Bytes: 500})
	for _, full := range []Full{Reject, DropOldest, DropNewest} {
		var mu sync.Mutex
		dropped := map[item]bool{}
		q := New(Options[item]{Bounds: Bounds{Entries: 40}, Budget: budget, Full: full, Dropped: func(i item) {
			mu.Lock()
			dropped[i] = true
			mu.Unlock()
		}})
		key := func(i item) string {
			if i.producer == 0 {
				return "" // the first producer's items have no key
			}
			return fmt.Sprint(i.producer, i.number%keys)
		}

		var takersDone, producersDone sync.WaitGroup
		last := map[string]int{}
		busy := map[string]bool{}
		seen := map[item]bool{}
		for range takers {
			takersDone.Go(func() {
				for {
					taken, ok := q.Take(t.Context())
					if !ok {
						return
					}
					i := taken.Item
					k := key(i)
					mu.Lock()
					if seen[i] {
						t.Errorf("%v was taken twice", i)
					}
					seen[i] = true
					if k != "" && (busy[k] || last[k] > i.number) {
						t.Errorf("key %s: %d was taken after %d, busy: %v", k, i.number, last[k], busy[k])
					}
					busy[k], last[k] = true, i.number
					mu.Unlock()
					runtime.Gosched()
					mu.Lock()
					busy[k] = false
					mu.Unlock()
					taken.Done()
				}
			})
		}
		accepted := make([]int, producers)
		for p := range producers {
			producersDone.Go(func() {
				for n := range each {
					i := item{p, n + 1}
					if q.Offer(i, Keys{key(i)}, int64(n%20)).OK() {
						accepted[p]++
					}
				}
			})
		}
		producersDone.Wait()
		q.Close()
		takersDone.Wait()

		sum := 0
		for _, n := range accepted {
			sum += n
		}
		if len(seen)+len(dropped) != sum {
			t.Errorf("policy %d: %d accepted, %d taken, %d dropped", full, sum, len(seen), len(dropped))
		}
		addsUp(t, q.Counts())
		if used, peak := budget.Used(), budget.Peak(); used != (Bounds{}) || peak.Entries > 50 || peak.Bytes > 500 {
			t.Errorf("policy %d: used %+v, peak %+v", full, used, peak)
		}
	}
}

// With nobody who takes, ten times the bound is offered: exactly what fits is accepted.
func TestBackpressureIsExact(t *testing.T) {
	const bound, offers = 1000, 10_000
	q := New(Options[int]{Bounds: Bounds{Entries: bound}})
	var producers sync.WaitGroup
	for range 4 {
		producers.Go(func() {
			for i := range offers / 4 {
				q.Offer(i, Keys{}, 10)
			}
		})
	}
	producers.Wait()
	if c := q.Counts(); c.Accepted != bound || c.Refused[EntriesFull] != offers-bound || c.Waiting != bound || c.Bytes != 10*bound {
		t.Errorf("got %+v", c)
	}
}
