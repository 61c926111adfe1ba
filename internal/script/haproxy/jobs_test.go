package haproxy

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/handoff"
	"eddy/internal/offpath/client/smtp"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/disk"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/async"
	"eddy/internal/script/vm"
)

// offPath is the queues of a test.
type offPath struct {
	t      testing.TB
	shared *async.Shared
	dir    string // of the fifos' stores, which outlive a process
}

func newOffPath(t testing.TB) *offPath {
	p := &offPath{t: t, dir: t.TempDir()}
	p.shared = async.NewShared(queue.NewSet(), queue.NewHandlers(), async.NewOwners(), async.NewSeal())
	p.add(queue.Options{Name: "default", Workers: 4, Store: memory.New()})
	return p
}

func (p *offPath) add(o queue.Options) *queue.Queue {
	p.t.Helper()
	o.Bounds, o.KeepDead = handoff.Bounds{Entries: 1000, Bytes: 64 << 20}, time.Hour
	o.Runner, o.Owners = p.shared.Handlers, p.shared.Owners
	q, err := queue.Open(o)
	if err == nil {
		err = p.shared.Queues.Add(q)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return q
}

// fifo is Options.Fifo. The queue is not open before openFifos.
func (p *offPath) fifo(name string) (*queue.Queue, error) {
	return p.add(queue.Options{Name: name, Disk: true, Retry: queue.Retry{Retries: -1}}), nil
}

func (p *offPath) openFifos() {
	p.t.Helper()
	for _, q := range p.shared.Queues.All() {
		if !strings.HasPrefix(q.Name(), "fifo/") {
			continue
		}
		store, err := disk.Open(filepath.Join(p.dir, url.PathEscape(q.Name())), disk.Options{})
		if err == nil {
			err = q.Attach(store, nil)
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *offPath) options(o *Options) {
	o.Async, o.Fifo = p.shared, p.fifo
}

// begin is what happens behind Load: open the queues, init functions, start.
func (p *offPath) begin(b *bench) {
	p.t.Helper()
	p.openFifos()
	if err := b.RunInits(context.Background()); err != nil {
		p.t.Fatal(err)
	}
	p.shared.Queues.Start()
	b.StartTasks(context.Background())
}

// end is the stop of a process.
func (p *offPath) end(b *bench) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	b.StopTasks()
	p.shared.Queues.Stop(ctx)
	b.Settle(ctx)
	b.Close()
	if c := p.shared.Tickets(); c.Open != 0 || c.Issued != c.Delivered+c.Expired+c.OwnerGone {
		p.t.Errorf("the tickets' fates do not add up: %+v", c)
	}
}

// openJobs is open with queues.
func openJobs(t testing.TB, script string, changes ...change) *bench {
	t.Helper()
	p := newOffPath(t)
	b := open(t, script, append([]change{p.options}, changes...)...)
	p.begin(b)
	t.Cleanup(func() { p.end(b) })
	return b
}

const jobScript = `
loaded = (loaded or 0) + 1
async.handler("echo", function(job) return job.data end)
async.handler("mail", function(job)
	local ok, why = smtp_send_email("mail:25", 1000, "d", "from@x", "to@x", job.data)
	return ok, why
end)
async.handler("tell", function(job) core.Info("told " .. job.data .. " from " .. job.request .. " thread " .. core.thread) core.msleep(1) return prepared end)
async.handler("txn", function(job) txn:Warning("no transaction here") end)
async.handler("over", function(job) core.done("early") end)
core.register_init(function() prepared = "prepared" end)
core.register_action("x", {"http-req"}, function() end)
core.register_task(function() core.Info("task") while true do core.sleep(100) end end)
q = async.queue()
function run(handler, data) return async.await(q:push{ handler = handler, data = data, retries = 0 }, 20) end
`

// TestJobs is the module in actions.
func TestJobs(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"echo", `return run("echo", { 1, a = "b" })`, "{1=1 a='b'}"},
		{"init functions run in workers too", `return run("tell", "it")`, "'prepared'"},
		{"mail", `return run("mail", "good")`, "true"},
		{"mail fails", `return run("mail", "bad")`, "nil 'it is dead'"},
		{"txn", `return run("txn")`, "nil"},
		{"done", `return run("over")`, "'early'"},
		{"closure", `local core = core local n = 7 return run(function(job) core.Info("closure") return n + job.data end, 1)`, "8"},
		{"transaction in a closure", `local txn = txn return run(function() return txn end)`,
			"*push: the function runs in a worker's state: 'txn' can't travel: it is TXN, which exists only where it was given out*"},
		{"T.async", `T.async:schedule{ data = "d", onexecute = function(d) return d .. "!" end, onresult = function(d, r) core.Info("got " .. d .. r) end } return 1`, "1"},
		{"T.async and a handler", `return T.async.schedule{ handler = "echo", data = "d", key = "k", priority = 5 }`, "true '*'"},
		{"T.async typo", `T.async:schedule{ data = "d", onexecut = print }`, `*push: a job has no field 'onexecut'; did you mean "onexecute"?*`},
		{"T.async:copybuffer", `T.async:copybuffer()`, `*T.async:copybuffer: there are no packets' buffers here*`},
		{"T.async:copy", `T.async:copy("a")`, `*T.async:copy: the name of a file is missing*`},
		{"T.async:rm", `T.async:rm(5)`, `*T.async:rm: argument 1 must be the name of a file, not a number*`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := openJobs(t, every(tt.body)+jobScript, func(o *Options) {
				o.Mail = func(_ context.Context, m smtp.Message) error {
					if strings.Contains(string(m.Data), "bad") {
						return errors.New("it is dead")
					}
					return nil
				}
			})
			tx := b.request(t, plainRequest)
			tx.ID = 42
			check(t, b.evalOn(t, tx), tt.want)
			switch tt.name {
			case "init functions run in workers too":
				check(t, b.logs.await(t, "told"), "- info told it from request 42 thread 0")
			case "txn":
				b.logs.await(t, "no transaction here")
			case "T.async":
				b.logs.await(t, "got dd!")
			}
			if n := strings.Count(b.logs.all(), "info task"); n > 1 {
				t.Errorf("the task ran %d times", n)
			}
		})
	}
}

