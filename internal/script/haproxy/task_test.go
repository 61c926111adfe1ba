package haproxy

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestTasks: arguments, a task that starts a task, the txn that logs, queues between tasks, restarts.
func TestTasks(t *testing.T) {
	b := open(t, show+`
local q = core.queue()
core.register_task(function(...) core.Info("args " .. show(...)) end, 1, "two", {3}, nil)
core.register_task(function() txn:Warning("from a task") core.register_task(function() txn:Info("nested") end) end)
core.register_task(function() core.Info("got " .. show(q:pop_wait(), q:pop_wait())) end)
core.register_task(function() q:push("a") core.msleep(2) q:push({b = 1}) end)
local q2 = core.queue()
core.register_task(function() q2:alarm() core.wait() core.Info("alarm " .. q2:size()) end)
core.register_task(function() core.msleep(5) q2:push(1) end)
core.register_task(function() core.done() core.Info("never") end)
local runs = 0
core.register_task(function()
  runs = runs + 1
  if runs == 1 then error("first time") end
  core.Info("second time")
end)
core.register_action("own", {"http-req"}, function(t) txn = "mine" end)
core.register_task(function() txn2 = rawget(_G, "txn") core.Info("raw " .. tostring(txn2)) end)
`)
	b.StartTasks(context.Background())
	for _, want := range []string{"- info args 1 'two' {1=3} nil", "- warning from a task", "- info nested", "- info got 'a' {b=1}", "- info alarm 1", "- info second time", "- info raw nil"} {
		b.logs.await(t, want)
	}
	check(t, b.logs.await(t, "first time"), "- err Lua task registered at *test.lua:*: runtime error: *test.lua:*: first time* (failure 1, it starts again in 1s)")
	if n := b.TaskErrors(); len(n) != 1 {
		t.Errorf("task errors %v", n)
	}
	if strings.Contains(b.logs.all(), "never") {
		t.Error("core.done did not end the task")
	}
}

// TestTaskKeepsOwnTxn lets a script have a global of that name.
func TestTaskKeepsOwnTxn(t *testing.T) {
	b := open(t, `txn = {Warning = function(_, m) core.Info("mine: " .. m) end}
core.register_task(function() txn:Warning("x") end)`)
	b.StartTasks(context.Background())
	b.logs.await(t, "- info mine: x")
}

// TestCloseEndsWaits closes a binding whose tasks sleep, wait for queues and receive.
func TestCloseEndsWaits(t *testing.T) {
	b := open(t, `local q = core.queue()
core.register_task(function() core.Info("1") core.sleep(3600) end)
core.register_task(function() core.Info("2") q:pop_wait() end)
core.register_task(function() core.Info("3") core.wait() end)
core.register_task(function() core.Info("4") while true do pcall(core.sleep, 3600) end end)`)
	b.StartTasks(context.Background())
	for _, s := range []string{"1", "2", "3", "4"} {
		b.logs.await(t, "- info "+s)
	}
	done := make(chan struct{})
	go func() { b.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("Close hangs")
	}
	if err := b.tasks.add(b.Binding, &task{}); err == nil {
		t.Error("a task was taken after Close")
	}
}
