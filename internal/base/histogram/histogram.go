// Package histogram counts durations in fixed buckets, without locks and without allocations.
package histogram

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Buckets is how many buckets a Histogram has: the i-th takes what is at most Bound(i), the last one the rest.
const Buckets = 28

// Histogram counts durations. Its zero value is ready; its methods may be called from any goroutine.
type Histogram struct {
	counts [Buckets]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

// Snapshot is what a Histogram has counted.
type Snapshot struct {
	Counts [Buckets]uint64 // by bucket, each for itself
	Count  uint64
	Sum    time.Duration
}

// Bound is the upper bound of bucket i: 1 µs, 2 µs, 4 µs and so on, doubling; the last bucket has none.
func Bound(i int) time.Duration { return time.Microsecond << i }

// bucket finds the bucket of a duration.
func bucket(d time.Duration) int {
	if d <= time.Microsecond {
		return 0
	}
	return min(bits.Len64(uint64((d-1)/time.Microsecond)), Buckets-1)
}

// Observe counts a duration; one below 0 is 0.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(d)].Add(1)
	h.sum.Add(int64(d))
}

// Snapshot gives what was counted so far. While others observe, Sum may be of a few more or less than Count.
func (h *Histogram) Snapshot() Snapshot {
	s := Snapshot{Sum: time.Duration(h.sum.Load())}
	for i := range h.counts {
		s.Counts[i] = h.counts[i].Load()
		s.Count += s.Counts[i]
	}
	return s
}

// Add joins what another Histogram has counted.
func (s *Snapshot) Add(other Snapshot) {
	for i, n := range other.Counts {
		s.Counts[i] += n
	}
	s.Count += other.Count
	s.Sum += other.Sum
}

// Mean is the average; 0 when nothing was counted.
func (s *Snapshot) Mean() time.Duration {
	if s.Count == 0 {
		return 0
	}
	return s.Sum / time.Duration(s.Count)
}

// Quantile estimates the duration that a share q (0 to 1) of all does not exceed: as if they lay evenly within their bucket. Of
// the last bucket it gives the lower bound. 0 when nothing was counted.
func (s *Snapshot) Quantile(q float64) time.Duration {
	if s.Count == 0 {
		return 0
	}
	rank := min(max(q, 0), 1) * float64(s.Count)
	below := 0.0
	last := 0
	for i, n := range s.Counts {
		if n == 0 {
			continue
		}
		last = i
		if below+float64(n) >= rank {
			return within(i, (rank-below)/float64(n))
		}
		below += float64(n)
	}
	return within(last, 1)
}

// within gives the place in a bucket that a share of its durations does not exceed.
func within(i int, share float64) time.Duration {
	var low time.Duration
	if i > 0 {
		low = Bound(i - 1)
	}
	if i == Buckets-1 {
		return low
	}
	return low + time.Duration(share*float64(Bound(i)-low))
}
