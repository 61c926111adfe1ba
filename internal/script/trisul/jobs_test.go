package trisul

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"eddy/internal/base/value"
	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/report"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/queue"
	jobs "eddy/internal/script/async"
)

// withQueues gives plugins the queue "default", and those that are described; all are in memory.
func withQueues(t testing.TB, all ...queue.Options) func(*Options) {
	t.Helper()
	set, handlers, owners := queue.NewSet(), queue.NewHandlers(), jobs.NewOwners()
	for _, o := range append([]queue.Options{{Name: "default", Workers: 4}}, all...) {
		o.Store, o.Runner, o.Owners, o.KeepDead = memory.New(), handlers, owners, time.Hour
		q, err := queue.Open(o)
		if err == nil {
			err = set.Add(q)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	shared := jobs.NewShared(set, handlers, owners, jobs.NewSeal())
	return func(o *Options) { o.Jobs = shared }
}

// inQueues runs Lua in an onload beside queues, waits for all that comes of it, and ends everything.
func inQueues(t *testing.T, file, code string, all ...queue.Options) *rig {
	t.Helper()
	r := one(t, showLua+file+plug("onload = function() "+code+" end"), withQueues(t, all...))
	e := newEngine("7")
	r.on(e)
	r.queues.Start()
	r.finish(e)
	r.settled(e)
	r.end()
	return r
}

// settled waits until no queue has anything to do, and takes what came of it.
func (r *rig) settled(e *engine) {
	r.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		busy := 0
		for _, q := range r.queues.All() {
			if s := q.Stats(); s.Workers > 0 {
				busy += s.Busy + int(s.Totals.Jobs[job.Ready]+s.Totals.Jobs[job.Running]+s.Totals.Jobs[job.Retrying])
			}
		}
		if busy == 0 {
			break
		}
		if time.Now().After(end) {
			r.t.Fatal("the queues don't become idle")
		}
	}
	e.inbox.Drain(0)
}

func TestJobFields(t *testing.T) {
	fast := queue.Retry{Retries: 2, Min: time.Millisecond, Max: 2 * time.Millisecond}
	one := queue.Options{Name: "one", Workers: 1, Retry: fast}
	for name, tt := range map[string]struct{ file, code, printed, logged string }{
		"a queue": {code: `local n = 1
local ok, id = T.async:schedule({ queue = "one", data = "d", onexecute = function(d) return d .. n end,
  onresult = function(engine, d, r) print(d, r, engine:instanceid()) end })
print(ok, #id)`, printed: "true\t13\nd\td1\t7\n"},
		"data of any kind": {code: `T.async:schedule({ queue = "one", data = { a = { 1, 2 } }, onexecute = function(d) return { n = d.a[2] } end,
  onresult = function(_, d, r) print(show(d), show(r)) end })`, printed: "{a={1=1 2=2}}\t{n=2}\n"},
		"no data":   {code: `T.async:schedule({ priority = 1, onexecute = show, onresult = function(_, d, r) print(show(d), r) end })`, printed: "''\t''\n"},
		"no result": {code: `T.async:schedule({ priority = 1, onexecute = function() end, onresult = function() print("never") end })`},
		"a handler": {file: `async.handler("double", function(job) return job.data * 2 end)`,
			code: `T.async:schedule({ handler = "double", data = 21, onresult = function(_, d, r) print(d, r) end })`, printed: "21\t42\n"},
		"a worker's T, and the file's globals": {file: `async.handler("look", function(job) return show(T.util.filehash ~= nil, type(show), T.enginetype) end)`,
			code: `T.async:schedule({ handler = "look", onresult = function(_, _, r) print(r) end })`, printed: "true 'function' 'frontend'\n"},
		"names": {file: `async.onresult("took", function(job, r, engine) print("took", job.data, r, engine:instanceid()) end)
async.onerror("sorry", function(job, why) print("sorry", job.data, why) end)`,
			code: `T.async:schedule({ data = "a", onexecute = function(d) return d end, onresult = "took" })
T.async:schedule({ queue = "one", retries = 0, data = "b", onexecute = function() error("broken", 0) end, onerror = "sorry" })`,
			printed: "*took\ta\ta\t7\n*"},
		"retries": {file: `async.handler("third", function(job) if job.attempt < 3 then return nil, "not yet" end return "at " .. job.attempt end)`,
			code:    `T.async:schedule({ queue = "one", handler = "third", onresult = function(_, _, r) print(r) end, onerror = function() print("never") end })`,
			printed: "at 3\n"},
		"dead": {code: `T.async:schedule({ queue = "one", retries = 1, data = "x", onexecute = function() error("oops") end,
  onresult = function() print("never") end, onerror = function(engine, d, why) print(d, engine:instanceid(), why) end })`,
			printed: "x\t7\t*test.lua:*: oops\n"},
		"given up": {file: `async.handler("no", function(job) async.give_up("no way") end)`,
			code: `T.async:schedule({ queue = "one", handler = "no", onerror = function(_, _, why) print(why) end })`, printed: "no way\n"},
		"timeout": {code: `T.async:schedule({ queue = "one", retries = 0, timeout = 0.02, onexecute = function() while true do end end,
  onerror = function(_, _, why) print(why) end })`, printed: "*time*\n"},
		"priority": {code: `for i = 1, 3 do T.async:schedule({ queue = "one", priority = i, data = "p" .. i, onexecute = print }) end`,
			printed: "p3\np2\np1\n"},
		"a push": {file: `async.handler("up", function(job) return job.data:upper() end)`,
			code: `local id = async.queue("one"):push{ handler = "up", data = "x", key = "k",
  onresult = function(job, r, engine) print(job.id == id, job.queue, job.key, job.data, r, engine:instanceid()) end }`,
			printed: "*one\tk\tx\tX\t7\n"},
		"a push from a handler": {file: `async.handler("first", function(job) return async.await(async.queue():push{ handler = "second", data = job.data + 1 }, 10) end)
async.handler("second", function(job) return job.data + 1 end)`,
			code: `async.queue():push{ handler = "first", data = 1, onresult = function(_, r) print(r) end }`, printed: "3\n"},
		"a push from a worker of T.async": {file: `async.handler("up", function(job) return job.data:upper() end)`,
			code: `T.async:schedule({ data = "x", onexecute = function(d) return (async.await(async.queue():push{ handler = "up", data = d }, 10)) end,
  onresult = function(_, _, r) print(r) end })`, printed: "X\n"},
		"a result in a worker": {file: `async.handler("first", function(job) async.queue():push{ handler = "second", onresult = function(_, r) print("worker got", r) end } end)
async.handler("second", function() return 2 end)`, code: `async.queue():push{ handler = "first" }`, printed: "worker got\t2\n"},
		"no await": {code: `local id = async.queue():push{ handler = function() return 1 end }
print(pcall(async.await, id, 1))`, printed: "false\t*async.await: a packet hook can't wait*onresult*\n"},
		"no engine in a handler": {code: `T.async:schedule({ queue = "one", retries = 0, onexecute = function() T.host:createkey("g", "k", "l") end, onerror = function(_, _, why) print(why) end })`,
			printed: "*T.host:createkey: this is not possible in a worker*\n"},
		"a result fails": {code: `T.async:schedule({ queue = "one", onexecute = function() return 1 end, onresult = function() error("late") end })`,
			logged: "4 [test.lua] onresult or onerror: *late"},
		"unknown queue":   {code: `T.async:schedule({ queue = "defaultt", onexecute = print })`, logged: "*there is no queue 'defaultt'; did you mean*default*"},
		"unknown handler": {code: `T.async:schedule({ handler = "none" })`, logged: "*there is no handler 'none'*"},
		"unknown name":    {code: `T.async:schedule({ onexecute = print, onresult = "none" })`, logged: "*nothing is registered as async.onresult('none'*"},
		"both":            {code: `T.async:schedule({ handler = "x", onexecute = print })`, logged: "*test.lua:*: T.async:schedule: there is a handler already*"},
		"neither":         {code: `T.async:schedule({ queue = "one" })`, logged: "*test.lua:*: T.async:schedule: onexecute must be a function, or handler a name, not a nil"},
		"bad onerror":     {code: `T.async:schedule({ onexecute = print, onerror = 1 })`, logged: "*test.lua:*: T.async:schedule: onerror must be a function or a name, not a number"},
		"bad retries":     {code: `T.async:schedule({ onexecute = print, retries = -1 })`, logged: "*retries must be a whole number from 0*"},
		"what can't travel": {code: `local h = io.open("/dev/null")
T.async:schedule({ queue = "one", onexecute = function() return h:read() end })`, logged: "*'h' can't travel: it is a userdata*"},
		"names belong to loading": {code: `async.handler("late", print)`, logged: "*async.handler: only while the script is loaded*"},
		"without fields it is no job": {code: `T.async:schedule({ data = 5, onexecute = function(d) return show(d) end, onresult = function(_, _, r) print(r, async.queue():size()) end })`,
			printed: "'5'\t0\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := inQueues(t, tt.file+"\n", tt.code, one)
			check(t, "printed", r.printed(), tt.printed)
			first, _, _ := strings.Cut(r.logs(), "\n")
			check(t, "logged", first, tt.logged)
			adds(t, r)
		})
	}
}

