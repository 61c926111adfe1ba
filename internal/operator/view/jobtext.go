package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"eddy/internal/operator/visible"
)

// Bounds of what the text about one job shows; its JSON has it all.
const (
	shownData  = 16 << 10 // characters of its payload, of an error, and of a traceback
	shownLines = 400      // of its payload, and of a traceback
	shownText  = 4 << 10  // characters of a line
)

// functionName is what tables show as the handler of a job that is a Lua function.
const functionName = "(function)"

// JobTable is a table of jobs, for "show jobs" and its like.
func JobTable(jobs []Job, now time.Time) *Table {
	t := &Table{Columns: []Column{{Title: "JOB", Min: 13}, {Title: "STATE", Min: 9}, {Title: "QUEUE"}, {Title: "HANDLER"}, {Title: "KEY"},
		{Title: "PRI", Right: true}, {Title: "TRIES", Right: true}, {Title: "AGE", Right: true, Min: 6}, {Title: "NEXT", Right: true, Min: 6},
		{Title: "BYTES", Right: true}, {Title: "LAST ERROR"}}}
	for i := range jobs {
		j := &jobs[i]
		next := "-"
		if j.Next != nil {
			next = Age(j.Next.Sub(now))
		}
		failure := "-"
		if n := len(j.Failures); n > 0 {
			failure = visible.Text(j.Failures[n-1].Text, maxError)
		}
		t.add(cell(j.ID), cell(j.State), cell(j.Queue), j.handler(), cell(j.Key), number(int64(j.Priority)), j.tries(), Age(now.Sub(j.Pushed)),
			next, Size(j.Size), failure)
	}
	return t
}

// handler is who does the job, for people.
func (j *Job) handler() string {
	if j.Function {
		return functionName
	}
	return cell(j.Handler)
}

// tries is "2/9": attempts begun, and how many there are when the job says so itself.
func (j *Job) tries() string {
	if j.MaxAttempts == 0 {
		return number(int64(j.Attempts))
	}
	return fmt.Sprintf("%d/%d", j.Attempts, j.MaxAttempts)
}

// WriteJob writes all about one job.
func WriteJob(w io.Writer, j *Job, now time.Time) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s%s\n", name+":", fmt.Sprintf(format, args...))
	}
	text := func(name, s string) {
		if s != "" {
			line(name, "%s", visible.Text(s, shownText))
		}
	}
	line("job", "%s", cell(j.ID))
	line("queue", "%s", cell(j.Queue))
	state := cell(j.State)
	if j.Since != nil {
		state += " for " + Age(now.Sub(*j.Since))
	}
	line("state", "%s", state)
	if j.Next != nil {
		line("next", "attempt %d in %s, at %s", j.Attempts+1, Age(j.Next.Sub(now)), Moment(*j.Next))
	}
	line("handler", "%s", j.handler())
	text("key", j.Key)
	text("unique", j.Unique)
	line("priority", "%d", j.Priority)
	line("attempts", "%s", strings.ReplaceAll(j.tries(), "/", " of "))
	if j.Timeout > 0 {
		line("timeout", "%s", Seconds(j.Timeout))
	}
	text("owner", j.Owner)
	text("onresult", j.OnResult)
	text("onerror", j.OnError)
	line("size", "%s", Size(j.Size))
	b.WriteString("timeline:\n")
	origin := strings.Trim(j.Where+", "+j.Request, ", ")
	if origin != "" {
		origin = " by " + origin
	}
	fmt.Fprintf(&b, "  %s  pushed%s\n", Moment(j.Pushed), visible.Text(origin, shownText))
	for _, f := range j.Failures {
		fmt.Fprintf(&b, "  %s  attempt %d failed: %s\n", Moment(f.At), f.Attempt, firstLine(f.Text))
		indented(&b, "      ", rest(f.Text), shownData)
		indented(&b, "      ", f.Traceback, shownData)
	}
	if j.Since != nil {
		fmt.Fprintf(&b, "  %s  %s\n", Moment(*j.Since), cell(j.State))
	}
	b.WriteString("payload:\n")
	j.payload(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return visible.Text(s, shownText)
}

func rest(s string) string {
	_, s, _ = strings.Cut(s, "\n")
	return s
}

// payload writes the job's data as indented JSON, or the beginning of it.
func (j *Job) payload(b *strings.Builder) {
	data := j.Data
	if len(data) == 0 {
		data = json.RawMessage("null")
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, visible.JSON(nil, data), "", "  "); err != nil {
		indented(b, "  ", string(data), shownData)
		return
	}
	indented(b, "  ", pretty.String(), shownData)
}

// indented writes the lines of a text that are not empty, each behind an indent, up to a number of characters, and says what
// is left out.
func indented(b *strings.Builder, indent, text string, limit int) {
	left := limit
	for n, line := range strings.Split(text, "\n") {
		line = strings.ReplaceAll(strings.TrimRight(line, " \r"), "\t", "  ")
		if line == "" {
			continue
		}
		if left <= 0 || n == shownLines {
			b.WriteString(indent + "… (json shows it all)\n")
			return
		}
		b.WriteString(indent + visible.Text(line, min(left, shownText)) + "\n")
		left -= len(line)
	}
}
