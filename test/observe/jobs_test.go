package observe

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"eddy/test/program"
)

// TestBothLanes has a script of the proxied lane and a plugin share a queue, and have the other's handlers work for them.
func TestBothLanes(t *testing.T) {
	dir, port := t.TempDir(), program.FreePort(t)
	capture, err := filepath.Abs(shop)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "web.lua", `
async.handler("of_the_proxy", function(job) return "the proxy had " .. job.data end)
core.register_service("ask", "http", function(applet)
  local answer = tostring(async.await(async.queue("shared"):push{ handler = "of_the_plugin", data = "a request" }, 10))
  applet:set_status(200)
  applet:add_header("content-length", #answer)
  applet:start_response()
  applet:send(answer)
end)
`)
	write(t, dir, "plugin.lua", `
async.handler("of_the_plugin", function(job) return "the plugin had " .. job.data .. ", with " .. type(T.util) end)
TrisulPlugin = { id = { name = "p" }, filex_monitor = { onfile_http = function(engine, ts, flow, path, request)
  T.async:schedule { queue = "shared", handler = "of_the_proxy", data = request:get_path(), onresult = function(_, _, r) print(r) end }
end } }
`)
	write(t, dir, "both.cfg", fmt.Sprintf(`
global
    state-dir %s
    lua-load %s
queue shared
    store disk
    workers 2
frontend web
    mode http
    bind 127.0.0.1:%s
    http-request use-service lua.ask
observe shop
    read %s
    engines 1
    lua-load %s
`, filepath.Join(dir, "state"), filepath.Join(dir, "web.lua"), port, capture, filepath.Join(dir, "plugin.lua")))
	e := program.Start(t, eddy, dir, "127.0.0.1:"+port, nil, "-f", "both.cfg")
	e.WaitFor(t, "the proxy had /setup.exe")
	for range 3 { // the lane is over, its handlers go on
		r, err := http.Get("http://127.0.0.1:" + port + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if want := "the plugin had a request, with table"; err != nil || string(body) != want {
			t.Errorf("%q, %v; want %q", body, err, want)
		}
	}
	e.Stop(t)
}

// TestQueuesOfAFile runs "eddy observe" with the queues of a configuration: what one run leaves, the next one does.
func TestQueuesOfAFile(t *testing.T) {
	dir := t.TempDir()
	capture, err := filepath.Abs(shop)
	if err != nil {
		t.Fatal(err)
	}
	cfg := write(t, dir, "queues.cfg", fmt.Sprintf(`
global
    state-dir %s
queue later
    store disk
    retries 0
`, filepath.Join(dir, "state")))
	script := write(t, dir, "plugin.lua", `
async.handler("late", function(job) print("did", job.data) end)
TrisulPlugin = { id = { name = "p" }, filex_monitor = { onfile_http = function(engine, ts, flow, path, request)
  local delay = T.args == "push" and 3600
  if delay then async.queue("later"):push{ handler = "late", data = request:get_path(), delay = delay } end
end } }
`)
	o := observe(t, "-r", capture, "-f", cfg, "--args", "push", script)
	if q := o.Report.Queues; len(q) != 1 || q[0].Delayed != 7 || !q[0].Disk || len(o.Report.Jobs) != 1 || o.Report.Jobs[0].Left != 7 {
		text, _ := json.Marshal(o.Report)
		t.Errorf("%s", text)
	}
	if !strings.Contains(o.Stderr, "later: 7 delayed; kept in the queue") {
		t.Errorf("%s", o.Stderr)
	}
	o = observe(t, "-r", capture, "-f", cfg, script)
	if q := o.Report.Queues; len(q) != 1 || q[0].Delayed != 7 {
		t.Errorf("%+v", q)
	}
}
