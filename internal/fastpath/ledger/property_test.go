package ledger

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// Whatever engines add, at whatever times: the sum over all flushed buckets is what was added, key by key; buckets are
// flushed in order, each once; and every record is flushed once.
func TestNothingIsLost(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			engines := 1 + rnd.IntN(4)
			got, alerts := map[string]float64{}, map[string]int{}
			last := int64(-1)
			r := start(t, engines, func(r *rig, o *Options) {
				o.Queue = 2
				o.Held = 1 + rnd.IntN(20)
				o.Hooks.Counter = []CounterMonitor{{
					Group: r.group,
					BeginFlush: func(ts int64) {
						if ts <= last || ts%60 != 0 {
							t.Errorf("bucket %d is flushed after %d", ts, last)
						}
						last = ts
					},
					Flush: func(ts int64, key string, v []float64) { got[key] += v[0] * 60 },
				}}
				o.Hooks.Alert = []Monitor[*learned.Alert]{{Flush: func(a *learned.Alert) { alerts[a.Key]++ }}}
			})
			want, total, raised := make([]map[string]float64, engines), 0., make([]int, engines)
			var wg sync.WaitGroup
			for e := range engines {
				rnd := rand.New(rand.NewPCG(seed, uint64(e+1)))
				want[e] = map[string]float64{}
				wg.Go(func() {
					f := r.Feed(e, counter.Limits{})
					now := at(rnd.Float64() * 100)
					for range 2000 {
						f.Advance(now)
						key := fmt.Sprint("k", rnd.IntN(30))
						v := float64(rnd.IntN(100) * 60)
						f.Local().AddString(r.group, key, 0, v)
						want[e][key] += v
						if rnd.IntN(10) == 0 {
							f.Record(&learned.Alert{Key: fmt.Sprint(e, ".", raised[e])})
							raised[e]++
						}
						now += int64(rnd.ExpFloat64() * 1e9 * 0.5)
					}
					f.Close()
				})
			}
			wg.Wait()
			r.end()
			sum, all := map[string]float64{}, 0
			for e := range engines {
				all += raised[e]
				for key, v := range want[e] {
					sum[key] += v
					total += v
				}
			}
			sum[counter.Totals] = total
			if len(got) != len(sum) {
				t.Errorf("%d keys were flushed, want %d", len(got), len(sum))
			}
			for key, v := range sum {
				if diff := got[key] - v; diff > 1e-3 || diff < -1e-3 {
					t.Errorf("%s: %v was flushed, %v added", key, got[key], v)
				}
			}
			if len(alerts) != all {
				t.Errorf("%d alerts were flushed, %d raised", len(alerts), all)
			}
			for key, n := range alerts {
				if n != 1 {
					t.Errorf("alert %s was flushed %d times", key, n)
				}
			}
			if s := r.Summary(1); s.Late != 0 {
				t.Errorf("%d batches were late", s.Late)
			}
		})
	}
}

func TestBest(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		n, limit := rnd.IntN(50), rnd.IntN(12)
		b := best[int]{limit: limit}
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(rnd.IntN(20))
			b.offer(i, values[i])
		}
		// The same by hand: again and again the greatest that is left, the first of equal ones.
		left := map[int]bool{}
		for i := range values {
			left[i] = true
		}
		got := b.take()
		if len(got) != min(n, limit) {
			t.Fatalf("%d of %d were kept, the limit is %d", len(got), n, limit)
		}
		for _, s := range got {
			next := -1
			for i, v := range values {
				if left[i] && (next < 0 || v > values[next]) {
					next = i
				}
			}
			if s.item != next || s.value != values[next] {
				t.Fatalf("got item %d (%v), want %d (%v) of %v", s.item, s.value, next, values[next], values)
			}
			delete(left, next)
		}
	}
}
