package async

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/jobstore/disk"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/queue"
)

const handlers = `
async.handler("echo", function(job) return job.data end)
async.handler("say", function(job) say(where, job.data) return job.data end)
async.handler("fail", function(job) error("no " .. tostring(job.data)) end)
async.handler("soft", function(job) return false, "not now" end)
async.handler("nothing", function(job) end)
async.handler("never", function(job) async.give_up("it is no use") end)
async.handler("caught", function(job) pcall(async.give_up, "it is no use") say("not reached") end)
async.handler("odd", function(job) return { f = function() end } end)
async.handler("large", function(job) return string.rep("x", 2 << 20) end)
async.handler("slow", function(job) wait(60) end)
async.handler("busy", function(job) while true do pcall(function() while true do end end) end end)
async.handler("show", function(job) job.pushed = math.type(job.pushed) job.id = #job.id return job end)
q = async.queue()
once = { retries = 0 }
function run(handler, data, more)
	local j = { handler = handler, data = data, retries = 0 }
	for k, v in pairs(more or {}) do j[k] = v end
	return async.await(q:push(j), 20)
end
`

// TestPush is what a script sees of the module, call by call.
func TestPush(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"result", `return run("echo", "a")`, "a"},
		{"table", `return run("echo", { 1, 2.5, true, k = { "v" } })`, "{1 2.5 true k={v}}"},
		{"no data", `return run("echo")`, "nil"},
		{"no result", `return run("nothing", "a")`, "nil"},
		{"id", `return q:push{ handler = "nothing" }`, "=^[0-9A-HJKMNP-TV-Z]{13}$"},
		{"job", `return run("show", "d", { key = "k", priority = -3 })`,
			"{attempt=1 attempts=1 data=d handler=show id=13 key=k priority=-3 pushed=float queue=default request=request 7 where=test:19}"},
		{"error", `return run("fail", "way")`, "nil test:4: no way"},
		{"message", `return run("soft")`, "nil not now"},
		{"give up", `return run("never")`, "nil it is no use"},
		{"give up is not caught", `return run("caught")`, "nil it is no use"},
		{"function as a result", `return run("odd")`, "nil the handler returned, or has in what it returned, a function*"},
		{"large result", `return run("large")`, "nil the handler's result has 2097157 bytes, at most 1048576 are kept"},
		{"closure", `local n = 20 return run(function(job) n = n + job.data return n, where end, 1)`, "21"},
		{"closure calls library", `local up = string.upper return run(function(job) return up(job.data) .. where end, "a")`, "Aworker"},
		{"recursive closure", `local function f(n) if n < 2 then return n end return f(n-1) + f(n-2) end return run(function(job) return f(job.data) end, 10)`, "55"},
		{"shared variable", `local n = 0 local function up() n = n + 1 end return run(function() up() up() return n end)`, "2"},
		{"await timeout", `return async.await(q:push{ handler = "slow", timeout = 1 }, 0.01)`, "nil timeout"},
		{"job timeout", `return run("slow", nil, { timeout = 0.02 })`, "nil *"},
		{"await nothing", `return async.await(nil, 1)`, "nil there is no job: its id is nil"},
		{"await refused", `return async.await(async.queue("full"):push{ handler = "echo", data = string.rep("x", 2000) }, 1)`, "nil too large for queue 'full'*"},
		{"refused", `return async.queue("full"):push{ handler = "echo", data = string.rep("x", 2000) }`, "nil too large for queue 'full'*"},
		{"await unknown", `return async.await("0000000000000", 1)`, "nil there is no job 0000000000000 any more: it has ended"},
		{"await what is no id", `return async.await("abc", 1)`, `run:1: async.await: "abc" is not the id of a job*`},
		{"unique", `local a = q:push{ handler = "slow", unique = "u", timeout = 1 } local b, why = q:push{ handler = "slow", unique = "u" } return a == b, why`, "true duplicate"},
		{"await twice", `local id = q:push{ handler = "echo", data = 1 } return async.await(id), async.await(id)`, "1 1"},
		{"await a duplicate", `q:push{ handler = "echo", unique = "w", delay = 0.05, data = 5 } return async.await(q:push{ handler = "echo", unique = "w" }, 20)`, "5"},
		{"size", `local q = async.queue("idle") q:push{ handler = "echo", delay = 100 } q:push{ handler = "echo" } return q:size(), q:stats().scheduled, q:stats().store, q:stats().pushed`,
			"2 1 memory 2"},
		{"tostring", `return tostring(q), q == async.queue("default")`, "async queue default true"},

		{"metatable", `return async.await(q:push(setmetatable({ data = "m" }, { __index = { handler = "echo", retries = 0 } })))`, "m"},
		{"typo with a metatable", `q:push(setmetatable({ dta = "m" }, {}))`, `run:1: push: a job has no field 'dta'; did you mean "data"?`},
		{"in pcall", `return pcall(q.push, q, { handler = "ecko" })`, `false push: there is no handler 'ecko'; did you mean "echo"?`},
		{"no table", `q:push("echo")`, `run:1: push: a job is a table such as {handler = "name", data = ...}, not a string`},
		{"typo", `q:push{ handler = "echo", dealy = 1 }`, `run:1: push: a job has no field 'dealy'; did you mean "delay"?`},
		{"odd field", `q:push{ handler = "echo", mood = 1 }`, `run:1: push: a job has no field 'mood'; there are: data, delay, handler,*`},
		{"positional", `q:push{ "echo" }`, `run:1: push: the job has a field [1]; a job is a table such as*`},
		{"no handler", `q:push{ data = 1 }`, "run:1: push: the job has no handler: give a name that async.handler registered, or a function"},
		{"unknown handler", `q:push{ handler = "ecko" }`, `run:1: push: there is no handler 'ecko'; did you mean "echo"?`},
		{"handler of a wrong type", `q:push{ handler = 5 }`, "run:1: push: handler must be a name or a function, not a number"},
		{"function in data", `q:push{ handler = "echo", data = { a = { 1, print } } }`,
			"run:1: push: data.a[2] is not plain data: a job holds strings, numbers, booleans, and tables of these"},
		{"function as data", `q:push{ handler = "echo", data = print }`, "run:1: push: data is not plain data: a job holds strings, numbers, booleans, and tables of these"},
		{"table in itself", `local t = {} t.t = t q:push{ handler = "echo", data = t }`, "run:1: push: data: table is nested more than 32 deep (or contains itself)"},
		{"key", `q:push{ handler = "echo", key = {} }`, "run:1: push: key must be a string, not a table"},
		{"long key", `q:push{ handler = "echo", key = string.rep("k", 2000) }`, "run:1: push: key has 2000 bytes, at most 1024 are possible"},
		{"delay", `q:push{ handler = "echo", delay = "soon" }`, `run:1: push: delay must be a number of seconds, not "soon"`},
		{"negative delay", `q:push{ handler = "echo", delay = -1 }`, "run:1: push: delay must not be negative"},
		{"no number", `q:push{ handler = "echo", delay = 0/0 }`, "run:1: push: delay must not be negative"},
		{"timeout", `q:push{ handler = "echo", timeout = 0 }`, "run:1: push: timeout must be more than 0"},
		{"priority", `q:push{ handler = "echo", priority = 101 }`, "run:1: push: priority must be a whole number from -100 to 100, not 101"},
		{"retries", `q:push{ handler = "echo", retries = 1.5 }`, "run:1: push: retries must be a whole number from 0 to 65534, not 1.5"},
		{"onresult", `q:push{ handler = "echo", onresult = 5 }`, "run:1: push: onresult must be a function or a name, not a number"},
		{"onresult unknown", `q:push{ handler = "echo", onresult = "tell" }`, "run:1: push: nothing is registered as async.onresult('tell', ...); do that while the script is loaded"},
		{"queue", `async.queue("emial")`, `run:1: async.queue: there is no queue 'emial'; did you mean "email"?`},
		{"queue's name", `async.queue(5)`, "run:1: async.queue: the name must be a string, not a number"},
		{"dot", `q.push{ handler = "echo" }`, "run:1: push: a job is a table such as*"},
		{"no queue", `q.push({}, { handler = "echo" })`, "run:1: this is no queue; make one with async.queue(), and call its methods with ':'"},
		{"handler later", `async.handler("x", print)`, "run:1: async.handler: only while the script is loaded, not from a function that runs later"},
		{"give up elsewhere", `async.give_up("x")`, "run:1: async.give_up: this is no handler"},
		{"coroutine travels", `local co = coroutine.create(print) q:push{ handler = function() return co end }`,
			"run:1: push: the function runs in a worker's state: 'co' can't travel: it is a coroutine"},
		{"queue travels", `q:push{ handler = function() return q end, retries = 0 }`, "*"},
		{"queue object travels", `local q = q q:push{ handler = function() return q end }`,
			"run:1: push: the function runs in a worker's state: 'q' can't travel: it is async queue, which exists only where it was given out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := load(t, handlers, setup{queues: []queue.Options{{Name: "email"}, {Name: "idle"}, {Name: "full", MaxSize: 1000}}})
			got := r.eval(tt.body)
			if !like(tt.want, got) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			r.queue("default").Purge(job.Ready, job.Scheduled, job.Retrying)
			for _, id := range r.running("default") {
				r.queue("default").Delete(id)
			}
		})
	}
}

