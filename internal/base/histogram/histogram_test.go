package histogram

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	for i := range Buckets {
		low, high := time.Duration(0), time.Duration(1<<62)
		if i > 0 {
			low = Bound(i-1) + 1
		}
		if i < Buckets-1 {
			high = Bound(i)
		}
		if bucket(low) != i || bucket(high) != i {
			t.Errorf("bucket %d: %v is in %d, %v in %d", i, low, bucket(low), high, bucket(high))
		}
	}
}

func TestObserve(t *testing.T) {
	var h Histogram
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				h.Observe(3 * time.Microsecond)
			}
		})
	}
	all.Wait()
	h.Observe(-time.Second)
	h.Observe(240 * time.Hour)
	s := h.Snapshot()
	if s.Count != 4002 || s.Counts[2] != 4000 || s.Counts[0] != 1 || s.Counts[Buckets-1] != 1 {
		t.Errorf("got %+v", s)
	}
	if want := 12*time.Millisecond + 240*time.Hour; s.Sum != want {
		t.Errorf("sum %v, want %v", s.Sum, want)
	}
	s.Add(s)
	if s.Count != 8004 || s.Counts[2] != 8000 {
		t.Errorf("twice: %+v", s)
	}
}

// An estimate is never farther off than its bucket is wide.
func TestQuantile(t *testing.T) {
	var none Snapshot
	if none.Quantile(0.5) != 0 || none.Mean() != 0 {
		t.Error("nothing has quantiles")
	}
	r := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 5000 {
		d := time.Duration(r.ExpFloat64() * float64(20*time.Millisecond))
		all = append(all, d)
		h.Observe(d)
	}
	slices.Sort(all)
	s := h.Snapshot()
	before := time.Duration(0)
	for _, q := range []float64{-1, 0, 0.01, 0.5, 0.9, 0.99, 1, 2} {
		got := s.Quantile(q)
		exact := all[min(max(int(q*5000)-1, 0), 4999)]
		if b := bucket(exact); bucket(got) < b-1 || bucket(got) > b+1 || got < before {
			t.Errorf("quantile %v: %v, exactly %v", q, got, exact)
		}
		before = got
	}
	if m := s.Mean(); m < 18*time.Millisecond || m > 22*time.Millisecond {
		t.Errorf("mean %v", m)
	}
}

func BenchmarkObserve(b *testing.B) {
	var h Histogram
	b.ReportAllocs()
	for i := range b.N {
		h.Observe(time.Duration(i))
	}
}
