package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"eddy/internal/offpath/job"
)

// modelOrder is an order that is obviously right: all jobs in one slice, every question a walk through it.
type modelOrder struct{ jobs []job.Head } // Ready, Retrying, and Running for those that were taken

func (m *modelOrder) at(id job.ID) int {
	return slices.IndexFunc(m.jobs, func(h job.Head) bool { return h.ID == id })
}

func (m *modelOrder) put(h job.Head) {
	if at := m.at(h.ID); at >= 0 {
		m.jobs[at] = h
		return
	}
	m.jobs = append(m.jobs, h)
}

// next gives the job whose turn it is.
func (m *modelOrder) next() (best job.Head) {
	for _, h := range m.jobs {
		if h.State != job.Ready || best.ID != 0 && (best.Priority > h.Priority || best.Priority == h.Priority && best.ID < h.ID) {
			continue
		}
		if h.KeyHash != 0 && slices.ContainsFunc(m.jobs, func(o job.Head) bool {
			return o.KeyHash == h.KeyHash && (o.State == job.Running || o.ID < h.ID)
		}) {
			continue
		}
		best = h
	}
	return best
}

func (m *modelOrder) ready() (n int, oldest job.ID) {
	for _, h := range m.jobs {
		if h.State == job.Ready {
			n++
			if oldest == 0 || h.ID < oldest {
				oldest = h.ID
			}
		}
	}
	return n, oldest
}

// Random puts, takes, leaves and removes: the order does what the model does, at every step.
func TestOrderAgainstModel(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		o, m := newOrder(true), &modelOrder{}
		keys, priorities := uint64(r.IntN(4)), r.IntN(4)+1
		next := job.ID(1000)
		pick := func(s job.State) (job.Head, bool) {
			var some []job.Head
			for _, h := range m.jobs {
				if h.State == s {
					some = append(some, h)
				}
			}
			if len(some) == 0 {
				return job.Head{}, false
			}
			return some[r.IntN(len(some))], true
		}
		for step := range 600 {
			at := fmt.Sprintf("seed %d, step %d", seed, step)
			switch r.IntN(7) {
			case 0, 1: // a new one, now and then older than those that are there
				next++
				h := job.Head{ID: next, State: job.Ready, Priority: int8(r.IntN(priorities) - 1), KeyHash: r.Uint64N(keys + 1)}
				if r.IntN(4) == 0 {
					h.ID = job.ID(r.IntN(1000) + 1)
					if m.at(h.ID) >= 0 {
						continue
					}
				}
				o.put(h)
				m.put(h)
			case 2, 3:
				want := m.next()
				got, ok := o.take()
				if ok != (want.ID != 0) || got != want {
					t.Fatalf("%s: took %+v, want %+v", at, got, want)
				}
				if ok {
					want.State = job.Running
					m.put(want)
				}
			case 4: // one that was taken ends, retries, or comes back
				h, ok := pick(job.Running)
				if !ok {
					continue
				}
				switch r.IntN(3) {
				case 0:
					o.leave(h)
					m.jobs = slices.Delete(m.jobs, m.at(h.ID), m.at(h.ID)+1)
				case 1:
					h.State = job.Ready
					o.put(h)
					m.put(h)
				default:
					h.State = job.Retrying
					if h.KeyHash != 0 {
						o.put(h)
					}
					m.put(h)
				}
			case 5: // the pause of one is over
				if h, ok := pick(job.Retrying); ok {
					h.State = job.Ready
					o.put(h)
					m.put(h)
				}
			case 6:
				h, ok := pick([]job.State{job.Ready, job.Retrying}[r.IntN(2)])
				if !ok {
					continue
				}
				if got := o.remove(h); got != (h.State == job.Ready || h.KeyHash != 0) {
					t.Fatalf("%s: remove %+v: %v", at, h, got)
				}
				m.jobs = slices.Delete(m.jobs, m.at(h.ID), m.at(h.ID)+1)
			}
			n, oldest := m.ready()
			if o.ready != n || n > 0 && o.oldest().ID != oldest || n == 0 && o.oldest() != nil {
				t.Fatalf("%s: %d ready, the oldest %v; want %d, %d", at, o.ready, o.oldest(), n, oldest)
			}
			if p, want := o.peek(), m.next(); (p == nil) != (want.ID == 0) || p != nil && *p != want {
				t.Fatalf("%s: next is %+v, want %+v", at, p, want)
			}
		}
		for _, h := range slices.Clone(m.jobs) {
			if h.State == job.Running {
				o.leave(h)
			} else {
				o.remove(h)
			}
		}
		if len(o.lines) != 0 || len(o.behind) != 0 || o.ready != 0 || o.some != [4]uint64{} {
			t.Fatalf("seed %d: something is left: %+v", seed, o)
		}
	}
}

// Heads against a map, with so many that blocks split and empty.
func TestHeads(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		l := &heads{}
		have := map[job.ID]job.Head{}
		for step := range 20000 {
			id := job.ID(r.IntN(3000) + 1)
			grow := step%8000 < 5000
			switch {
			case r.IntN(3) == 0 && len(have) > 0:
				f := l.first()
				for id := range have {
					if id < f.ID {
						t.Fatalf("seed %d: first is %v, and %v is there", seed, f.ID, id)
					}
				}
				want := *f
				if got := l.pop(); got != want {
					t.Fatalf("popped %+v, want %+v", got, want)
				}
				delete(have, want.ID)
			case r.IntN(2) == 0 || grow:
				h := job.Head{ID: id, Size: uint32(step)}
				l.put(h)
				have[id] = h
			default:
				h, ok := l.remove(id)
				if want, some := have[id]; ok != some || h != want {
					t.Fatalf("seed %d: removed %+v, %v, want %+v", seed, h, ok, want)
				}
				delete(have, id)
			}
			if l.n != len(have) {
				t.Fatalf("seed %d: %d, want %d", seed, l.n, len(have))
			}
		}
		last := job.ID(0)
		l.each(func(h job.Head) bool {
			if h.ID <= last || have[h.ID] != h || l.get(h.ID) == nil {
				t.Fatalf("seed %d: %+v behind %v, want %+v", seed, h, last, have[h.ID])
			}
			last = h.ID
			return true
		})
	}
}

// What a ready job takes in memory, by key and priority.
func BenchmarkOrderMillion(b *testing.B) {
	for _, keyed := range []bool{false, true} {
		b.Run(fmt.Sprintf("keyed=%v", keyed), func(b *testing.B) {
			for range b.N {
				before := heapInUse()
				o := newOrder(false)
				const n = 1_000_000
				for i := range n {
					h := job.Head{ID: job.ID(i + 1), State: job.Ready, Priority: int8(i % 3)}
					if keyed {
						h.KeyHash = uint64(i)*0x9E3779B97F4A7C15 + 1
					}
					o.put(h)
				}
				b.ReportMetric(float64(heapInUse()-before)/n, "bytes/job")
				for {
					h, ok := o.take()
					if !ok {
						break
					}
					o.leave(h)
				}
			}
		})
	}
}