// adds holds that each job that was pushed has one fate.
func adds(t *testing.T, r *rig) (sum report.Jobs) {
	t.Helper()
	for _, j := range r.Jobs() {
		if j.Pushed != j.Done+j.Dead+j.Removed+j.Left+j.Untold {
			t.Errorf("fates don't add up: %+v", j)
		}
		sum = j
	}
	return sum
}

// TestJobsByKey has packet hooks push under two keys: each key's jobs run in order, one at a time.
func TestJobsByKey(t *testing.T) {
	dir := t.TempDir()
	r := one(t, plug(`request_async_workers = 8, reassembly_handler = { onpayload = function(engine, ts, flow, dir, pos, buffer)
  T.async:schedule({ queue = "many", key = "k" .. dir, data = buffer:tostring(), onexecute = function(text)
    local f = io.open("`+dir+`/" .. dir, "a")
    f:write(text, ",")
    f:close()
    return "x"
  end, onresult = function(engine, data) results = (results or 0) + 1 end })
end, onunload = function() print(results) end }`), withQueues(t, queue.Options{Name: "many", Workers: 8}))
	e := newEngine("0")
	h, f := r.on(e), web()
	r.queues.Start()
	h.FlowStart(f)
	want := ""
	const n = 300
	for i := range n {
		h.Payload(f, flow.ToServer, 0, fmt.Append(nil, i))
		h.Payload(f, flow.ToClient, 0, fmt.Append(nil, i))
		want += fmt.Sprint(i, ",")
		e.inbox.Drain(0)
	}
	r.finish(e)
	h.Stop()
	r.end()
	for _, dir0 := range []string{"0", "1"} {
		if got, err := os.ReadFile(filepath.Join(dir, dir0)); err != nil || string(got) != want {
			t.Errorf("key %s: %.80q, %v", dir0, got, err)
		}
	}
	check(t, "results", r.printed(), fmt.Sprintln(2*n))
	if j := adds(t, r); j.Pushed != 2*n || j.Done != 2*n || j.Results != 2*n {
		t.Errorf("%+v", j)
	}
}

