package haproxy

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"eddy/internal/config/model"
)

// TestManyAtOnce runs actions of many transactions that sleep in the middle: each sees its own request before and after,
// and tasks and actions share a queue.
func TestManyAtOnce(t *testing.T) {
	const streams, rounds = 100, 5
	b := open(t, `
local q, got = core.queue(), 0
core.register_action("t", {"http-req"}, function(txn)
  local path, head = txn.f:path(), txn.req:dup()
  txn:set_var("txn.p", path)
  txn:set_priv(path)
  core.msleep(1)
  q:push(path)
  core.yield()
  if path ~= txn.f:path() or head ~= txn.req:dup() or txn:get_var("txn.p") ~= path or txn:get_priv() ~= path
    or txn.http:req_get_headers().host[0] ~= "h" .. path then
    core.Alert("mixed up: " .. path)
  end
end)
core.register_task(function()
  while true do
    q:pop_wait()
    got = got + 1
    if got == 500 then core.Info("all there") end
  end
end)`)
	b.StartTasks(context.Background())
	act, err := b.Action(&model.Action{Sub: "t"}, "http-req")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range streams {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for r := range rounds {
				path := fmt.Sprintf("/%d/%d", i, r)
				tx := b.request(t, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: h%s\r\n\r\n", path, path))
				act.Exec(tx)
				end(tx)
			}
		}()
	}
	wg.Wait()
	b.logs.await(t, "all there")
	if strings.Contains(b.logs.all(), "mixed up") {
		t.Error(b.logs.all())
	}
}

// TestShortCallsAreWhole pushes into the article's FIFO, which is plain Lua, from many transactions at once: calls that
// are shorter than tune.lua.forced-yield are not interrupted in the middle, so that nothing is lost.
func TestShortCallsAreWhole(t *testing.T) {
	fifo, err := os.ReadFile(article + "/fifo.lua")
	if err != nil {
		t.Skip("the article's files are not here")
	}
	const streams, rounds = 8, 2000
	b := open(t, string(fifo)+`
local f, n = Fifo.new(), 0
core.register_action("t", {"http-req"}, function(txn) for i = 1, 20 do f:push(i) end end)
core.register_action("count", {"http-req"}, function(txn) while f:pop() do n = n + 1 end txn:set_var("txn.out", n) end)`)
	act, err := b.Action(&model.Action{Sub: "t"}, "http-req")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range streams {
		wg.Add(1)
		go func() {
			defer wg.Done()
			tx := b.request(t, plainRequest)
			for range rounds {
				act.Exec(tx)
			}
		}()
	}
	wg.Wait()
	tx := b.request(t, plainRequest)
	b.run(t, tx, "count")
	if v, _ := tx.Vars.Get("out"); v.Int != streams*rounds*20 {
		t.Errorf("%d items came out of %d", v.Int, streams*rounds*20)
	}
}