// like compares with a text that may end with '*', or with a pattern behind '='.
func like(want, got string) bool {
	if p, ok := strings.CutPrefix(want, "="); ok {
		return regexp.MustCompile(p).MatchString(got)
	}
	if p, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(got, p)
	}
	return got == want
}

// TestLoad is what can be wrong with a script's registrations.
func TestLoad(t *testing.T) {
	native := func(h *queue.Handlers) { h.Handle("copy", "eddy", &Workers{}) }
	for _, tt := range []struct{ name, script, want string }{
		{"twice", "async.handler('a', print)\nasync.handler('a', print)", "test:2: async.handler: 'a' is registered already, at test:1"},
		{"native", "async.handler('copy', print)", "test:1: async.handler: *"},
		{"no function", "async.handler('a')", "test:1: async.handler: argument 2 must be a function, not a nil"},
		{"no name", "async.handler(nil, print)", "test:1: async.handler: argument 1 must be a name, not a nil"},
		{"spaces", "async.handler('a b', print)", `test:1: async.handler: "a b" can't be a name*`},
		{"onresult twice", "async.onresult('a', print)\nasync.onresult('a', print)", "test:2: async.onresult: 'a' is registered already, at test:1"},
		{"push", "async.handler('a', print) async.queue():push{handler = 'a'}", "test:1: push: not while the script is loaded*"},
		{"await", "async.await('0000000000000')", "test:1: async.await: not while the script is loaded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := load(t, "", setup{})
			native(r.shared.Handlers)
			s, d, err := r.newState(false)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			defer d.Close()
			err = s.LoadString(context.Background(), "test", tt.script)
			if err == nil || !like(tt.want, err.Error()) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// A second state with the same script registers the same names; a probe only notes them.
func TestDeclare(t *testing.T) {
	r := load(t, handlers+"async.onresult('tell', print)", setup{})
	s, d, err := r.newState(false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	defer d.Close()
	if err := s.LoadString(context.Background(), "test", r.script); err != nil {
		t.Error(err)
	}
	if err := r.owner.Declare(d.Names()); err != nil {
		t.Error(err)
	}
	other := newNames()
	other.Handlers["echo"] = "other.lua:1"
	if err := r.owner.Declare(other); err == nil || !strings.Contains(err.Error(), "at test:2") {
		t.Errorf("got %v", err)
	}
	second := NewOwner(r.shared, "second", r.workers)
	if err := second.Declare(d.Names()); err == nil || !strings.Contains(err.Error(), "already one of test") {
		t.Errorf("got %v", err)
	}
}

func TestOnResult(t *testing.T) {
	r := load(t, handlers+`
async.onresult("tell", function(job, result) say("named", where, job.handler, job.data, result) end)
async.onerror("woe", function(job, message) say("woe", where, job.handler, message) end)
async.handler("nest", function(job)
	q:push{ handler = "echo", data = job.data, onresult = function(job, result) say("nested", where, result) end }
end)`, setup{})
	for _, tt := range []struct{ name, body, want string }{
		{"function", `q:push{ handler = "echo", data = 5, onresult = function(job, result) say("got", where, #job.id, job.handler, job.data, result) end }`, "got main 13 echo 5 5"},
		{"error", `q:push{ handler = "fail", data = 5, retries = 0, onerror = function(job, message) say("lost", where, job.data, message) end }`, "lost main 5 test:4: no 5"},
		{"name", `q:push{ handler = "echo", data = 5, onresult = "tell" }`, "named main echo 5 5"},
		{"error's name", `q:push{ handler = "never", onerror = "woe" }`, "woe main never it is no use"},
		{"from a worker", `q:push{ handler = "nest", data = 5 }`, "nested worker 5"},
		{"waits", `q:push{ handler = "echo", data = 5, onresult = function(job, result) wait(0.001) say("then", async.await(q:push{ handler = "echo", data = 6 })) end }`, "then 6"},
		{"raises", `q:push{ handler = "echo", onresult = function() error("in onresult") end }`, "run:1: in onresult"},
		{"both, done", `q:push{ handler = "echo", data = 1, onresult = function() say("done") end, onerror = function() say("dead") end }`, "done"},
		{"deleted", `local id = q:push{ handler = "echo", delay = 100, onerror = function(job, why) say(why) end } return id`, "the job was deleted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			had := len(r.lines())
			if id, err := job.ParseID(r.eval(tt.body)); err == nil && tt.name == "deleted" {
				r.queue("default").Delete(id)
			}
			if got := r.await(had + 1)[had]; got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A refused push, and a duplicate, leave no ticket behind.
func TestRefusedTickets(t *testing.T) {
	r := load(t, handlers, setup{queues: []queue.Options{{Name: "one", Bounds: handoff.Bounds{Entries: 1, Bytes: 1 << 20}}}})
	got := r.eval(`
		local one, f = async.queue("one"), function() say("never") end
		one:push{ handler = "echo", unique = "u", onresult = f }
		local _, dup = one:push{ handler = "echo", unique = "u", onresult = f }
		local id, why = one:push{ handler = "echo", onresult = f }
		return dup, id, why`)
	if !like("duplicate nil queue 'one' is full*", got) {
		t.Error(got)
	}
	if c := r.shared.Tickets(); c.Issued != 1 || c.Open != 1 {
		t.Errorf("%+v", c)
	}
}

// Every await's ticket ends in one fate.
func TestAwaitFates(t *testing.T) {
	r := load(t, handlers, setup{})
	r.eval(`run("echo", 1) run("fail", 1)`)                                // delivered twice
	r.eval(`async.await(q:push{ handler = "slow", timeout = 30 }, 0.001)`) // expired
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan string)
	go func() { done <- r.evalCtx(ctx, `async.await(q:push{ handler = "slow", timeout = 30 })`) }()
	r.awaiting()
	cancel(errors.New("gone"))
	<-done
	r.eval(`local id = q:push{ handler = "echo", delay = 1000 } say(id)`)
	id, _ := job.ParseID(r.await(1)[0])
	go func() { done <- r.eval(`return async.await("` + id.String() + `")`) }()
	r.awaiting()
	r.queue("default").Delete(id)
	if got := <-done; !strings.HasPrefix(got, "nil ") { // expired
		t.Error(got)
	}
	c := r.shared.Tickets()
	if c.Issued != 5 || c.Delivered != 2 || c.Expired != 2 || c.OwnerGone != 1 || c.Open != 0 {
		t.Errorf("%+v", c)
	}
	for _, id := range r.running("default") {
		r.queue("default").Delete(id)
	}
}

// What can't wait is refused, and a push gives its id at once.
func TestNoWait(t *testing.T) {
	r := load(t, handlers, setup{})
	r.noWait = "a packet hook can't wait"
	if got := r.eval(`return async.await(q:push{ handler = "echo" })`); got != "run:1: async.await: a packet hook can't wait; give the job an onresult" {
		t.Error(got)
	}
}

// More pushes than a run remembers: the job is looked up.
func TestAwaitForgotten(t *testing.T) {
	r := load(t, handlers, setup{})
	if got := r.eval(`
		local first = q:push{ handler = "echo", data = "first", delay = 0.1 }
		for i = 1, 20 do q:push{ handler = "nothing" } end
		return async.await(first, 20)`); got != "first" {
		t.Error(got)
	}
}

// Two handlers that compute run at the same time: each waits, computing, for what the other writes.
func TestWorkersRunAtOnce(t *testing.T) {
	r := load(t, `
async.handler("meet", function(job)
	local mine, other = io.open(job.data.mine, "w"), nil
	mine:close()
	repeat other = io.open(job.data.other) until other
	other:close()
	return where
end)
q = async.queue()`, setup{max: 2})
	dir := t.TempDir()
	got := r.eval(`
		local a, b = "` + dir + `/a", "` + dir + `/b"
		local x = q:push{ handler = "meet", data = { mine = a, other = b }, timeout = 20, retries = 0 }
		local y = q:push{ handler = "meet", data = { mine = b, other = a }, timeout = 20, retries = 0 }
		return async.await(x), async.await(y)`)
	if got != "worker worker" {
		t.Error(got)
	}
	if n := len(r.workers.States()); n != 2 {
		t.Errorf("%d states", n)
	}
}

// A handler that computes without end is stopped by its time, one that sleeps by Delete; both at once, and the state goes on.
func TestCancel(t *testing.T) {
	r := load(t, handlers, setup{})
	if got := r.eval(`return run("busy", nil, { timeout = 0.05 })`); !strings.HasPrefix(got, "nil ") {
		t.Error(got)
	}
	done := make(chan string)
	go func() { done <- r.eval(`local id = q:push{ handler = "busy" } say(id) return async.await(id, 20)`) }()
	id, err := job.ParseID(r.await(1)[0])
	if err != nil {
		t.Fatal(err)
	}
	for r.queue("default").Stats().Busy == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := r.queue("default").Delete(id); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != "nil the job was deleted" {
		t.Error(got)
	}
	if got := r.eval(`return run("echo", "still here")`); got != "still here" {
		t.Error(got)
	}
}

// The error of a handler keeps its traceback.
func TestTraceback(t *testing.T) {
	r := load(t, "local function deep() error('oops') end\nasync.handler('f', function() deep() end)\nq = async.queue()", setup{})
	r.eval(`q:push{ handler = "f", retries = 0 }`)
	j := r.dead("default")
	if len(j.Failures) != 1 || j.Failures[0].Text != "test:1: oops" || !strings.Contains(j.Failures[0].Traceback, "test:2") {
		t.Errorf("%+v", j.Failures)
	}
	if j.Origin != (job.Origin{Where: "run:1", Request: "request 7"}) {
		t.Errorf("%+v", j.Origin)
	}
}

// A worker's state that can't be made fails the attempt, and the next one tries again.
func TestWorkerFails(t *testing.T) {
	r := load(t, `async.handler("a", function() return "done" end) q = async.queue()`, setup{})
	good := r.script
	r.script = "error('not today')"
	if got := r.eval(`return async.await(q:push{ handler = "a", retries = 0 })`); got != "nil a worker's Lua state can't be made: test:1: not today" {
		t.Error(got)
	}
	r.script = good
	if got := r.eval(`return async.await(q:push{ handler = "a" })`); got != "done" {
		t.Error(got)
	}
	r.workers.Close()
	if got := r.eval(`return async.await(q:push{ handler = "a", retries = 0 })`); got != "nil the scripts' workers have stopped" {
		t.Error(got)
	}
}

// lasting is a store that the next process opens again.
type lasting struct{ jobstore.Store }

func (lasting) Close() error { return nil }

// What was pushed before a restart is done behind it: functions too, and its result goes to who has registered the name.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	store := lasting{memory.New()}
	process := func(script string) *rig {
		seal, err := openSeal(dir)
		if err != nil {
			t.Fatal(err)
		}
		return load(t, handlers+script, setup{seal: seal, stopped: true, queues: []queue.Options{{Name: "kept", Workers: 1, Store: store}}})
	}
	first := process(`async.onresult("tell", function() end) async.onerror("woe", function() end)`)
	first.queue("kept").Pause()
	first.shared.Queues.Start()
	first.eval(`
		local q, n = async.queue("kept"), 40
		q:push{ handler = function(job) n = n + 1 return n + job.data end, data = 1, onresult = "tell", priority = 3 }
		q:push{ handler = "fail", data = 5, retries = 0, onerror = "woe", priority = 2 }
		q:push{ handler = "echo", data = 6, onresult = function() say("nobody calls this") end, priority = 1 }
		q:push{ handler = "say", data = "last" }`)
	first.close()

	second := process(`async.onresult("tell", function(job, result) say("told", result) end) async.onerror("woe", function(job, why) say("woe", why) end)`)
	second.shared.Queues.Start()
	second.until(func(lines []string) bool {
		all := strings.Join(lines, ", ")
		return strings.Contains(all, "told 42") && strings.Contains(all, "woe test:4: no 5") && strings.Contains(all, "worker last")
	})
	second.close()
	third := process("")
	third.queue("kept").Pause()
	third.shared.Queues.Start()
	if n := third.queue("kept").Stats().Totals.Jobs; n[job.Ready] != 0 || n[job.Dead] != 1 {
		t.Errorf("%v", n)
	}
}

// A name that nobody has registered any more: the job is done, and counted.
func TestNobodyTakes(t *testing.T) {
	store := lasting{memory.New()}
	first := load(t, handlers+`async.onresult("tell", function() end)`, setup{queues: []queue.Options{{Name: "kept", Workers: 0, Store: store}}})
	first.eval(`async.queue("kept"):push{ handler = "echo", data = 1, onresult = "tell" }`)
	first.close()
	second := load(t, handlers, setup{queues: []queue.Options{{Name: "kept", Workers: 1, Store: store}}})
	for deadline := time.Now().Add(20 * time.Second); second.queue("kept").Stats().Done == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if s := second.queue("kept").Stats(); s.Done != 1 || s.OwnerGone != 1 {
		t.Errorf("%+v", s)
	}
}

// A push into a disk queue gives the id when the job is on the disk, and lets others run meanwhile; the end is known however
// fast the job was.
func TestDisk(t *testing.T) {
	dir := t.TempDir()
	open := func() *rig {
		store, err := disk.Open(dir, disk.Options{})
		if err != nil {
			t.Fatal(err)
		}
		seal, err := openSeal(dir)
		if err != nil {
			t.Fatal(err)
		}
		return load(t, handlers, setup{seal: seal, queues: []queue.Options{{Name: "kept", Workers: 2, Store: store}}})
	}
	r := open()
	for body, want := range map[string]string{
		`local id = q:push{ handler = "echo", data = { a = 1 } } return async.await(id, 20), q:stats().store`:                 "{a=1} disk",
		`local n = 1 return async.await(q:push{ handler = function(job) return n + job.data end, data = 2 }, 20)`:             "3",
		`q:push{ handler = "slow", unique = "u" } local _, why = q:push{ handler = "slow", unique = "u" } return why`:         "duplicate",
		`local ids = {} for i = 1, 40 do ids[i] = q:push{ handler = "echo", data = i } end return async.await(ids[30]), #ids`: "30 40",
		`q:push{ handler = "echo", delay = 1000, key = "later" } return q:stats().scheduled > 0`:                              "true",
		`local id = q:push{ handler = "fail", data = "x", retries = 0 } return async.await(id, 20)`:                           "nil test:4: no x",
	} {
		if got := r.eval(`local q = async.queue("kept") ` + body); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
	r.queue("kept").Drain()
	if got := r.eval(`return async.queue("kept"):push{ handler = "echo" }`); !like("nil queue 'kept' is draining*", got) {
		t.Error(got)
	}
	for _, j := range r.running("kept") {
		r.queue("kept").Delete(j)
	}
	r.close()
	r = open()
	if n := r.queue("kept").Stats().Totals.Jobs; n[job.Scheduled] != 1 || n[job.Dead] != 1 {
		t.Errorf("%v", n)
	}
}
