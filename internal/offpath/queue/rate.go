package queue

import "time"

// bucket is a bucket of tokens, one for each attempt that may begin. It is kept as the time at which it will be full again, so
// nothing has to fill it.
type bucket struct {
	every time.Duration // a token comes; 0: there is no limit
	depth time.Duration // as long as it takes until it is full
	full  time.Time
}

func newBucket(r Rate) bucket {
	if r.Events <= 0 || r.Per <= 0 {
		return bucket{}
	}
	n := time.Duration(r.Events)
	every := (r.Per + n - 1) / n // rather a nanosecond too slow than too fast
	return bucket{every: every, depth: every * time.Duration(max(r.Burst, 1))}
}

// tokens is how many there are, at most limit.
func (b *bucket) tokens(now time.Time, limit int) int {
	if b.every == 0 {
		return limit
	}
	missing := max(b.full.Sub(now), 0)
	return int(min((b.depth-missing)/b.every, time.Duration(limit)))
}

// take takes a token; there has to be one.
func (b *bucket) take(now time.Time) {
	if b.every == 0 {
		return
	}
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(b.every)
}

// next is when there is a token.
func (b *bucket) next() time.Time { return b.full.Add(b.every - b.depth) }