// TestJobSaysWhere looks at what an operator sees of a job.
func TestJobSaysWhere(t *testing.T) {
	r := one(t, plug(`reassembly_handler = { onpayload = function()
  async.queue("idle"):push{ handler = print, data = 1 }
end }`), withQueues(t, queue.Options{Name: "idle"}))
	e := newEngine("0")
	h, f := r.on(e), web()
	h.FlowStart(f)
	h.Payload(f, flow.ToServer, 0, []byte("hello"))
	q, _ := r.queues.Queue("idle")
	list, _, err := q.List(queue.Filter{States: []job.State{job.Ready}})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	check(t, "where", list[0].Origin.Where, "*test.lua:2")
	check(t, "request", list[0].Origin.Request, "flow 192.168.1.2:2964 -> 209.216.249.58:80 tcp")
	check(t, "owner", list[0].Owner, "plugin test")
	e.inbox.Close()
	r.end()
	if j := adds(t, r); j.Pushed != 1 || j.Left != 1 {
		t.Errorf("%+v", j)
	}
}

// TestJobHolds keeps an extracted file until the jobs that read it have ended, those that a result schedules too; also when a
// push is refused.
func TestJobHolds(t *testing.T) {
	r := one(t, plug(`filex_monitor = { onfile_http = function(engine, ts, flow, path)
  local function read(p) local f = io.open(p) return f and f:read("*a") or "gone" end
  print(async.queue("full"):push{ handler = print })
  T.async:schedule({ queue = "default", data = path, onexecute = read,
    onresult = function(engine, p, text)
      print(text)
      T.async:schedule({ key = "k", delay = 0.01, data = p, onexecute = read, onresult = function(engine, p, text) print(text) end })
    end })
end }`), withQueues(t, queue.Options{Name: "full", Bounds: bounds(1)}))
	e := newEngine("0")
	h, f := r.on(e), web()
	r.queues.Start()
	full, _ := r.queues.Queue("full")
	full.Offer(queue.Push{Job: &job.Job{Body: job.Body{Queue: "full", Handler: "none"}}})
	h.FlowStart(f)
	x := file(t, ramStore(t), "/x", "content")
	h.File(f, &extract.Exchange{}, flow.ToClient, x, false)
	x.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for e.inbox.Open() > 0 && ctx.Err() == nil {
		e.inbox.Finish(ctx)
	}
	check(t, "printed", r.printed(), "nil\t*\ncontent\ncontent\n")
	if _, err := os.Stat(x.Path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file is still there", err)
	}
	r.end()
	if j := adds(t, r); j.Pushed != 2 || j.NotPushed != 1 || j.Done != 2 {
		t.Errorf("%+v", j)
	}
}

