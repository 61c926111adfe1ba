package top

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"eddy/internal/operator/view"
	"eddy/internal/operator/visible"
)

// Style is how a line looks.
type Style int

// The styles.
const (
	Plain Style = iota
	Heading
	Chosen
	Warning
	Faint
)

// Line is a line of the screen; its text prints.
type Line struct {
	Text  string
	Style Style
}

// Screen draws the view for a terminal of this size. It gives at most height lines, none wider than width.
func (m *Model) Screen(width, height int, at time.Time) []Line {
	lines := []Line{{m.title(), Heading}}
	if m.Lost != nil {
		lines = append(lines, Line{fmt.Sprintf("no answer for %s, trying again: %s", view.Age(at.Sub(m.LostAt)), visible.Text(m.Lost.Error(), 300)), Warning})
	} else if m.now != nil {
		lines = append(lines, Line{m.sum(), Plain})
	}
	footer := "q quit  arrows choose a queue  p pause  r resume"
	if m.Notice != "" {
		footer = visible.Text(m.Notice, 300) + "  |  " + footer
	}
	if m.now != nil {
		lines = append(lines, m.body(width, height-len(lines)-1)...)
	}
	switch {
	case height <= 0:
		return nil
	case height == 1 || len(lines) < 1:
		lines = lines[:1]
	default:
		lines = append(lines[:min(len(lines), height-1)], Line{footer, Faint})
	}
	for i := range lines {
		lines[i].Text = cut(lines[i].Text, width)
	}
	return lines
}

// Table is the view as plain text, for what is no terminal.
func (m *Model) Table(at time.Time) string {
	var b strings.Builder
	lines := []Line{{m.title(), Heading}}
	if m.now != nil {
		lines = append(append(lines, Line{m.sum(), Plain}), m.body(unbounded, unbounded)...)
	}
	for _, l := range lines {
		b.WriteString(strings.TrimRight(l.Text, " ") + "\n")
	}
	return b.String()
}

const unbounded = 1 << 20 // lines, columns

func cut(s string, width int) string {
	n := 0
	for i := range s {
		if n == width {
			return s[:i]
		}
		n++
	}
	return s
}

func (m *Model) title() string {
	socket := visible.Text(m.Socket, 60)
	if m.now == nil {
		return "eddy at " + socket
	}
	i := func(name string) string {
		if v := m.now.Info[name]; v != "" {
			return visible.Text(v, 40)
		}
		return "?"
	}
	text := fmt.Sprintf("%s %s, process %s at %s, up %s", i("Name"), i("Version"), i("Pid"), socket, i("Uptime"))
	if m.now.Info["Stopping"] == "1" {
		text += ", stopping"
	}
	return text
}

// sum is a line about the whole process.
func (m *Model) sum() string {
	i := m.now.Info
	var jobs view.States
	busy, workers := 0, 0
	for _, q := range m.now.Queues {
		jobs.Ready += q.Jobs.Ready
		jobs.Scheduled += q.Jobs.Scheduled
		jobs.Running += q.Jobs.Running
		jobs.Retrying += q.Jobs.Retrying
		jobs.Dead += q.Jobs.Dead
		busy += q.Busy
		workers += q.Workers
	}
	return fmt.Sprintf("%s connections, %s/s, %s requests/s; %d of %d workers busy; %d jobs, %d dead",
		visible.Text(i["CurrConns"], 20), visible.Text(i["ConnRate"], 20), visible.Text(i["SessRate"], 20), busy, workers, jobs.Live(), jobs.Dead)
}

// body is the tables, as wide as the terminal and in so many lines: queues first, of which those around the chosen one, then what else has room.
func (m *Model) body(width, height int) []Line {
	var lines []Line
	queues := m.queues().Narrow(width, lessWanted()...)
	handlers, running, lua := m.handlers(), m.running(), m.luaStates()
	others := len(handlers.Rows) + len(running.Rows) + len(lua.Rows)
	room := height - 1
	if others > 0 && len(queues.Rows) > room-3 {
		room = max(room/2, min(room, 3)) // something of the others is to be seen
	}
	from := 0
	if at := m.index(); at >= room && room > 0 {
		from = at - room + 1
	}
	for i, text := range queues.Lines(true, nil) {
		switch row := i - 1; {
		case row < 0:
			lines = append(lines, Line{text, Heading})
		case row >= from && row < from+room:
			lines = append(lines, Line{text, m.style(row)})
		}
	}
	for _, t := range []*view.Table{handlers, running, lua} {
		left := height - len(lines)
		if len(t.Rows) == 0 || left < 2 {
			continue
		}
		for i, text := range t.Lines(true, nil) {
			if i > 0 && (i >= left || height != unbounded && i > maxRows) {
				break
			}
			style := Plain
			if i == 0 {
				style = Heading
			}
			lines = append(lines, Line{text, style})
		}
	}
	return lines
}

// maxRows is how many rows of handlers, jobs and states are shown on a terminal.
const maxRows = 8

func (m *Model) style(row int) Style {
	q := &m.now.Queues[row]
	switch {
	case m.Lost != nil:
		return Faint
	case q.Name == m.Selected:
		return Chosen
	case q.State != "running":
		return Warning
	}
	return Plain
}

