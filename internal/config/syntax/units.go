package syntax

import (
	"fmt"
	"math"
	"time"
)

// MaxTime is the longest time that HAProxy's timers hold: 2^31-1 ms, about 24.8 days.
const MaxTime = math.MaxInt32 * time.Millisecond

// ParseTime reads a time (§2.5): an integer with us, ms, s, m, h or d behind it; unit is meant when none is. The
// error says what to write.
func ParseTime(s string, unit time.Duration) (time.Duration, error) {
	return ParseTimeUpTo(s, unit, MaxTime)
}

// ParseTimeUpTo is ParseTime for what knows longer times than HAProxy's timers do.
func ParseTimeUpTo(s string, unit, longest time.Duration) (time.Duration, error) {
	n, rest, err := leading(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time: %w", s, err)
	}
	switch rest {
	case "":
	case "us":
		unit = time.Microsecond
	case "ms":
		unit = time.Millisecond
	case "s":
		unit = time.Second
	case "m":
		unit = time.Minute
	case "h":
		unit = time.Hour
	case "d":
		unit = 24 * time.Hour
	default:
		return 0, fmt.Errorf("%q is not a time: write an integer with one of us, ms, s, m, h, d behind it, like 30s", s)
	}
	switch {
	case n <= uint64(longest/unit):
	case longest == MaxTime:
		return 0, fmt.Errorf("%q is too long: the longest time is 2147483647ms, about 24.8 days", s)
	default:
		return 0, fmt.Errorf("%q is too long: the longest time is %dd", s, longest/(24*time.Hour))
	}
	return time.Duration(n) * unit, nil
}

// ParseSize reads a size in bytes (§2.6): an integer with k, m or g behind it, in either case.
func ParseSize(s string) (int64, error) {
	n, rest, err := leading(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size: %w", s, err)
	}
	shift := 0
	switch rest {
	case "":
	case "k", "K":
		shift = 10
	case "m", "M":
		shift = 20
	case "g", "G":
		shift = 30
	default:
		return 0, fmt.Errorf("%q is not a size: write an integer, or one with k, m or g behind it, like 64k", s)
	}
	if n > uint64(math.MaxInt64)>>shift {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return int64(n << shift), nil
}

// ParseCount reads a number of things, which is eddy's own: an integer with k (1000) or m (1000000) behind it, in
// either case.
func ParseCount(s string) (int64, error) {
	n, rest, err := leading(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number: %w", s, err)
	}
	times := uint64(1)
	switch rest {
	case "":
	case "k", "K":
		times = 1e3
	case "m", "M":
		times = 1e6
	default:
		return 0, fmt.Errorf("%q is not a number: write an integer, or one with k (1000) or m (1000000) behind it, like 100k", s)
	}
	if n > math.MaxInt64/times {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return int64(n * times), nil
}

// leading reads the digits at the front of s.
func leading(s string) (n uint64, rest string, err error) {
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		d := uint64(s[i] - '0')
		if n > (math.MaxUint64-d)/10 {
			return 0, "", fmt.Errorf("the number is too large")
		}
		n = n*10 + d
	}
	switch {
	case i == 0:
		return 0, "", fmt.Errorf("it must begin with a digit")
	case i < len(s) && s[i] == '.':
		return 0, "", fmt.Errorf("decimals are not allowed; use a smaller unit")
	}
	return n, s[i:], nil
}
