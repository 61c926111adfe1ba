package steer

import (
	"errors"
	"fmt"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/operator/view"
)

// fault makes an error that says what to do.
func fault(kind view.Fail, text, hint string, args ...any) error {
	return &failure{kind: kind, text: text, hint: fmt.Sprintf(hint, args...)}
}

// maxNames is how many names an error lists.
const maxNames = 20

// queue finds a queue by its name.
func (r *request) queue(name string, others ...string) (Queue, error) {
	var names []string
	for _, q := range r.queues() {
		if q.Name() == name {
			return q, nil
		}
		names = append(names, q.Name())
	}
	if hint := diag.DidYouMean(name, append(others, names...)); hint != "" {
		return nil, fault(view.NotFound, fmt.Sprintf("no queue %q", name), "%s", hint)
	}
	return nil, fault(view.NotFound, fmt.Sprintf("no queue %q", name), "%s", those("the queues are ", names))
}

// those lists names behind a text.
func those(text string, names []string) string {
	if len(names) == 0 {
		return "there are none"
	}
	if more := len(names) - maxNames; more > 0 {
		names = append(names[:maxNames:maxNames], fmt.Sprintf("and %d more", more))
	}
	return text + strings.Join(names, ", ")
}

// job finds a job in the queue that has it.
func (r *request) job(text string) (Queue, *job.Job, error) {
	id, err := job.ParseID(text)
	if err != nil {
		return nil, nil, fault(view.Usage, err.Error(), "show jobs lists jobs with their ids")
	}
	var odd error // of a queue that cannot tell
	for _, q := range r.queues() {
		j, err := q.Get(id)
		if err == nil {
			return q, j, nil
		}
		if !errors.Is(err, jobstore.ErrNotFound) {
			odd = fmt.Errorf("queue %s: %w", q.Name(), err)
		}
	}
	if odd != nil {
		return nil, nil, odd
	}
	return nil, nil, of(jobstore.ErrNotFound, id)
}

// noMore refuses words behind those that a command takes.
func (r *request) noMore(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fault(view.Usage, fmt.Sprintf("%q is too much", args[0]), "%s", r.usage)
}