// right makes columns: the first is of names, the others are of numbers.
func right(titles ...string) []view.Column {
	columns := make([]view.Column, len(titles))
	for i, t := range titles {
		name, left := strings.CutPrefix(t, "<")
		columns[i] = view.Column{Title: name, Right: !left}
	}
	return columns
}

// name makes a name fit for a column.
func name(s string) string {
	if s == "" {
		return "-"
	}
	return visible.Text(s, 30)
}

// lessWanted are the queues' columns that a narrow terminal does without, these first.
func lessWanted() []string {
	return []string{"REFUSED/S", "BYTES", "SCHED", "RUN", "RETRY", "IN/S", "STATE"}
}

func (m *Model) queues() *view.Table {
	t := &view.Table{Columns: right("<QUEUE", "<STATE", "READY", "SCHED", "RUN", "RETRY", "DEAD", "BYTES", "OLDEST", "IN/S", "DONE/S", "FAIL/S", "REFUSED/S", "BUSY")}
	for i := range m.now.Queues {
		q := &m.now.Queues[i]
		in, done, fail, refused := "-", "-", "-", "-"
		if r, ok := m.rates(q); ok {
			in, done, fail, refused = view.Rate(r.in), view.Rate(r.done), view.Rate(r.fail), view.Rate(r.refused)
		}
		t.Rows = append(t.Rows, []string{name(q.Name), strings.ReplaceAll(q.State, ", ", "+"), fmt.Sprint(q.Jobs.Ready), fmt.Sprint(q.Jobs.Scheduled),
			fmt.Sprint(q.Jobs.Running), fmt.Sprint(q.Jobs.Retrying), fmt.Sprint(q.Jobs.Dead), view.Size(q.AllBytes()), q.Oldest(),
			in, done, fail, refused, fmt.Sprintf("%d/%d", q.Busy, q.Workers)})
	}
	return t
}

// handlers are those of all queues, the slowest first. The share is that of all the time that handlers took.
func (m *Model) handlers() *view.Table {
	type row struct {
		queue string
		view.Handler
	}
	var rows []row
	total := 0.0
	for _, q := range m.now.Queues {
		for _, h := range q.Handlers {
			rows = append(rows, row{q.Name, h})
			total += h.Total
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		switch {
		case a.Mean > b.Mean:
			return -1
		case a.Mean < b.Mean:
			return 1
		}
		return 0
	})
	t := &view.Table{Columns: right("<HANDLER", "<QUEUE", "MEAN", "MAX", "SHARE", "DONE", "FAILED")}
	for _, r := range rows {
		share := "-"
		if total > 0 {
			share = fmt.Sprintf("%.0f%%", 100*r.Total/total)
		}
		t.Rows = append(t.Rows, []string{name(r.Name), name(r.queue), view.Seconds(r.Mean), view.Seconds(r.Max), share, fmt.Sprint(r.Done), fmt.Sprint(r.Failed)})
	}
	return t
}

// running are the jobs that workers have, those that take longest first.
func (m *Model) running() *view.Table {
	type row struct {
		queue string
		view.Running
	}
	var rows []row
	for _, q := range m.now.Queues {
		for _, r := range q.Running {
			rows = append(rows, row{q.Name, r})
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		switch {
		case a.Seconds > b.Seconds:
			return -1
		case a.Seconds < b.Seconds:
			return 1
		}
		return 0
	})
	t := &view.Table{Columns: right("<RUNNING JOB", "FOR", "ATTEMPT", "<HANDLER", "<QUEUE", "<KEY")}
	for _, r := range rows {
		t.Rows = append(t.Rows, []string{name(r.ID), view.Seconds(r.Seconds), fmt.Sprint(r.Attempt), name(r.Handler), name(r.queue), name(r.Key)})
	}
	return t
}

// luaStates are those that compute, the busiest first.
func (m *Model) luaStates() *view.Table {
	states := slices.Clone(m.now.Lua)
	old := map[string]view.LuaState{}
	if m.last != nil {
		for _, s := range m.last.Lua {
			old[s.Name] = s
		}
	}
	seconds, compare := m.since()
	busy := func(s view.LuaState) float64 {
		if o, ok := old[s.Name]; ok && compare && s.Computed >= o.Computed {
			return (s.Computed - o.Computed) / seconds
		}
		return 0
	}
	slices.SortStableFunc(states, func(a, b view.LuaState) int {
		switch x, y := busy(a), busy(b); {
		case x > y, x == y && a.Computed > b.Computed:
			return -1
		case x < y, x == y && a.Computed < b.Computed:
			return 1
		}
		return 0
	})
	t := &view.Table{Columns: right("<LUA STATE", "BUSY", "RUNS/S", "MEMORY", "LOCK WAITS")}
	for _, s := range states {
		share, runs := "-", "-"
		if o, ok := old[s.Name]; ok && compare && s.Runs >= o.Runs {
			share, runs = fmt.Sprintf("%.0f%%", 100*busy(s)), view.Rate(float64(s.Runs-o.Runs)/seconds)
		}
		t.Rows = append(t.Rows, []string{name(s.Name), share, runs, view.Size(s.Memory), fmt.Sprint(s.LockWaits)})
	}
	return t
}
