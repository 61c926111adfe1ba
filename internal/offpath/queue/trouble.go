package queue

import (
	"fmt"
	"time"
)

// trouble is what a store has that takes nothing.
type trouble struct {
	refusing bool
	text     string
	since    time.Time
	retry    time.Time
	pause    time.Duration
}

const (
	minTrouble = 100 * time.Millisecond
	maxTrouble = 5 * time.Second
)

// begin notes an error. Until retry, nothing is tried.
func (t *trouble) begin(q *Queue, err error, now time.Time) {
	if !t.refusing {
		if t.since.IsZero() {
			t.since = now
			q.log(logError, fmt.Sprintf("pushes are refused: %v", err))
		}
		t.refusing = true
	}
	t.pause = min(max(2*t.pause, minTrouble), maxTrouble)
	t.retry = now.Add(t.pause)
	t.text = fmt.Sprintf("queue '%s' takes nothing now: %v", q.opts.Name, err)
}

// over notes that the store works.
func (t *trouble) over(q *Queue) {
	if t.since.IsZero() {
		return
	}
	*t = trouble{}
	q.log(logNotice, "the store works again, pushes are accepted")
}