// T.async's files are jobs of native handlers, keyed by the file.
func TestJobFiles(t *testing.T) {
	p := newOffPath(t)
	ran := make(chan *job.Job, 3)
	for _, name := range []string{"copy", "cat", "rm"} {
		p.shared.Handlers.Handle(name, "eddy", runner(func(j *job.Job) queue.Outcome { ran <- j; return queue.Outcome{} }))
	}
	b := open(t, every(`return T.async:copy("a", "/b"), T.async.cat("/a", "/c"), (T.async:rm("/d"))`), p.options)
	p.begin(b)
	defer p.end(b)
	check(t, b.evalOn(t, b.request(t, plainRequest)), "true true true")
	here, _ := os.Getwd()
	for range 3 {
		j := <-ran
		want := map[string]string{"copy": "/b", "cat": "/c", "rm": "/d"}[j.Handler]
		if j.Key != want || j.Origin.Where == "" {
			t.Errorf("%s with key %q from %+v", j.Handler, j.Key, j.Origin)
		}
		if j.Handler == "copy" && !strings.Contains(string(j.Data), here+"/a") {
			t.Errorf("data %q", j.Data)
		}
	}
}

type runner func(j *job.Job) queue.Outcome

func (r runner) Run(_ context.Context, j *job.Job) queue.Outcome { return r(j) }

// A handler's name belongs to one place, and not to a native handler.
func TestHandlerNames(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"async.handler('copy', print)", "*test.lua:1: async.handler: *"},
		{"async.handler('a', print)\nasync.handler('a', print)", "*test.lua:2: async.handler: 'a' is registered already, at *test.lua:1 from *"},
	} {
		p := newOffPath(t)
		p.shared.Handlers.Handle("copy", "eddy", runner(nil))
		b, problems := load(t, tt.script, p.options)
		if all := problems.All(); len(all) != 1 {
			t.Errorf("%v", all)
		} else {
			check(t, all[0].Text, tt.want)
		}
		p.end(b)
	}
}

// Scripts of lua-load-per-thread register in each thread's state, and run in one state of a worker.
func TestJobsPerThread(t *testing.T) {
	b := openJobs(t, `
async.handler("echo", function(job) return job.data end)
core.register_action("t", {"http-req"}, function(txn) txn:set_var("txn.out", async.await(async.queue():push{ handler = "echo", data = core.thread })) end)
`, func(o *Options) { o.Lua.Loads[0].PerThread = true })
	tx := b.request(t, plainRequest)
	b.run(t, tx, "t")
	if v, ok := tx.Vars.Get("out"); !ok || v.Int < 1 {
		t.Errorf("%v %v", v, b.logs.all())
	}
	if n := len(b.States()); n != 4 { // shared, two threads, the worker that was warmed
		t.Errorf("%d states", n)
	}
}

