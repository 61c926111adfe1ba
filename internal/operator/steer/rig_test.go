package steer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"eddy/internal/base/value"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/queue"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/steer"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// hostile is what nobody may see as it is.
const hostile = "\x1b[2J\r\n\r\n\u202efake\x00"

// rig is two queues of which one has workers that do what the job's handler says.
type rig struct {
	t       *testing.T
	set     *queue.Set
	email   *queue.Queue
	started chan job.ID
	goOn    chan struct{} // lets a job of the handler "slow" end
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, set: queue.NewSet(), started: make(chan job.ID, 100), goOn: make(chan struct{})}
	ids := job.NewClock(time.Now)
	for _, name := range []string{"email", "default"} {
		q, err := queue.Open(queue.Options{Name: name, Store: memory.New(), IDs: ids, Workers: 2, Bounds: handoff.Bounds{Entries: 5000, Bytes: 1 << 30},
			Retry: queue.Retry{Retries: 1, Min: time.Hour, Max: time.Hour}, KeepDead: time.Hour, Runner: r, Log: func(int, string) {}})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.set.Add(q); err != nil {
			t.Fatal(err)
		}
	}
	r.email, _ = r.set.Queue("email")
	r.set.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r.set.Stop(ctx)
	})
	return r
}

// Run implements queue.Runner.
func (r *rig) Run(ctx context.Context, j *job.Job) queue.Outcome {
	r.started <- j.ID
	switch {
	case j.Handler == "slow":
		select {
		case <-r.goOn:
		case <-ctx.Done():
			return queue.Outcome{Err: context.Cause(ctx)}
		}
	case strings.HasPrefix(j.Handler, "die"):
		return queue.Outcome{Err: errors.New("mail.lua:20: refused " + hostile), Traceback: "stack traceback:\n\tmail.lua:20: " + hostile, Final: true}
	case j.Handler == "fail":
		return queue.Outcome{Err: errors.New("try later")}
	}
	return queue.Outcome{}
}

// push pushes a job and waits until it is in that state; "" is not at all.
func (r *rig) push(b job.Body, delay time.Duration, until job.State) job.ID {
	r.t.Helper()
	if b.Data == nil {
		b.Data, _ = value.Append(nil, value.Tab(&value.Table{Map: []value.Pair{{Key: value.Str("to"), Value: value.Str("a@b" + hostile)}}}))
	}
	b.Queue = "email"
	receipt, refused := r.email.Offer(queue.Push{Job: &job.Job{Body: b}, Delay: delay})
	if !refused.OK() {
		r.t.Fatal(refused.Text)
	}
	r.until(receipt.ID, until)
	return receipt.ID
}

func (r *rig) until(id job.ID, state job.State) {
	r.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		j, err := r.email.Get(id)
		if err == nil && j.State == state || err != nil && state == job.Gone {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("job %v is not %v: %+v, %v", id, state, j, err)
		}
	}
}

// serve puts the commands on a socket of some level, and gives its path.
func (r *rig) serve(level admin.Level) string { return serve(r.t, r.set, level) }

func serve(t testing.TB, set *queue.Set, level admin.Level) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.sock")
	s := &admin.Server{Commands: steer.Commands(steer.Of(set))}
	if err := s.Open([]admin.Listen{{Network: "unix", Addr: path, UID: -1, GID: -1, Level: level}}); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	t.Cleanup(s.Close)
	return path
}

// ask sends a line and gives the answer, which ends with an empty line and has no other, and only prints.
func (r *rig) ask(path, line string) string {
	r.t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, line+"\n")
	b, err := io.ReadAll(c)
	if err != nil {
		r.t.Fatal(err)
	}
	text, ended := strings.CutSuffix(string(b), "\n\n")
	if !ended || strings.Contains(text, "\n\n") || strings.ContainsAny(text, "\x1b\r\x00\u202e") {
		r.t.Errorf("%s: no end, an empty line, or what does not print: %q", line, b)
	}
	return text
}

var (
	ids    = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{13}\b`)
	times  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	ages   = regexp.MustCompile(`\b(\d+(\.\d+)?(us|ms|s)|59m\d+s|\d+h\d+m)\b|\b0\b for`)
	blanks = regexp.MustCompile(` +`)
)

// same takes what differs from run to run out of a text.
func same(text string) string {
	for re, with := range map[*regexp.Regexp]string{ids: "ID", times: "AT", ages: "AGE"} {
		text = re.ReplaceAllString(text, with)
	}
	return blanks.ReplaceAllString(text, " ")
}
