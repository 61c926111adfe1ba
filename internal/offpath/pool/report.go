package pool

import (
	"fmt"
	"strings"
)

// Line is a part of a report: so many jobs of one origin.
type Line struct {
	Origin Origin
	Number int
}

// Report says what Stop did not let end well.
type Report struct {
	Dropped []Line // accepted, and never run
	Cut     []Line // running, or waiting to hand their result over, when the time was over
	Stuck   []Line // still running: they did not heed their context
}

// Merge adds what another report says.
func (r *Report) Merge(other Report) {
	r.Dropped = append(r.Dropped, other.Dropped...)
	r.Cut = append(r.Cut, other.Cut...)
	r.Stuck = append(r.Stuck, other.Stuck...)
}

// Empty says that everything was done.
func (r *Report) Empty() bool { return len(r.Dropped)+len(r.Cut)+len(r.Stuck) == 0 }

// String is "dropped: 12 × copy of keep (keep.lua:3); cut short: 1 × schedule of sha1 (sha1.lua:14)".
func (r *Report) String() string {
	var parts []string
	for _, p := range []struct {
		what  string
		lines []Line
	}{{"dropped", r.Dropped}, {"cut short", r.Cut}, {"still running", r.Stuck}} {
		if len(p.lines) == 0 {
			continue
		}
		words := make([]string, len(p.lines))
		for i, l := range p.lines {
			words[i] = fmt.Sprintf("%d × %s", l.Number, l.Origin)
		}
		parts = append(parts, p.what+": "+strings.Join(words, ", "))
	}
	return strings.Join(parts, "; ")
}
