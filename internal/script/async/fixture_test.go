package async

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
	"eddy/internal/script/vm"
)

// rig is a process with one owner, whose script is loaded in one state and in those of workers.
type rig struct {
	t       testing.TB
	shared  *Shared
	owner   *Owner
	workers *Workers
	results *Results
	state   *vm.State
	desk    *Desk
	script  string
	noWait  string // Site.NoWait of runs
	closed  bool

	mu   sync.Mutex
	said []string // by say(...)
	more chan struct{}
}

type setup struct {
	owner   string
	seal    *Seal
	queues  []queue.Options
	max     int // worker states
	stopped bool
}

// load makes a rig with a queue "default" and those of s.
func load(t testing.TB, script string, s setup) *rig {
	t.Helper()
	if s.owner == "" {
		s.owner = "test"
	}
	if s.seal == nil {
		s.seal = NewSeal()
	}
	r := &rig{t: t, script: script, more: make(chan struct{}, 1)}
	r.shared = NewShared(queue.NewSet(), queue.NewHandlers(), NewOwners(), s.seal)
	for _, o := range append([]queue.Options{{Name: "default", Workers: 4}}, s.queues...) {
		r.add(o)
	}
	r.workers = NewWorkers(WorkersOptions{Shared: r.shared, Owner: s.owner, Max: max(s.max, 1), Open: r.openWorker})
	r.owner = NewOwner(r.shared, s.owner, r.workers)
	r.results = NewResults(r.shared, ResultsOptions{})
	t.Cleanup(r.close)
	var err error
	if r.state, r.desk, err = r.newState(false); err == nil {
		err = r.state.LoadString(context.Background(), "test", script)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !s.stopped {
		r.shared.Queues.Start()
	}
	return r
}

func (r *rig) add(o queue.Options) *queue.Queue {
	r.t.Helper()
	if o.Store == nil {
		o.Store = memory.New()
	}
	if o.Bounds == (handoff.Bounds{}) {
		o.Bounds = handoff.Bounds{Entries: 1000, Bytes: 64 << 20}
	}
	o.KeepDead = time.Hour
	o.Runner, o.Owners = r.shared.Handlers, r.shared.Owners
	q, err := queue.Open(o)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.shared.Queues.Add(q); err != nil {
		r.t.Fatal(err)
	}
	return q
}

func (r *rig) queue(name string) *queue.Queue {
	q, ok := r.shared.Queues.Queue(name)
	if !ok {
		r.t.Fatalf("no queue %q", name)
	}
	return q
}

func (r *rig) close() {
	if r.closed {
		return
	}
	r.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r.shared.Queues.Stop(ctx)
	if r.results != nil {
		r.results.Stop(ctx)
	}
	if r.workers != nil {
		r.workers.Close()
	}
	if r.desk != nil {
		r.desk.Close()
		r.state.Close()
	}
	if c := r.shared.Tickets(); c.Open != 0 || c.Issued != c.Delivered+c.Expired+c.OwnerGone {
		r.t.Errorf("the tickets' fates do not add up: %+v", c)
	}
}

// newState makes a state with the module, a say(...) that is remembered, and a wait(seconds).
func (r *rig) newState(worker bool) (*vm.State, *Desk, error) {
	s, err := vm.New(vm.Options{})
	if err != nil {
		return nil, nil, err
	}
	s.Register("say", func(c *vm.Call) error {
		var words []string
		for i := 1; i <= c.N(); i++ {
			v, err := c.Value(i)
			if err != nil {
				return err
			}
			words = append(words, show(v))
		}
		r.note(strings.Join(words, " "))
		return nil
	})
	s.Register("wait", func(c *vm.Call) error {
		n, _ := c.Num(1)
		return c.Wait(func(ctx context.Context) vm.Resume {
			select {
			case <-time.After(time.Duration(n * float64(time.Second))):
				return vm.Resume{}
			case <-ctx.Done():
				return vm.Resume{Err: ctx.Err()}
			}
		})
	})
	where := "main"
	if worker {
		where = "worker"
	}
	if err := s.LoadPrelude("test", "local P = ... say, wait, where = P.say, P.wait, "+fmt.Sprintf("%q", where)); err != nil {
		return nil, nil, err
	}
	d, err := Install(s, Options{Owner: r.owner, Lane: testLane{r, s}, Worker: worker})
	if err == nil {
		err = s.KeepKnown()
	}
	return s, d, err
}

func (r *rig) openWorker(ctx context.Context) (*Worker, error) {
	s, d, err := r.newState(true)
	if err == nil {
		err = s.LoadString(ctx, "test", r.script)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return &Worker{State: s, Desk: d, Close: s.Close}, nil
}

func (r *rig) note(line string) {
	r.mu.Lock()
	r.said = append(r.said, line)
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// lines gives what was said.
func (r *rig) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.said...)
}

// await waits until n lines were said.
func (r *rig) await(n int) []string {
	r.t.Helper()
	return r.until(func(lines []string) bool { return len(lines) >= n })
}

func (r *rig) until(done func(lines []string) bool) []string {
	r.t.Helper()
	over := time.After(20 * time.Second)
	for {
		lines := r.lines()
		if done(lines) {
			return lines
		}
		select {
		case <-r.more:
		case <-over:
			r.t.Fatalf("not said in time; there is %q", lines)
		}
	}
}

// awaiting waits until a run awaits a job.
func (r *rig) awaiting() {
	r.t.Helper()
	for over := time.Now().Add(20 * time.Second); r.shared.Tickets().Open == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(over) {
			r.t.Fatal("nothing awaits")
		}
	}
}

