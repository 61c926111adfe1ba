package syntax

import (
	"slices"
	"strings"
)

// version is "2.4-dev19" or "2.6.12": numbers, and whether it comes before the release of these numbers.
type version struct {
	num [3]int
	dev int // 0 for a release, which is later than every -devN and -rcN
	rc  bool
}

// parseVersion reads as much of s as makes sense; missing parts are zero.
func parseVersion(s string) (v version, ok bool) {
	main, suffix, _ := strings.Cut(s, "-")
	parts := strings.Split(main, ".")
	if len(parts) > len(v.num) {
		return v, false
	}
	for i, p := range parts {
		n, rest := number(p)
		if rest != "" || p == "" {
			return v, false
		}
		v.num[i] = n
	}
	for _, kind := range []string{"dev", "rc"} {
		if rest, found := strings.CutPrefix(suffix, kind); found {
			n, _ := number(rest)
			v.dev, v.rc = n+1, kind == "rc"
		}
	}
	return v, true
}

// number reads leading digits; values over a million stay there.
func number(s string) (n int, rest string) {
	for s != "" && s[0] >= '0' && s[0] <= '9' {
		n = min(n*10+int(s[0]-'0'), 1_000_000)
		s = s[1:]
	}
	return n, s
}

func isVersion(s string) bool {
	_, ok := parseVersion(s)
	return ok
}

// compareVersions is negative when a is older than b.
func compareVersions(a, b string) int {
	x, _ := parseVersion(a)
	y, _ := parseVersion(b)
	if c := slices.Compare(x.num[:], y.num[:]); c != 0 {
		return c
	}
	rank := func(v version) int { // dev1 < dev2 < … < rc1 < … < release
		switch {
		case v.dev == 0:
			return 1 << 30
		case v.rc:
			return 1<<29 + v.dev
		}
		return v.dev
	}
	return rank(x) - rank(y)
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
