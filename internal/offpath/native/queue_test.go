package native

import (
	"context"
	"strings"
	"testing"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/queue"

	"github.com/emersion/go-smtp"
)

// open starts a queue that all handlers serve.
func openQueue(t *testing.T) *queue.Queue {
	t.Helper()
	h := queue.NewHandlers()
	stop, err := Register(h, Options{Grace: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Register(h, Options{}); err == nil || !strings.Contains(err.Error(), `"smtp"`) {
		t.Errorf("registered twice: %v", err)
	}
	q, err := queue.Open(queue.Options{Name: "q", Store: memory.New(), Workers: 2, Bounds: handoff.Bounds{Entries: 100}, KeepDead: time.Hour,
		Retry: queue.Retry{Retries: 3, Min: time.Millisecond, Max: time.Millisecond}, Runner: h})
	if err != nil {
		t.Fatal(err)
	}
	q.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		q.Stop(ctx)
		stop()
	})
	return q
}

// until waits for figures of a queue.
func until(t *testing.T, q *queue.Queue, what string, ok func(s queue.Stats) bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(q.Stats()); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain: %+v", what, q.Stats())
		}
	}
}

// What handlers say about trying again is what queues do: a bad payload is dead at once, a refusal for now is tried again.
func TestInAQueue(t *testing.T) {
	q := openQueue(t)
	later := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"}
	p := newPost(t, map[string]error{"later@test": later})
	push := func(handler string, data []byte) job.ID {
		r, refused := q.Offer(queue.Push{Job: &job.Job{Body: job.Body{Handler: handler, Data: data}}})
		if !refused.OK() {
			t.Fatal(refused.Text)
		}
		return r.ID
	}
	for _, tt := range []struct {
		handler  string
		data     []byte
		attempts uint16
		want     string // of the last failure; "": it is done
	}{
		{"smtp", data(t, p.mail()), 1, ""},
		{"smtp", data(t, p.mail("subject", "a\r\nBcc: x@test")), 1, "'subject' has a control byte"},
		{"smtp", data(t, p.mail("to", "later@test")), 4, "451 4.7.1 later"},
		{"exec", data(t, list("false")), 4, "it ended with status 1"},
		{"exec", data(t, list("true")), 1, ""},
		{"rm", nil, 1, "the job has no data: write it as {file ="},
	} {
		before := q.Stats()
		id := push(tt.handler, tt.data)
		until(t, q, tt.handler, func(s queue.Stats) bool { return s.Done+s.Died > before.Done+before.Died })
		j, err := q.Get(id)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%s: it is %v, after %+v", tt.handler, j.State, j.Failures)
			}
			continue
		}
		if err != nil || j.State != job.Dead || j.Attempts != tt.attempts || !strings.Contains(j.Failures[len(j.Failures)-1].Text, tt.want) {
			t.Errorf("%s: %v, %+v\nwant %d attempts, %s", tt.handler, err, j, tt.attempts, tt.want)
		}
	}
	if got := p.got(); len(got) != 1 {
		t.Errorf("%d mails", len(got))
	}
}

// An operator who deletes a running job ends its program, with its children.
func TestDeletedWhileItRuns(t *testing.T) {
	q := openQueue(t)
	file := t.TempDir() + "/pids"
	script := `trap "" TERM; sleep 100 & echo $! $$ >"$0"; wait`
	r, refused := q.Offer(queue.Push{Job: &job.Job{Body: job.Body{Handler: "exec", Data: data(t, list("sh", "-c", script, file))}}})
	if !refused.OK() {
		t.Fatal(refused.Text)
	}
	pids := numbers(t, file, 2)
	if err := q.Delete(r.ID); err != nil {
		t.Fatal(err)
	}
	until(t, q, "the end", func(s queue.Stats) bool { return s.Busy == 0 })
	for _, pid := range pids {
		gone(t, pid)
	}
}