// What is wrong when a script runs a second time is seen at the start.
func TestWorkerLoadFails(t *testing.T) {
	p := newOffPath(t)
	file := filepath.Join(t.TempDir(), "ran")
	b := open(t, `
if io.open("`+file+`") then error("only once") end
io.open("`+file+`", "w"):close()
async.handler("a", function() end)`, p.options)
	defer p.end(b)
	err := b.RunInits(context.Background())
	if err == nil || !like("a worker's Lua state can't be made: error in Lua file '*test.lua': *test.lua:2: only once*", err.Error()) {
		t.Error(err)
	}
}

// The interrupt ends requests that await, handlers that compute, and counts the tickets as their owner's gone.
func TestInterruptJobs(t *testing.T) {
	p := newOffPath(t)
	b := open(t, `
async.handler("busy", function() core.Info("computes") while true do pcall(function() while true do end end) end end)
core.register_action("t", {"http-req"}, function() async.await(async.queue():push{ handler = "busy" }) core.Info("not reached") end)`, p.options)
	p.begin(b)
	done := make(chan struct{})
	tx := b.request(t, plainRequest)
	go func() {
		defer close(done)
		b.run(t, tx, "t")
	}()
	b.logs.await(t, "computes")
	b.Interrupt()
	<-done
	p.end(b)
	if c := p.shared.Tickets(); c.OwnerGone != 1 {
		t.Errorf("%+v", c)
	}
	if strings.Contains(b.logs.all(), "not reached") {
		t.Error("it went on")
	}
}

// A job knows the request it came from, in the words of its log lines.
func TestJobOrigin(t *testing.T) {
	b := openJobs(t, every(`return run(function(job) return job.request .. " " .. job.where end)`)+jobScript)
	tx := b.request(t, plainRequest)
	tx.UniqueID = []byte("A-1")
	check(t, b.evalOn(t, tx), "'request A-1 *test.lua:*'")
}

// States, Tasks: what an operator sees.
func TestShow(t *testing.T) {
	b := openJobs(t, `
core.register_task(function() core.Info("sleeps") core.sleep(100) end)
core.register_task(function() error("oops") end)
core.register_action("t", {"http-req"}, function() kept = core.queue() for i = 1, 3 do kept:push("abc") end end)`)
	b.run(t, b.request(t, plainRequest), "t")
	b.logs.await(t, "oops")
	var sleeping, failing TaskInfo
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, i := range b.Tasks() {
			if strings.HasSuffix(i.Where, ":2") {
				sleeping = i
			} else {
				failing = i
			}
		}
		if sleeping.State == "waiting" && failing.State == "backing off" {
			break
		}
	}
	if sleeping.State != "waiting" || sleeping.LastError != "" || failing.State != "backing off" || !like("*test.lua:3: oops*", failing.LastError) {
		t.Errorf("%+v\n%+v", sleeping, failing)
	}
	if s := b.States(); s[0].Name != "shared" || s[0].Runs[vm.KindAction] != 1 || s[0].Memory == 0 {
		t.Errorf("%+v", s)
	}
	f := b.Fifos()
	if len(f) != 1 || !like("*test.lua:4", f[0].Name) || f[0].Items != 3 || f[0].Bytes != 9 || f[0].Disk {
		t.Errorf("%+v", f)
	}
}

// BenchmarkPushAction is an action that pushes a job, as a request does it.
func BenchmarkPushAction(b *testing.B) {
	for name, body := range map[string]string{"empty": "", "push": `q:push{ handler = "echo", data = "hello" }`} {
		b.Run(name, func(b *testing.B) {
			p := newOffPath(b)
			bb := open(b, `local q = async.queue() async.handler("echo", function() end)
core.register_action("t", {"http-req"}, function(txn) `+body+` end)`, p.options)
			tx := bb.request(b, plainRequest)
			act, err := bb.Action(&model.Action{Sub: "t"}, "http-req")
			if err != nil {
				b.Fatal(err)
			}
			q, _ := p.shared.Queues.Queue("default")
			q.Start()
			q.Pause()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%500 == 0 {
					b.StopTimer()
					q.Purge(job.Ready)
					b.StartTimer()
				}
				act.Exec(tx)
			}
			b.StopTimer()
			p.end(bb)
		})
	}
}
