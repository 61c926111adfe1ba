package haproxy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/internal/offpath/client/smtp"
	"eddy/internal/offpath/job"
)

func onDisk(o *Options) { o.Lua.FifoDisk = true }

// again is the next process with the same disk.
func (p *offPath) again() *offPath {
	next := newOffPath(p.t)
	next.dir = p.dir
	return next
}

// fifoScript pushes what an action is given, and a task that fails once on "bad" keeps the order.
const fifoScript = `
require("fifo")
fifo = Fifo.new()
other = Fifo.new()
core.register_action("push", {"http-req"}, function(txn, what) fifo:push(what) core.Info("pushed " .. what) end, 1)
core.register_action("size", {"http-req"}, function(txn) txn:set_var("txn.out", fifo:size()) end)
core.register_task(function()
	while true do
		local item = fifo:pop()
		if item == nil then
			core.msleep(1)
		else
			core.Info("took " .. item)
			if item == "bad" and not failed then
				failed = true
				error("this one fails")
			end
			if item == "hang" then core.sleep(1000) end
		end
	end
end)`

// The item of a task that fails is given again, first; what was done is not.
func TestFifoDiskGivenAgain(t *testing.T) {
	p := newOffPath(t)
	b := open(t, fifoScript, p.options, onDisk)
	p.begin(b)
	defer p.end(b)
	tx := b.request(t, plainRequest)
	for _, what := range []string{"a", "bad", "c"} {
		b.run(t, tx, "push", what)
	}
	b.logs.await(t, "took c")
	var took []string
	for _, line := range strings.Split(b.logs.all(), "\n") {
		if _, item, ok := strings.Cut(line, "took "); ok {
			took = append(took, item)
		}
	}
	if got := strings.Join(took, " "); got != "a bad bad c" {
		t.Errorf("took %s", got)
	}
	if f := b.Fifos(); len(f) != 2 || f[0].Name != "fifo/test.lua:1" || f[1].Name != "fifo/test.lua:2" || !f[0].Disk {
		t.Errorf("%+v", f)
	}
}

// The next process goes on where the one before ended: in the middle of an item.
func TestFifoDiskReopened(t *testing.T) {
	p := newOffPath(t)
	b := open(t, fifoScript, p.options, onDisk)
	p.begin(b)
	tx := b.request(t, plainRequest)
	for _, what := range []string{"a", "hang", "c"} {
		b.run(t, tx, "push", what)
	}
	b.logs.await(t, "took hang")
	p.end(b)

	next := p.again()
	b = open(t, strings.Replace(fifoScript, "core.sleep(1000)", "", 1), next.options, onDisk)
	next.begin(b)
	defer next.end(b)
	b.logs.await(t, "took c")
	lines := b.logs.all()
	if strings.Contains(lines, "took a") || !strings.Contains(lines, "took hang") {
		t.Error(lines)
	}
}

// require("fifo") is the built-in module though there is a file; a push that is refused is an error; items are plain data.
func TestFifoDisk(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"order", `fifo:push(1) fifo:push({ a = { 2 } }) fifo:push(false) return fifo:size(), fifo:pop(), fifo:pop(), fifo:pop(), fifo:pop(), fifo:size()`,
			"3 1 {a={1=2}} false nil 0"},
		{"nil", `fifo:push(nil)`, "*fifo:push: nil cannot be pushed*"},
		{"function", `fifo:push({ print })`, "*test.lua:*: fifo:push: the item is, or has in it, a function*"},
		{"new", `Fifo.new()`, "*fifo: with tune.lua.fifo disk, Fifo.new() works only while the script is loaded*"},
		{"dot", `fifo.push({}, 1)`, "*this is no Fifo; make one with Fifo.new()*"},
		{"init", `return take(inits), inits:pop()`, "9 nil"},
		{"early", `return take(early), take(early), early:pop()`, "2 3 nil"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newOffPath(t)
			b := open(t, `require("fifo") fifo = Fifo.new() early = Fifo.new() inits = Fifo.new()
core.register_init(function() inits:push(8) inits:push(9) if inits:pop() ~= 8 then error("order") end end) early:push(1) early:push(2) early:push(3) if early:pop() ~= 1 then error("order") end
function take(f) -- what the start has left is written when all is started
  local v = f:pop()
  while v == nil do core.msleep(1) v = f:pop() end
  return v
end
async.handler("x", function() end)`+every(tt.body), p.options, onDisk, func(o *Options) {
				dir := filepath.Dir(o.Lua.Loads[0].File)
				os.WriteFile(filepath.Join(dir, "fifo.lua"), []byte("error('the file was run')"), 0o644)
			})
			p.begin(b)
			defer p.end(b)
			check(t, b.evalOn(t, b.request(t, plainRequest)), tt.want)
		})
	}
}

func TestFifoDiskRefused(t *testing.T) {
	p := newOffPath(t)
	b := open(t, fifoScript, p.options, onDisk)
	p.openFifos()
	defer p.end(b)
	q, _ := p.shared.Queues.Queue("fifo/test.lua:1")
	q.Drain()
	b.run(t, b.request(t, plainRequest), "push", "a")
	check(t, b.logs.all(), "*fifo:push: queue 'fifo/test.lua:1' is draining*")
}

// The states of threads share a fifo.
func TestFifoDiskPerThread(t *testing.T) {
	p := newOffPath(t)
	b := open(t, `require("fifo") fifo = Fifo.new() fifo:push(core.thread)`, p.options, onDisk, func(o *Options) { o.Lua.Loads[0].PerThread = true })
	p.begin(b)
	defer p.end(b)
	for over := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		f := b.Fifos()
		if len(f) == 1 && f[0].Items == 2 {
			return
		}
		if time.Now().After(over) {
			t.Fatalf("%+v", f)
		}
	}
}

// TestArticleScriptDisk runs the article's samples.lua unchanged with tune.lua.fifo disk: mails that were not sent when the
// process ends go out in the next one.
func TestArticleScriptDisk(t *testing.T) {
	script, err := os.ReadFile(article + "/samples.lua")
	if err != nil {
		t.Skip("the article's files are not here")
	}
	sent := make(chan smtp.Message, 4)
	p := newOffPath(t)
	stuck := func(o *Options) {
		o.Mail = func(ctx context.Context, m smtp.Message) error { sent <- m; <-ctx.Done(); return ctx.Err() }
	}
	b := open(t, string(script), p.options, onDisk, stuck)
	p.begin(b)
	tx := b.request(t, plainRequest+"body")
	b.run(t, tx, "async_send_email")
	b.run(t, tx, "async_send_email")
	<-sent
	p.end(b)

	next := p.again()
	fail := make(chan error, 2)
	fail <- nil
	fail <- errors.New("it is dead")
	b = open(t, string(script), next.options, onDisk, func(o *Options) {
		o.Mail = func(_ context.Context, m smtp.Message) error { sent <- m; return <-fail }
	})
	next.begin(b)
	for range 2 {
		if m := <-sent; !strings.Contains(string(m.Data), "Request received:\n"+plainRequest+"body\r\n") {
			t.Errorf("mail %+v", m)
		}
	}
	check(t, b.logs.await(t, "Can't send"), "- warning Can't send email: it is dead")
	q, _ := next.shared.Queues.Queue("fifo/test.lua:1")
	for deadline := time.Now().Add(20 * time.Second); q.Stats().Totals.Jobs[job.Ready]+q.Stats().Totals.Jobs[job.Running] > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", q.Stats().Totals)
		}
	}
	next.end(b)
}
