package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"eddy/internal/operator/visible"
)

// QueueTable is a table of queues, for "show queues" and its like.
func QueueTable(queues []Queue) *Table {
	t := &Table{Columns: []Column{{Title: "QUEUE"}, {Title: "STORE"}, {Title: "STATE"}, {Title: "READY", Right: true},
		{Title: "SCHEDULED", Right: true}, {Title: "RUNNING", Right: true}, {Title: "RETRYING", Right: true}, {Title: "DEAD", Right: true},
		{Title: "BYTES", Right: true}, {Title: "OLDEST", Right: true}, {Title: "BUSY", Right: true}, {Title: "PUSHED", Right: true},
		{Title: "DONE", Right: true}, {Title: "FAILED", Right: true}, {Title: "REFUSED", Right: true}}}
	for _, q := range queues {
		t.add(cell(q.Name), q.Store, q.state(), number(q.Jobs.Ready), number(q.Jobs.Scheduled), number(q.Jobs.Running),
			number(q.Jobs.Retrying), number(q.Jobs.Dead), Size(q.AllBytes()), q.Oldest(), fmt.Sprintf("%d/%d", q.Busy, q.Workers),
			count(q.Counts.Pushed), count(q.Counts.Done), count(q.Counts.Failed), count(q.Counts.Refused))
	}
	return t
}

// state is State without a blank, for a column.
func (q *Queue) state() string { return strings.ReplaceAll(q.State, ", ", "+") }

// AllBytes is the bytes of all jobs, the dead too.
func (q *Queue) AllBytes() int64 { return q.Bytes.Live() + q.Bytes.Dead }

// Oldest is how long the oldest ready job has been ready; "-" when none is.
func (q *Queue) Oldest() string {
	if q.OldestReady == nil {
		return "-"
	}
	return Seconds(*q.OldestReady)
}

// WriteQueues writes a line for each queue, and one for each whose store refuses.
func WriteQueues(w io.Writer, queues []Queue, now time.Time, paint Paint) error {
	if err := QueueTable(queues).Write(w, true, paint); err != nil {
		return err
	}
	for _, q := range queues {
		if q.StoreError == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", cell(q.Name), q.trouble(now)); err != nil {
			return err
		}
	}
	return nil
}

// maxTrouble bounds a store's error: a folder's path is in it, and what to do.
const maxTrouble = 1000

// trouble says why a store refuses and since when.
func (q *Queue) trouble(now time.Time) string {
	text := "the store refuses"
	if q.StoreSince != nil {
		text += " since " + Age(now.Sub(*q.StoreSince))
	}
	return text + ": " + visible.Text(q.StoreError, maxTrouble)
}

// WriteQueue writes all about one queue.
func WriteQueue(w io.Writer, q *Queue, now time.Time) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s%s\n", name+":", fmt.Sprintf(format, args...))
	}
	line("queue", "%s", cell(q.Name))
	line("state", "%s", q.State)
	if q.StoreError != "" {
		line("error", "%s", q.trouble(now))
	}
	line("store", "%s", strings.TrimSpace(q.Store+" "+visible.Text(q.Path, 200)))
	line("workers", "%d of %d busy", q.Busy, q.Workers)
	j := q.Jobs
	line("jobs", "%d%s: %d ready, %d scheduled, %d running, %d retrying; %d dead", j.Live(), bound(q.MaxJobs > 0, number(int64(q.MaxJobs))),
		j.Ready, j.Scheduled, j.Running, j.Retrying, j.Dead)
	line("bytes", "%s%s; %s of dead jobs", Size(q.Bytes.Live()), bound(q.MaxBytes > 0, Size(q.MaxBytes)), Size(q.Bytes.Dead))
	line("oldest", "%s", q.Oldest())
	if q.Uncommitted > 0 {
		line("uncommitted", "%s for %s at most", Plural(q.Uncommitted, "job"), Seconds(q.OldestGap))
	}
	c := q.Counts
	if c.Opened+c.Handed > 0 {
		line("passed", "%d jobs came from the process before, %d went to the next one", c.Opened, c.Handed)
	}
	line("pushed", "%d, %d duplicates, %d refused%s", c.Pushed, c.Duplicates, c.Refused, c.reasons())
	line("attempts", "%d started, %d failed (%d of them timed out), %d tried again, %d waited for the rate", c.Started, c.Failed, c.TimedOut, c.Retried, c.RateWaits)
	line("ended", "%d done, %d died, %d dropped, %d deleted, %d expired; %d were popped", c.Done, c.Died, c.Dropped, c.Deleted, c.Expired, c.Popped)
	line("odd", "%d given again, %d results without a taker", c.Redelivered, c.OwnerGone)
	for _, s := range []struct {
		name string
		Spread
	}{{"wait", q.Wait}, {"run", q.Run}, {"commit", q.Commit}} {
		if s.Count > 0 {
			line(s.name, "%d times, mean %s, half within %s, 99%% within %s", s.Count, Seconds(s.Mean), Seconds(s.P50), Seconds(s.P99))
		}
	}
	section(&b, "handlers", HandlerTable(q.Handlers))
	section(&b, "running", RunningTable(q.Running))
	_, err := io.WriteString(w, b.String())
	return err
}

// bound writes " of 1000" behind a number that has a bound.
func bound(has bool, of string) string {
	if !has {
		return ""
	}
	return " of " + of
}

// reasons lists why pushes were refused, the most frequent reason first.
func (c *Counts) reasons() string {
	var names []string
	for reason := range c.Reasons {
		names = append(names, reason)
	}
	slices.SortFunc(names, func(a, b string) int {
		if c.Reasons[a] != c.Reasons[b] {
			if c.Reasons[a] > c.Reasons[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	if len(names) == 0 {
		return ""
	}
	for i, reason := range names {
		names[i] = fmt.Sprintf("%s: %d", reason, c.Reasons[reason])
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// section writes a table below its title; nothing when it has no rows.
func section(b *strings.Builder, title string, t *Table) {
	if len(t.Rows) == 0 {
		return
	}
	b.WriteString(title + ":\n")
	for _, line := range t.Lines(true, nil) {
		b.WriteString("  " + line + "\n")
	}
}

// HandlerTable is a table of handlers, in the order in which they come.
func HandlerTable(handlers []Handler) *Table {
	t := &Table{Columns: []Column{{Title: "HANDLER"}, {Title: "STARTED", Right: true}, {Title: "DONE", Right: true},
		{Title: "FAILED", Right: true}, {Title: "MEAN", Right: true}, {Title: "MAX", Right: true}, {Title: "TOTAL", Right: true}}}
	for _, h := range handlers {
		t.add(cell(h.Name), count(h.Started), count(h.Done), count(h.Failed), Seconds(h.Mean), Seconds(h.Max), Seconds(h.Total))
	}
	return t
}

// RunningTable is a table of jobs that workers have.
func RunningTable(running []Running) *Table {
	t := &Table{Columns: []Column{{Title: "WORKER", Right: true}, {Title: "JOB"}, {Title: "FOR", Right: true}, {Title: "ATTEMPT", Right: true},
		{Title: "HANDLER"}, {Title: "KEY"}}}
	for _, r := range running {
		worker := "-"
		if r.Worker >= 0 {
			worker = number(int64(r.Worker))
		}
		t.add(worker, cell(r.ID), Seconds(r.Seconds), number(int64(r.Attempt)), cell(r.Handler), cell(r.Key))
	}
	return t
}
