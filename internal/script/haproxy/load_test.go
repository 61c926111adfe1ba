package haproxy

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/txn"
)

func TestUnknownNames(t *testing.T) {
	b := open(t, `core.register_action("send_email", {"http-req"}, function() end, 1)
core.register_service("hello", "http", function() end) core.register_service("raw", "tcp", function() end)`)
	act := func(name, ctx string, args ...model.Param) string {
		_, err := b.Action(&model.Action{Sub: name, Args: args}, ctx)
		if err == nil {
			return "ok"
		}
		return err.Error()
	}
	arg := model.Param{Text: "x"}
	check(t, act("send_emial", "http-req"), `no script registers the action 'send_emial'; did you mean "send_email"?`)
	check(t, act("send_email", "http-res", arg), `the action 'lua.send_email' is registered for http-req only; add "http-res" to its core.register_action`)
	check(t, act("send_email", "http-req"), `the action 'lua.send_email' takes 1 argument(s), not 0`)
	check(t, act("send_email", "tcp-req-conn", arg), `actions of Lua scripts cannot be used in "tcp-req-conn" rules`)
	check(t, act("send_email", "http-req", arg), "ok")
	svc := func(name, ctx string) string {
		_, err := b.Service(&model.Action{Name: "use-service", Sub: name}, ctx)
		if err == nil {
			return "ok"
		}
		return err.Error()
	}
	check(t, svc("helo", "http-req"), `no script registers the service 'helo'; did you mean "hello"?`)
	check(t, svc("hello", "tcp-req-cont"), `the service 'lua.hello' speaks http: use it in an http-request rule`)
	check(t, svc("lua.hello", "http-req"), "ok")
	check(t, svc("raw", "tcp-req-cont"), "ok")
}

// TestLoadProblems wants every bad script reported at its line of the configuration.
func TestLoadProblems(t *testing.T) {
	tests := []struct{ script, want string }{
		{"local x =", "error in Lua file '*test.lua': *test.lua:1: unexpected symbol near <eof>"},
		{"\nerror('no')", "error in Lua file '*test.lua': *test.lua:2: no from *"},
		{"core.register_action('x', {'http-rek'}, function() end)", `*Lua action environment 'http-rek' is unknown; did you mean "http-req"?*`},
		{"core.register_action('x', {'http-req'}, 'str')", `*core.register_action: the function is a string*`},
		{"core.register_action('x y', {'http-req'}, function() end)", `*"x y" cannot be a name in the configuration*`},
		{"core.register_service('x', 'udp', function() end)", `*Lua service environment 'udp' is unknown; 'tcp' or 'http' are expected*`},
		{"core.register_fetches('x', function() end) core.register_fetches('x', function() end)", `*'x' is registered already*`},
		{"core.register_converters('x')", `*core.register_converters: argument 2 must be a function, not nil*`},
		{"core.register_cli({}, 'u', function() end)", `*core.register_cli: the path is empty*`},
		{"core.register_task('x')", `*core.register_task: give a function, not a string*`},
		{"core.register_init('x')", `*core.register_init: argument 1 must be a function, not string*`},
		{"Map.new('nofile.map', Map._str)", `*Map.new: *nofile.map*`},
		{"require('nothing')", `*module 'nothing' not found*`},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		path := filepath.Join(dir, "test.lua")
		os.WriteFile(path, []byte(tt.script), 0o644)
		at := diag.Pos{File: "t.cfg", Line: 2, Col: 3}
		good := filepath.Join(dir, "good.lua")
		os.WriteFile(good, []byte("core.register_action('good', {'http-req'}, function() end)"), 0o644)
		b, err := New(Options{Lua: &model.Lua{Loads: []model.LuaLoad{{File: path, Pos: at}, {File: good}}}, Env: testEnv(), Logger: &logs{}, Stderr: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		var problems diag.List
		b.Load(&problems)
		all := problems.All()
		if len(all) != 1 || all[0].Pos != at {
			t.Fatalf("%q: problems %v", tt.script, all)
		}
		check(t, all[0].Text, tt.want)
		if b.reg.actions["good"] == nil {
			t.Error("the script after the bad one was not loaded")
		}
		b.Close()
	}
}

func testEnv() *sample.Env {
	return &sample.Env{Proc: &txn.ProcVars{}, Files: &patfile.Store{}, Proxies: testProxies()}
}

func TestLoadArgsAndInit(t *testing.T) {
	b := open(t, show+`
core.Info("args " .. show(...))
core.Info("proxies " .. tostring(next(core.proxies) ~= nil))
core.register_init(function() core.Info("init one") end)
core.register_init(function() core.Info("init " .. show(core.backends.be:get_cap(), core.backends.fe)) end)`,
		func(o *Options) { o.Lua.Loads[0].Args = []string{"a", "b c"} })
	if err := b.RunInits(context.Background()); err != nil {
		t.Fatal(err)
	}
	check(t, b.logs.all(), "- info args 'a' 'b c'\n- info proxies true\n- info init one\n- info init 'backend' nil")

	b = open(t, `core.register_init(function() error("bad start") end)`)
	check(t, b.RunInits(context.Background()).Error(), "init function: runtime error: *test.lua:1: bad start*")
}

// TestPerThread loads a script into each thread's state and lets connections choose.
func TestPerThread(t *testing.T) {
	b := open(t, `core.register_action("who", {"http-req"}, function(txn) txn:set_var("txn.out", core.thread) n = (n or 0) + 1 end)
core.register_init(function() core.Info("init in " .. core.thread) end)
core.register_task(function() core.Info("task in " .. core.thread) end)
core.register_cli({"x"}, "", function(applet) applet:send(tostring(core.thread)) end)`,
		func(o *Options) { o.Lua.Loads[0].PerThread = true })
	if err := b.RunInits(context.Background()); err != nil {
		t.Fatal(err)
	}
	check(t, b.logs.all(), "- info init in 1\n- info init in 2")
	seen := map[int64]bool{}
	for i := 0; i < 200 && len(seen) < 2; i++ {
		tx := b.request(t, plainRequest)
		tx.Conn.Accepted = tx.Conn.Accepted.Add(time.Duration(i) * time.Millisecond)
		b.run(t, tx, "who")
		first, _ := tx.Vars.Get("out")
		b.run(t, tx, "who")
		if again, _ := tx.Vars.Get("out"); again.Int != first.Int {
			t.Fatalf("one connection ran in states %d and %d", first.Int, again.Int)
		}
		seen[first.Int] = true
		end(tx)
	}
	if !seen[1] || !seen[2] || seen[0] {
		t.Errorf("states used: %v", seen)
	}
	b.StartTasks(context.Background())
	b.logs.await(t, "task in 1")
	b.logs.await(t, "task in 2")
	io := &serviceIO{}
	b.CLI(context.Background(), []string{"x"}, io)
	check(t, io.out.String(), "1")
}

// TestSharedAndPerThread refuses one name in both kinds of states.
func TestSharedAndPerThread(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.lua")
	os.WriteFile(path, []byte("core.register_action('x', {'http-req'}, function() end)"), 0o644)
	b, err := New(Options{Lua: &model.Lua{Loads: []model.LuaLoad{{File: path}, {File: path, PerThread: true}}}, Env: testEnv(), Logger: &logs{}, Threads: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var problems diag.List
	b.Load(&problems)
	if all := problems.All(); len(all) != 1 || !strings.Contains(all[0].Text, "'x' is registered already") {
		t.Errorf("problems %v", all)
	}
}