// TestJobNotPushed has pushes that add no job.
func TestJobNotPushed(t *testing.T) {
	r := one(t, plug(`onload = function()
  local function push(queue, unique) return T.async:schedule({ queue = queue, unique = unique, onexecute = function() end, onresult = print }) end
  local _, first = push("idle", "u")
  local ok, second, why = push("idle", "u")
  print(ok, first == second, why)
  print((push("small")))
  print(push("small"))
end`), withQueues(t, queue.Options{Name: "idle"}, queue.Options{Name: "small", Bounds: bounds(1)}))
	e := newEngine("0")
	r.on(e)
	e.inbox.Close()
	r.end()
	check(t, "printed", r.printed(), "true\ttrue\tduplicate\ntrue\nfalse\t*full*\n")
	if j := adds(t, r); j.Pushed != 2 || j.NotPushed != 2 || j.Left != 2 {
		t.Errorf("%+v", j)
	}
}

// TestJobDelayed does not keep a replay open.
func TestJobDelayed(t *testing.T) {
	r := inQueues(t, "", `T.async:schedule({ delay = 3600, onexecute = print })
T.async:schedule({ delay = 0, onexecute = function() return 1 end, onresult = function(_, _, r) print(r) end })`)
	check(t, "printed", r.printed(), "1\n")
	if j := adds(t, r); j.Pushed != 2 || j.Done != 1 || j.Left != 1 {
		t.Errorf("%+v", j)
	}
}

// TestJobUnload pushes in onunload, behind which nobody takes results.
func TestJobUnload(t *testing.T) {
	r := one(t, plug(`onunload = function()
  print(T.async:schedule({ queue = "default", onexecute = function() end, onresult = function() print("never") end }))
  print((T.async:schedule({ queue = "default", onexecute = function() print("done") end })))
end`), withQueues(t))
	e := newEngine("0")
	h := r.on(e)
	r.queues.Start()
	h.Stop()
	e.inbox.Close()
	r.settled(e)
	r.end()
	lines := strings.SplitAfter(r.printed(), "\n") // the job may be done before onunload goes on
	slices.Sort(lines)
	check(t, "printed, sorted", strings.Join(lines, ""), "done\nfalse\tthe script is being unloaded: *\ntrue\n")
	if j := adds(t, r); j.Pushed != 1 || j.Untold != 1 {
		t.Errorf("%+v", j)
	}
}

