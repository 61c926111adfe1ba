package steer

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/view"
	"eddy/internal/operator/visible"
)

// showJobs lists jobs, queue by queue and state by state. It takes a page from a queue, writes it, and takes the next: what a
// client reads slowly holds nothing up.
func showJobs(r *request) error {
	query, err := parseJobs(r.args)
	if err != nil {
		return err
	}
	queues := r.queues()
	if query.queue != "" {
		q, err := r.queue(query.queue, queryWords()...)
		if err != nil {
			return err
		}
		queues = []Queue{q}
	}
	l := lister{request: r, query: query}
	if r.json {
		_, _ = io.WriteString(r.out, `{"jobs":[`)
	}
	for _, q := range queues {
		if err = l.queue(q); err != nil {
			break
		}
	}
	return l.end(err)
}

// lister writes a list of jobs.
type lister struct {
	*request
	query   jobsQuery
	written int
	more    []view.More
}

// queue writes a queue's jobs until the limit is reached.
func (l *lister) queue(q Queue) error {
	left, after := l.query.limit, l.query.after
	for at, state := range l.query.states {
		for {
			f := queue.Filter{States: []job.State{state}, Handler: l.query.handler, Key: l.query.key, After: after, Limit: min(left, page)}
			jobs, more, err := q.List(f)
			if err != nil {
				return fmt.Errorf("queue %s: %w", q.Name(), err)
			}
			if err := l.page(jobs); err != nil {
				return err
			}
			left -= len(jobs)
			if len(jobs) > 0 {
				after = jobs[len(jobs)-1].ID
			}
			if !more || len(jobs) == 0 {
				break
			}
			if left <= 0 {
				l.cut(q.Name(), l.query.states[at:], after)
				return nil
			}
			if err := l.ctx.Err(); err != nil {
				return err
			}
		}
		after = 0
		if left <= 0 && at+1 < len(l.query.states) {
			return l.rest(q, l.query.states[at+1:])
		}
	}
	return nil
}

// rest notes that a queue has jobs in states that were not shown any more, if it has.
func (l *lister) rest(q Queue, states []job.State) error {
	for at, s := range states {
		jobs, _, err := q.List(queue.Filter{States: []job.State{s}, Handler: l.query.handler, Key: l.query.key, Limit: 1})
		if err != nil {
			return fmt.Errorf("queue %s: %w", q.Name(), err)
		}
		if len(jobs) > 0 {
			l.cut(q.Name(), states[at:], 0)
			return nil
		}
	}
	return nil
}

func (l *lister) cut(queue string, states []job.State, after job.ID) {
	m := view.More{Queue: queue}
	for _, s := range states {
		m.States = append(m.States, s.String())
	}
	if after != 0 {
		m.After = after.String()
	}
	l.more = append(l.more, m)
}

// page writes some jobs and sends them off.
func (l *lister) page(jobs []*job.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	now := time.Now()
	rows := make([]view.Job, len(jobs))
	for i, j := range jobs {
		rows[i] = jobView(j, false)
	}
	if !l.json {
		if err := view.JobTable(rows, now).Write(l.out, l.written == 0, nil); err != nil {
			return err
		}
		l.written += len(rows)
		return l.out.Flush()
	}
	for i := range rows {
		separator := ",\n"
		if l.written == 0 {
			separator = "\n"
		}
		text, err := json.Marshal(&rows[i])
		if err != nil {
			return err
		}
		_, _ = io.WriteString(l.out, separator)
		_, _ = l.out.Write(visible.JSON(nil, text))
		l.written++
	}
	return l.out.Flush()
}

// end writes what comes behind the last job.
func (l *lister) end(err error) error {
	if l.json {
		rest := struct {
			More []view.More `json:"more"`
			Fail view.Fail   `json:"error,omitempty"`
			Text string      `json:"text,omitempty"`
		}{More: l.more}
		if l.more == nil {
			rest.More = []view.More{}
		}
		if err != nil {
			rest.Fail, rest.Text = view.Refused, err.Error()
		}
		text, failed := json.Marshal(rest)
		if failed != nil {
			return failed
		}
		_, err = fmt.Fprintf(l.out, "],%s\n", visible.JSON(nil, text)[1:])
		return err
	}
	if l.written == 0 && err == nil {
		_, err = io.WriteString(l.out, "no jobs\n")
	}
	for _, m := range l.more {
		_, _ = fmt.Fprintf(l.out, "more: %s\n", visible.Text(l.again(m), maxMessage))
	}
	return err
}

// again is the command that goes on where a list was cut.
func (l *lister) again(m view.More) string {
	name := admin.Quote(m.Queue)
	if slices.Contains(queryWords(), name) {
		name = "queue " + name
	}
	words := []string{"show jobs", name, "state", strings.Join(m.States, ",")}
	for _, w := range [][2]string{{"handler", l.query.handler}, {"key", l.query.key}, {"after", m.After}} {
		if w[1] != "" {
			words = append(words, w[0], admin.Quote(w[1]))
		}
	}
	if l.query.limit != defaultLimit {
		words = append(words, fmt.Sprintf("limit %d", l.query.limit))
	}
	return strings.Join(words, " ")
}

// showJob writes all about one job.
func showJob(r *request) error {
	if err := r.noMore(r.args[1:]); err != nil {
		return err
	}
	_, j, err := r.job(r.args[0])
	if err != nil {
		return err
	}
	v := jobView(j, true)
	if r.json {
		return r.answer(&v)
	}
	return view.WriteJob(r.out, &v, time.Now())
}
