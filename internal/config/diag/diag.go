// Package diag carries what is wrong with a configuration to the person who wrote it: where, what, and what to
// write instead.
//
// It is plain data and string building; every function may be called from any goroutine as long as one List is
// used by one goroutine at a time.
package diag

import (
	"fmt"
	"sort"
	"strings"
)

// Pos is a place in a configuration or script. Line and Col count from 1; Col counts bytes. The zero Pos means
// "no place" (a command-line flag, say).
type Pos struct {
	File string
	Line int
	Col  int
}

// String gives "file:line:col", leaving out what is not known.
func (p Pos) String() string {
	switch {
	case p.File == "" && p.Line == 0:
		return "-"
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// From names p for a message about a place in other: "line 12", with the file when it is another one.
func (p Pos) From(other Pos) string {
	if p.File == other.File {
		return fmt.Sprintf("line %d", p.Line)
	}
	return fmt.Sprintf("line %d of %s", p.Line, p.File)
}

// Severity says whether a Problem stops the configuration from being used.
type Severity uint8

const (
	Warning Severity = iota // the configuration works, but probably not as its author thinks
	Error                   // the configuration is refused
)

// String gives the word that is printed.
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Problem is one thing that is wrong.
type Problem struct {
	Pos      Pos
	Severity Severity
	Text     string // what is wrong, one sentence without a final full stop
	Hint     string // what to write or do instead; may be empty
}

// List collects problems; its zero value is ready for use.
type List struct {
	problems []Problem
}

// Append adds the problems of another list, which may be nil.
func (l *List) Append(o *List) {
	if o != nil {
		l.problems = append(l.problems, o.problems...)
	}
}

// Errorf adds an error at pos.
func (l *List) Errorf(pos Pos, hint, format string, args ...any) {
	l.problems = append(l.problems, Problem{Pos: pos, Severity: Error, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// Warnf adds a warning at pos.
func (l *List) Warnf(pos Pos, hint, format string, args ...any) {
	l.problems = append(l.problems, Problem{Pos: pos, Severity: Warning, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// Failed reports whether the list holds at least one error.
func (l *List) Failed() bool {
	for i := range l.problems {
		if l.problems[i].Severity == Error {
			return true
		}
	}
	return false
}

// All returns the problems sorted by file order of appearance, then line and column. The slice is the caller's.
func (l *List) All() []Problem {
	out := append([]Problem(nil), l.problems...)
	order := map[string]int{}
	for _, p := range out {
		if _, seen := order[p.Pos.File]; !seen {
			order[p.Pos.File] = len(order)
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i].Pos, out[j].Pos
		if a.File != b.File {
			return order[a.File] < order[b.File]
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
	return out
}

// Nearest returns the candidate that looks most like word, or "" when none is close enough to be worth
// suggesting (more than about a third of the letters differ). Numbers resemble nothing.
func Nearest(word string, candidates []string) string {
	if strings.Trim(word, "0123456789") == "" {
		return ""
	}
	best, bestDist := "", min(len(word)/3+2, len(word)) // something must be the same
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c), bestDist); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// DidYouMean turns Nearest into a hint, or "".
func DidYouMean(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

// distance is the Damerau-Levenshtein distance (adjacent swaps count one), cut off at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