// TestJobNamedTakers has results that nobody waits for in person come to the first engine, of all that have the name.
func TestJobNamedTakers(t *testing.T) {
	for what, types := range map[string]string{
		"packet hooks": "reassembly_handler = { onpayload = function() end }, engine_monitor = { onendflush = function() end }",
		"metric hooks": "engine_monitor = { onendflush = function() end }",
	} {
		t.Run(what, func(t *testing.T) {
			r := one(t, `async.handler("up", function(job) return job.data:upper() end)
async.onresult("took", function(job, r, engine) print(r, engine:instanceid(), T.enginetype) end)
`+plug(types), withQueues(t))
			first, second, ledger := newEngine("0"), newEngine("1"), newEngine("m")
			hooks, err := r.Metrics()
			if err != nil {
				t.Fatal(err)
			}
			hooks.Start(ledger)
			r.on(first)
			r.on(second)
			r.queues.Start()
			q, _ := r.queues.Queue("default")
			data := jobData(t, "x")
			if _, refused := q.Offer(queue.Push{Job: &job.Job{Body: job.Body{
				Queue: "default", Handler: "up", Data: data, OnResult: "took", Owner: "plugin test",
			}}}); !refused.OK() {
				t.Fatal(refused)
			}
			r.settled(second)
			first.inbox.Drain(0)
			ledger.inbox.Drain(0)
			want := "X\t0\tfrontend\n"
			if what == "metric hooks" {
				want = "X\tm\tbackend\n"
			}
			check(t, "printed", r.printed(), want)
		})
	}
}

// TestJobMetric pushes in a metric hook.
func TestJobMetric(t *testing.T) {
	r := one(t, plug(`engine_monitor = { onload = function()
  T.async:schedule({ queue = "default", onexecute = function() return 5 end, onresult = function(engine, _, r) print(r, engine:instanceid()) end })
  print(pcall(async.await, "x"))
end }`), withQueues(t))
	e := newEngine("m")
	hooks, err := r.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	r.queues.Start()
	hooks.Start(e)
	r.finish(e)
	check(t, "printed", r.printed(), "false\t*a metric hook can't wait*\n5\tm\n")
}

// TestHandlersOfTwoFiles has two plugins with handlers of one name, and one that uses the other's.
func TestHandlersOfTwoFiles(t *testing.T) {
	const files = "filex_monitor = { onfile_http = function() end }"
	twice := `async.handler("up", function() end)` + "\n"
	r := load(t, map[string]string{"a.lua": twice + strings.Replace(plug(files), "test", "a", 1), "b.lua": twice + strings.Replace(plug(files), "test", "b", 1)}, withQueues(t))
	if p := r.problems.All(); len(p) != 1 || !like("*up*plugin a*", p[0].Text) {
		t.Errorf("%+v", p)
	}
	r = load(t, map[string]string{
		"a.lua": `async.handler("up", function(job) return job.data:upper() end)` + "\n" + strings.Replace(plug(files), "test", "a", 1),
		"b.lua": strings.Replace(plug(`onload = function()
  async.queue():push{ handler = "up", data = "b", onresult = function(_, r) print(r) end }
end`), "test", "b", 1),
	}, withQueues(t))
	e := newEngine("0")
	r.on(e)
	r.queues.Start()
	r.finish(e)
	check(t, "printed", r.printed(), "B\n")
	var names []string
	for _, s := range r.LuaStates() {
		names = append(names, s.Name)
		if runs, _ := s.AllRuns(); runs == 0 || s.Memory == 0 {
			t.Errorf("%+v", s)
		}
	}
	check(t, "states", strings.Join(names, "; "), "plugin a, hooks; plugin a, workers; plugin b, hooks")
}

// TestNoQueues is a lane that was given none.
func TestNoQueues(t *testing.T) {
	r := in(t, `print(async) T.async:schedule({ queue = "x", onexecute = print })`)
	check(t, "printed", r.printed(), "nil\n")
	check(t, "log", r.logs(), "*T.async:schedule: there are no queues here*")
}

func bounds(entries int) handoff.Bounds { return handoff.Bounds{Entries: entries} }

// jobData is a payload.
func jobData(t *testing.T, text string) []byte {
	t.Helper()
	b, err := value.Append(nil, value.Str(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
