package steer

import (
	"errors"
	"fmt"
	"strings"

	"eddy/internal/offpath/job"
	"eddy/internal/operator/payload"
	"eddy/internal/operator/view"
)

// one does something to the job that the command names.
func (r *request) one(do func(Queue, *job.Job) (string, error)) error {
	if err := r.noMore(r.args[1:]); err != nil {
		return err
	}
	q, j, err := r.job(r.args[0])
	if err != nil {
		return err
	}
	text, err := do(q, j)
	if err != nil {
		return of(err, j.ID)
	}
	return r.done(1, fmt.Sprintf("job %s of queue %s %s", j.ID, q.Name(), text))
}

func retryJob(r *request) error {
	return r.one(func(q Queue, j *job.Job) (string, error) {
		return "has its next attempt " + soon(q) + "; it was " + j.State.String(), q.Retry(j.ID)
	})
}

func deleteJob(r *request) error {
	return r.one(func(q Queue, j *job.Job) (string, error) {
		if j.State == job.Running {
			return "is cancelled and gone", q.Delete(j.ID)
		}
		return "is gone; it was " + j.State.String(), q.Delete(j.ID)
	})
}

// editJob takes the payload from behind the line, or from the words behind the id. Those stood in a line whose backslashes
// and semicolons have a meaning of their own, and blanks between words are one each.
func editJob(r *request) error {
	text := r.data
	switch words := r.args[1:]; {
	case text == nil && len(words) == 0:
		return fault(view.Usage, "the payload is missing", "%s", r.usage)
	case text == nil:
		text = []byte(strings.Join(words, " "))
	case len(words) > 0:
		return r.noMore(words)
	}
	data, err := payload.Read(text)
	if err != nil {
		hint := ""
		if r.data == nil {
			hint = `a payload is JSON; on the command's own line \ ; and blanks in texts want a \ before them, behind it ("<<") nothing does`
		}
		return fault(view.Usage, "the payload: "+err.Error(), "%s", hint)
	}
	r.args = r.args[:1]
	return r.one(func(q Queue, j *job.Job) (string, error) {
		return "has another payload", q.Edit(j.ID, data)
	})
}

// named does something to the queue that the command names.
func (r *request) named(do func(Queue) string) error {
	if err := r.noMore(r.args[1:]); err != nil {
		return err
	}
	q, err := r.queue(r.args[0])
	if err != nil {
		return err
	}
	return r.done(1, fmt.Sprintf("queue %s %s", q.Name(), do(q)))
}

func pause(r *request) error {
	return r.named(func(q Queue) string {
		q.Pause()
		return fmt.Sprintf("is paused; %s still running", runs(q))
	})
}

func drain(r *request) error {
	return r.named(func(q Queue) string {
		q.Drain()
		if q.Stats().Paused {
			return "takes no more jobs; it is paused, so those that are there wait until it is resumed"
		}
		return "takes no more jobs, and does those that are there"
	})
}

func resume(r *request) error {
	return r.named(func(q Queue) string {
		q.Resume()
		return "takes jobs and does them"
	})
}

func runs(q Queue) string {
	s := q.Stats()
	n := int(s.Totals.Jobs[job.Running])
	if n == 1 {
		return "1 job is"
	}
	return view.Plural(n, "job") + " are"
}

// batch is how many dead jobs are given another attempt at a time.
const batch = 1000

// retryDead gives those jobs another attempt that are dead now: one that dies again meanwhile is not tried without end.
func retryDead(r *request) error {
	q, err := r.queue(r.args[0])
	if err != nil {
		return err
	}
	s := q.Stats()
	left := int(s.Totals.Jobs[job.Dead])
	switch rest := r.args[1:]; {
	case len(rest) == 0:
	case rest[0] == "limit" && len(rest) == 2:
		limit, err := parseLimit(rest[1])
		if err != nil {
			return err
		}
		left = min(left, limit)
	default:
		return r.noMore(rest)
	}
	n := 0
	for left > 0 && r.ctx.Err() == nil {
		some, err := q.RetryDead(min(left, batch))
		n, left = n+some, left-some
		if err != nil {
			return errors.Join(fmt.Errorf("%s of queue %s got another attempt, then it failed", view.Plural(n, "job"), q.Name()), err)
		}
		if some == 0 {
			break
		}
	}
	return r.done(n, fmt.Sprintf("%s of queue %s: another attempt %s", view.Plural(n, "dead job"), q.Name(), soon(q)))
}

// soon says when a queue does what it can do.
func soon(q Queue) string {
	if q.Stats().Paused {
		return "when the queue is resumed"
	}
	return "now"
}

// purge takes jobs away. Those that run are only taken when they are named.
func purge(r *request) error {
	q, err := r.queue(r.args[0])
	if err != nil {
		return err
	}
	states := []job.State{job.Ready, job.Retrying, job.Scheduled, job.Dead}
	if rest := r.args[1:]; len(rest) > 0 {
		if rest[0] != "state" || len(rest) < 2 {
			return r.noMore(rest)
		}
		if states, err = parseStates(strings.Join(rest[1:], ",")); err != nil {
			return err
		}
	}
	n, err := q.Purge(states...)
	if err != nil {
		return fmt.Errorf("%s of queue %s are gone, then it failed: %w", view.Plural(n, "job"), q.Name(), err)
	}
	return r.done(n, fmt.Sprintf("%s of queue %s: gone", view.Plural(n, "job"), q.Name()))
}