// eval runs a function body and gives what it returned, as text, or its error.
func (r *rig) eval(body string) string { return r.evalCtx(context.Background(), body) }

func (r *rig) evalCtx(ctx context.Context, body string) string {
	r.t.Helper()
	fn, err := r.state.Load("=run", body)
	if err != nil {
		r.t.Fatal(err)
	}
	defer r.state.Release(fn)
	f := &Frame{}
	defer f.Reset()
	run := vm.Run{Fn: fn, Kind: vm.KindAction, Owner: f}
	if err := r.state.Run(ctx, &run); err != nil {
		return err.Error()
	}
	var words []string
	for _, v := range run.Results {
		words = append(words, show(v))
	}
	return strings.Join(words, " ")
}

// show gives a value, a table's fields in order.
func show(v vm.Value) string {
	switch v.Kind {
	case vm.KindNil:
		return "nil"
	case vm.KindBool:
		return fmt.Sprint(v.Truth())
	case vm.KindStr:
		s, _ := v.AsStr()
		return s
	case vm.KindInt:
		n, _ := v.AsInt()
		return fmt.Sprint(n)
	case vm.KindNum:
		n, _ := v.AsNum()
		return fmt.Sprint(n)
	case vm.KindTable:
		t, _ := v.AsTable()
		var out []string
		for _, item := range t.Arr {
			out = append(out, show(item))
		}
		var pairs []string
		for _, p := range t.Map {
			pairs = append(pairs, show(p.Key)+"="+show(p.Value))
		}
		sort.Strings(pairs)
		return "{" + strings.Join(append(out, pairs...), " ") + "}"
	}
	return v.Kind.String()
}

// testLane runs results on goroutines, as states do whose scripts may run at any time.
type testLane struct {
	r *rig
	s *vm.State
}

func (l testLane) Site(c *vm.Call) Site {
	f, ok := c.Owner().(*Frame)
	return Site{Request: "request 7", Frame: f, Loading: !ok, NoWait: l.r.noWait}
}
func (l testLane) Issue(_ *vm.Call, due time.Time, take func(reentry.Result)) (*reentry.Ticket, error) {
	return l.r.results.Issue(due, take)
}
func (l testLane) Post(bytes int64, f func()) bool { return l.r.results.Post(bytes, f) }
func (l testLane) Take(fn vm.Ref, args []vm.Value) {
	f := &Frame{}
	defer f.Reset()
	run := vm.Run{Fn: fn, Kind: vm.KindResult, Owner: f, Args: args}
	if err := l.s.Run(context.Background(), &run); err != nil {
		l.r.note(err.Error())
	}
}
func (l testLane) Wait(c *vm.Call, f func(ctx context.Context) vm.Resume) error { return c.Wait(f) }

// dead waits for a dead job and gives it.
func (r *rig) dead(name string) *job.Job {
	r.t.Helper()
	q := r.queue(name)
	over := time.Now().Add(20 * time.Second)
	for time.Now().Before(over) {
		jobs, _, err := q.List(queue.Filter{States: []job.State{job.Dead}})
		if err != nil {
			r.t.Fatal(err)
		}
		if len(jobs) > 0 {
			return jobs[0]
		}
		time.Sleep(time.Millisecond)
	}
	r.t.Fatal("no dead job")
	return nil
}

// running gives the jobs that workers have.
func (r *rig) running(name string) (ids []job.ID) {
	for _, i := range r.queue(name).Stats().Running {
		ids = append(ids, i.ID)
	}
	return ids
}
