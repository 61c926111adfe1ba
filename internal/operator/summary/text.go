package summary

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"eddy/internal/fastpath/report"
)

// Bounds of what the text shows; JSON has it all.
const (
	shownKeys  = 5  // of a counter group
	shownNames = 10 // of alerts, resources and the like
)

// Text writes the summary for a person to read.
func (s Summary) Text(w io.Writer) error {
	p := &page{}
	p.table(func(row rowFunc) { s.head(row) })
	p.counts("alerts", s.Alerts)
	p.counts("resources", s.Resources)
	for _, g := range s.Groups {
		p.group(g)
	}
	p.async(s.Async)
	p.jobs(s.Jobs)
	p.queues(s.Queues)
	p.scripts(s.Scripts)
	p.counts("dropped", s.Drops)
	p.counts("wrong with packets", s.Problems)
	_, err := w.Write(p.b.Bytes())
	return err
}

// head has a line for each subject.
func (s Summary) head(row rowFunc) {
	row("observed", "%s", s.observed())
	for _, in := range s.Inputs {
		if in.Error != "" {
			row("", "%s: %s", name(in.Name), message(in.Error))
		}
	}
	row("took", "%s with %s%s", Duration(s.Elapsed), count(uint64(s.Engines), "engine"), s.memory())
	row("packets", "%s, %s; %s packets/s, %s/s", Number(s.Packets), Bytes(float64(s.Bytes)), Short(s.PacketsPerSecond), Bytes(s.BytesPerSecond))
	if !s.First.IsZero() {
		row("captured", "%s, from %s", Duration(s.Last.Sub(s.First)), s.First.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	flows := fmt.Sprintf("%s: tcp %s, udp %s, other %s", Number(s.Flows.All()), Number(s.Flows.TCP), Number(s.Flows.UDP), Number(s.Flows.Other))
	if s.Flows.Evicted > 0 {
		flows += fmt.Sprintf("; %s ended early, because max-flows were there", Number(s.Flows.Evicted))
	}
	row("flows", "%s", flows)
	if len(s.Learned) > 0 {
		row("seen", "%s", list(s.Learned))
	}
	if s.Files.All() > 0 {
		files := fmt.Sprintf("%s, %s", Number(s.Files.All()), Bytes(float64(s.Files.Bytes)))
		if s.Files.Truncated > 0 {
			files += fmt.Sprintf("; %s with gaps or cut off", Number(s.Files.Truncated))
		}
		if s.Files.Kept > 0 {
			files += fmt.Sprintf("; %s kept", Number(s.Files.Kept))
		}
		row("files", "%s", files)
	}
	if len(s.Drops) == 0 {
		row("dropped", "nothing")
	}
}

// observed names the inputs, of many the first.
func (s Summary) observed() string {
	names := make([]string, 0, 4)
	for i, in := range s.Inputs {
		if i == 3 {
			names = append(names, fmt.Sprintf("and %d more", len(s.Inputs)-i))
			break
		}
		names = append(names, name(in.Name))
	}
	text := strings.Join(names, ", ")
	if text == "" {
		text = s.Name
	}
	if !s.Over {
		text += " (so far)"
	}
	return text
}

func (s Summary) memory() string {
	if s.PeakRSS <= 0 {
		return ""
	}
	return ", " + Bytes(float64(s.PeakRSS)) + " of memory at most"
}

func list(counts []report.Count) string {
	parts := make([]string, len(counts))
	for i, c := range counts {
		parts[i] = Number(c.N) + " " + c.Name
	}
	return strings.Join(parts, ", ")
}

// page is a summary in the making.
type page struct{ b bytes.Buffer }

// rowFunc adds a row to a table: a name and what is to be said of it.
type rowFunc func(subject, format string, args ...any)

// table writes rows with the second column aligned.
func (p *page) table(rows func(rowFunc)) {
	t := tabwriter.NewWriter(&p.b, 0, 0, 2, ' ', 0)
	rows(func(subject, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", subject, fmt.Sprintf(format, args...))
	})
	t.Flush()
}

func (p *page) title(format string, args ...any) { fmt.Fprintf(&p.b, "\n"+format+"\n", args...) }

// counts writes a block of numbers with names; nothing when there are none.
func (p *page) counts(title string, counts []report.Count) {
	if len(counts) == 0 {
		return
	}
	p.title("%s", title)
	rows := make([][2]string, 0, shownNames)
	for _, c := range counts[:min(len(counts), shownNames)] {
		rows = append(rows, [2]string{Number(c.N), name(c.Name)})
	}
	p.aligned(rows)
	if more := len(counts) - shownNames; more > 0 {
		fmt.Fprintf(&p.b, "  … and %d more\n", more)
	}
}

// aligned writes rows of a number, to the right, and a text.
func (p *page) aligned(rows [][2]string) {
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	for _, r := range rows {
		fmt.Fprintf(&p.b, "  %*s  %s\n", width, r[0], r[1])
	}
}

// group writes the largest keys of a counter group.
func (p *page) group(g report.Group) {
	if len(g.Top) == 0 {
		return
	}
	p.title("%s by %s, %s", name(g.Name), name(g.Meter), count(uint64(g.Keys), "key"))
	rows := make([][2]string, 0, shownKeys)
	for _, k := range g.Top[:min(len(g.Top), shownKeys)] {
		key := name(k.Key)
		if k.Label != "" && k.Label != k.Key {
			key = name(k.Label) + "  (" + key + ")"
		}
		rows = append(rows, [2]string{value(k.Value, g.Unit), key})
	}
	p.aligned(rows)
}

func value(v float64, unit string) string {
	if unit == report.UnitBytes {
		return Bytes(v)
	}
	if v >= 0 && v == float64(uint64(v)) && v < 1<<53 {
		return Number(uint64(v))
	}
	return fmt.Sprintf("%.2f", v)
}

// async writes what became of asynchronous work.
func (p *page) async(work []report.Async) {
	if len(work) == 0 {
		return
	}
	p.title("asynchronous work")
	for _, a := range work {
		fmt.Fprintf(&p.b, "  %s: %s scheduled, %s done by %s, %s failed; %s given back\n", name(a.Plugin),
			Number(a.Scheduled), Number(a.Done), count(uint64(a.Workers), "worker"), Number(a.Failed), count(a.Results, "result"))
		if a.Lost > 0 {
			fmt.Fprintf(&p.b, "    %s lost: the engine had ended\n", count(a.Lost, "result"))
		}
		for _, c := range a.Refused {
			fmt.Fprintf(&p.b, "    refused %s: %s\n", Number(c.N), name(c.Name))
		}
		for _, c := range a.Dropped {
			fmt.Fprintf(&p.b, "    dropped %s: %s\n", Number(c.N), name(c.Name))
		}
	}
}

// jobs writes what became of jobs.
func (p *page) jobs(jobs []report.Jobs) {
	if len(jobs) == 0 {
		return
	}
	p.title("jobs")
	for _, j := range jobs {
		fmt.Fprintf(&p.b, "  %s: %s pushed, %s done", name(j.Plugin), Number(j.Pushed), Number(j.Done))
		if rest := nonzero(report.Count{Name: "dead", N: j.Dead}, report.Count{Name: "removed", N: j.Removed},
			report.Count{Name: "left in their queues", N: j.Left}, report.Count{Name: "not waited for", N: j.Untold}); len(rest) > 0 {
			fmt.Fprintf(&p.b, ", %s", list(rest))
		}
		fmt.Fprintf(&p.b, "; %s given back\n", count(j.Results, "result"))
		if j.NotPushed > 0 {
			fmt.Fprintf(&p.b, "    refused by their queues, or there already: %s\n", Number(j.NotPushed))
		}
	}
}

// queues writes what is left in queues.
func (p *page) queues(queues []report.Queue) {
	if len(queues) == 0 {
		return
	}
	p.title("left in queues")
	for _, q := range queues {
		where := "lost with the process: they were in memory"
		if q.Disk {
			where = "kept in the queue"
		}
		left := list(nonzero(report.Count{Name: "ready", N: q.Ready}, report.Count{Name: "delayed", N: q.Delayed},
			report.Count{Name: "to be tried again", N: q.Retrying}, report.Count{Name: "dead", N: q.Dead}))
		fmt.Fprintf(&p.b, "  %s: %s; %s\n", name(q.Name), left, where)
	}
}

// nonzero leaves out what is zero.
func nonzero(counts ...report.Count) []report.Count {
	return slices.DeleteFunc(counts, func(c report.Count) bool { return c.N == 0 })
}

// scripts writes about plugins with errors.
func (p *page) scripts(scripts []report.Script) {
	title := false
	for _, s := range scripts {
		if s.Errors == 0 {
			continue
		}
		if !title {
			p.title("errors of plugins")
			title = true
		}
		fmt.Fprintf(&p.b, "  %s: %s", name(s.File), count(s.Errors, "error"))
		if s.First != "" {
			fmt.Fprintf(&p.b, ", the first: %s", message(s.First))
		}
		p.b.WriteByte('\n')
	}
}

// Line writes where a lane stands in one line, for an operator who asks.
func Line(r *report.Lane, now time.Time) string {
	if !r.Over {
		return fmt.Sprintf("observe %s: running for %s, %s packets", r.Name, Duration(now.Sub(r.Began)), Number(r.Packets))
	}
	dropped := "nothing"
	if len(r.Drops) > 0 {
		dropped = list(r.Drops)
	}
	return fmt.Sprintf("observe %s: ended after %s, %s packets, %s, %s flows, %s files; dropped %s", r.Name, Duration(r.Elapsed),
		Number(r.Packets), Bytes(float64(r.Bytes)), Number(r.Flows.All()), Number(r.Files.All()), dropped)
}
