package job

import "time"

// Backoff gives the pause before the next attempt, when the attempt of that number (1 is the first) has failed: from min, doubled
// from one to the next, up to max; with jitter, so that jobs that failed together do not come again together. It is never
// less than min or more than max. random gives numbers in [0, 1).
func Backoff(attempt int, min, max time.Duration, random func() float64) time.Duration {
	if min <= 0 {
		min = time.Millisecond
	}
	if max <= min {
		return min
	}
	base := min
	for i := 1; i < attempt && base < max; i++ {
		base *= 2
		if base <= 0 {
			base = max
		}
	}
	high := max
	if base < max-base/2 {
		high = base + base/2
	}
	low := high / 3 * 2
	if low < min {
		low = min
	}
	return low + time.Duration(float64(high-low)*random())
}
