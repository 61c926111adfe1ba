package steer

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"eddy/internal/operator/admin"
	"eddy/internal/operator/view"
)

// FuzzParseJobs: what is taken is within bounds, and the line that goes on is taken too.
func FuzzParseJobs(f *testing.F) {
	for _, s := range []string{"", "email", "email state dead,ready limit 10", "handler h key k after 01KQ2N8S4G0D7", "queue state", "state all json", "limit 0", "after x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		q, err := parseJobs(strings.Fields(line))
		if err != nil {
			var failed *failure
			if !errors.As(err, &failed) || failed.kind != view.Usage || failed.text == "" {
				t.Fatalf("%q: %#v", line, err)
			}
			return
		}
		if q.limit < 1 || len(q.states) == 0 || len(q.states) > len(keptStates()) {
			t.Fatalf("%q: %+v", line, q)
		}
		for i, s := range q.states {
			if !s.Kept() || slices.Contains(q.states[:i], s) {
				t.Fatalf("%q: %v", line, q.states)
			}
		}
		l := lister{request: &request{}, query: q}
		if q.queue == "" || strings.ContainsAny(q.queue+q.handler+q.key, "\r\n") {
			return
		}
		l.cut(q.queue, q.states, q.after)
		again := l.again(l.more[0])
		var words []string
		for _, w := range strings.Split(strings.TrimPrefix(again, "show jobs "), " ") {
			words = append(words, strings.NewReplacer(`\\`, `\`, `\;`, `;`).Replace(w))
		}
		next, err := parseJobs(words)
		if err != nil || next.queue != q.queue || next.limit != q.limit || next.after != q.after || next.key != q.key || !slices.Equal(next.states, q.states) {
			t.Fatalf("%q became %q: %+v, %v", line, again, next, err)
		}
	})
}

func TestVerbs(t *testing.T) {
	for _, v := range verbs() {
		if !strings.HasPrefix(v.usage, strings.Join(v.words, " ")+" ") || !strings.Contains(v.usage, " : ") {
			t.Errorf("%v: usage %q", v.words, v.usage)
		}
		if v.level < admin.Operator && v.words[0] != "show" {
			t.Errorf("%v is for everybody", v.words)
		}
	}
}
