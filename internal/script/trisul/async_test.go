package trisul

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/handoff"
)

// TestAsyncMethods calls each method with a colon and with a dot.
func TestAsyncMethods(t *testing.T) {
	for _, sep := range []string{":", "."} {
		t.Run(sep, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"a": "aaa", "b": "bbb", "gone": "x"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			script := strings.ReplaceAll(plug(`reassembly_handler = { onpayload = function(engine, ts, flow, dir, pos, buffer)
  local D = "`+dir+`/"
  print(T.async:copy(D .. "a", D .. "copied"))
  print(T.async:cat(D .. "b", D .. "copied"))
  print(T.async:cat(D .. "b", D .. "fresh"))
  print(T.async:rm(D .. "gone"))
  print(T.async:rm(D .. "never was"))
  print(T.async:copybuffer(buffer, D .. "buffer"))
  print(T.async:copybuffer(buffer, D .. "buffer"))
  print(T.async:copybuffer(buffer, D .. "buffer", 1))
  print(T.async:schedule({ data = "in", onexecute = function(d) return d .. "+out" end,
    onresult = function(engine, request, response) print(request, response, engine:instanceid()) end }))
  print(T.async:pending_items() >= 0)
end }`), "T.async:", "T.async"+sep)
			r := one(t, script)
			e := newEngine("77")
			h, f := r.on(e), web()
			h.FlowStart(f)
			h.Payload(f, flow.ToServer, 0, []byte("hello"))
			r.finish(e)
			// Of the buffer's three writes the last one replaces bytes 1 to 5.
			for name, want := range map[string]string{"copied": "aaabbb", "fresh": "bbb", "buffer": "hhelloello"} {
				if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
					t.Errorf("%s: %q, %v; want %q", name, got, err, want)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "gone")); err == nil {
				t.Error("the file is still there")
			}
			r.end()
			check(t, "results", r.printed(), strings.Repeat("true\n", 10)+"in\tin+out\t77\n")
			check(t, "log", r.logs(), "")
			a := r.Async()
			if len(a) != 1 || a[0].Scheduled != 9 || a[0].Done != 9 || a[0].Results != 1 || a[0].Workers != 1 || a[0].Lost != 0 {
				t.Errorf("%+v", a)
			}
		})
	}
}

// in runs Lua in an onload, waits for what it scheduled, and gives what was printed and logged.
func in(t *testing.T, code string) *rig {
	t.Helper()
	r := one(t, showLua+plug("request_async_workers = 4, onload = function() "+code+" end"))
	e := newEngine("0")
	r.on(e)
	r.finish(e)
	return r
}

func TestSchedule(t *testing.T) {
	for name, tt := range map[string]struct{ code, printed, logged string }{
		"captured by value and by reference": {`local n, list, seen = 1, { 1, { k = "v" } }, nil
local function helper(x) return x .. list[2].k end
T.async:schedule({ data = "d", onexecute = function(d) n = n + 1 return helper(d) .. n end,
  onresult = function(_, _, response) seen = response print(seen, n) end })
n = 10`, "dv2\t10\n", ""},
		"no result":        {`T.async:schedule({ onexecute = function(d) print(show(d)) end, onresult = function() print("never") end })`, "''\n", ""},
		"a number is none": {`T.async:schedule({ data = 5, onexecute = function(d) print(show(d)) return 7 end, onresult = function() print("never") end })`, "'5'\n", ""},
		"no onresult":      {`T.async:schedule({ data = "x", onexecute = function(d) return d end })`, "", ""},
		"a worker's T": {`T.async:schedule({ onexecute = function() return show(T.util.hash("a") == T.util.hash("a"), T.re2("a"):full_match("a"),
  T.ac({"a"}):match_all("xa"), T.host:is_homenet("10.0.0.1"), T.env.get_config("None"), T.K.loglevel.ERROR, T.enginetype, bit.band(7, 3)) end,
  onresult = function(_, _, r) print(r) end })`, "true true {a=2} true nil 4 'frontend' 3\n", ""},
		"a worker logs":  {`T.async:schedule({ onexecute = function() T.loginfo("from a worker") end })`, "", "7 [test.lua] from a worker"},
		"file's globals": {`T.async:schedule({ onexecute = function() return type(show) end, onresult = function(_, _, r) print(r) end })`, "function\n", ""},
		"fails":          {`T.async:schedule({ onexecute = function() error("oops") end, onresult = function() print("never") end })`, "", "4 [test.lua] T.async schedule of *test.lua:*: *oops"},
		"result fails":   {`T.async:schedule({ onexecute = function() return "" end, onresult = function(_, q, r) error("late" .. q .. r) end })`, "", "4 [test.lua] onresult: *late"},
		"in a worker":    {`T.async:schedule({ onexecute = function() T.async:copy("a", "b") end })`, "", "*T.async.copy: this runs in a worker already*"},
		"needs an engine": {`T.async:schedule({ onexecute = function() T.host:createkey("g", "k", "l") end })`, "",
			"*T.host:createkey: this is not possible in a worker*"},
		"from onresult": {`T.async:schedule({ onexecute = function() return "1" end, onresult = function()
  T.async:schedule({ onexecute = function() return "2" end, onresult = function(_, _, r) print(r) end }) end })`, "2\n", ""},
		"userdata": {`local h = io.open("/dev/null")
T.async:schedule({ onexecute = function() return h:read() end })`, "", "4 [test.lua] onload: *test.lua:*: T.async:schedule: onexecute runs in a worker: 'h' can't travel: it is a userdata*"},
		"compiled": {`local re = T.re2("x")
T.async:schedule({ onexecute = function() return re:full_match("x") end })`, "", "*'re' can't travel: it is an RE2 object*"},
		"coroutine": {`local co = coroutine.create(print)
T.async:schedule({ onexecute = function() return co end })`, "", "*'co' can't travel: it is a coroutine"},
		"no table":     {`T.async:schedule("x")`, "", "*test.lua:*: T.async:schedule: a table with data, onexecute and onresult is needed, not a string"},
		"no function":  {`T.async:schedule({ data = "x" })`, "", "*test.lua:*: T.async:schedule: onexecute must be a function, not a nil"},
		"bad onresult": {`T.async:schedule({ onexecute = print, onresult = 1 })`, "", "*T.async:schedule: onresult must be a function, not a number"},
		"bad data":     {`T.async:schedule({ data = {}, onexecute = function() end })`, "", "*T.async:schedule: data must be a string, not table"},
		"bad name":     {`T.async:copy("x", nil)`, "", "*T.async:copy: the target's name must be a string, not nil"},
		"no buffer":    {`T.async:copybuffer("x", "y")`, "", "*T.async:copybuffer: argument 1 must be a Buffer, not a string"},
		"copy fails":   {`T.async:copy("/none/x", "/none/y")`, "", `4 [test.lua] T.async copy of *test.lua:*: *"/none/x"*`},
	} {
		t.Run(name, func(t *testing.T) {
			r := in(t, tt.code)
			r.end()
			check(t, "printed", r.printed(), tt.printed)
			first, _, _ := strings.Cut(r.logs(), "\n")
			check(t, "logged", first, tt.logged)
		})
	}
}

// A C function of a library, such as print, travels by its name.
func TestScheduleKnown(t *testing.T) {
	check(t, "printed", in(t, `T.async:schedule({ data = "x", onexecute = print })`).printed(), "x\n")
}

// A flow id is plain data, and is worth something in a worker; what is bound to the hook says that it is not.
func TestScheduleObjects(t *testing.T) {
	r := one(t, plug(`reassembly_handler = { onpayload = function(engine, ts, flow, dir, pos, buffer)
  T.async:schedule({ onexecute = function() return flow:ipa_readable() .. tostring(flow) end, onresult = function(_, _, r) print(r) end })
  print(pcall(function() T.async:schedule({ onexecute = function() return buffer:tostring() end }) end))
  print(pcall(function() T.async:schedule({ onexecute = function() engine:tag_flow("x", "y") end }) end))
end }`))
	e := newEngine("0")
	h, f := r.on(e), web()
	h.FlowStart(f)
	h.Payload(f, flow.ToServer, 0, []byte("hello"))
	r.finish(e)
	check(t, "printed", r.printed(), "false\t*'buffer' can't travel: it is a Buffer*\nfalse\t*'engine' can't travel: it is an Engine*\n"+
		"192.168.1.2"+webID+"\n")
}

// In the main chunk there is no engine to come back to.
func TestScheduleWhileLoading(t *testing.T) {
	r := load(t, map[string]string{"test.lua": `T.async:copy("a", "b") ` + plug("")})
	p := r.problems.All()
	if len(p) != 1 {
		t.Fatal(p)
	}
	check(t, "problem", p[0].Text, "*T.async.copy: this works in hooks, not while the file is loaded*")
}

// TestRefused has more work than the lane takes: three tasks wait for a file, and what comes behind finds no room.
func TestRefused(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "gate")
	r := one(t, plug(`onload = function()
  local function wait(file) while not io.open(file) do os.execute("sleep 0.01") end end
  for i = 1, 5 do print(T.async:schedule({ data = "`+gate+`", onexecute = wait })) end
  print(T.async:schedule({ data = ("x"):rep(100000), onexecute = function() end }))
end`), func(o *Options) { o.AsyncBounds = handoff.Bounds{Entries: 3, Bytes: 50000} })
	e := newEngine("0")
	r.on(e)
	if err := os.WriteFile(gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r.finish(e)
	r.end()
	check(t, "printed", r.printed(), "true\ntrue\ntrue\nfalse\t*\nfalse\t*\nfalse\t*\n")
	a := r.Async()
	refused := uint64(0)
	for _, c := range a[0].Refused {
		refused += c.N
	}
	if a[0].Scheduled != 3 || a[0].Done != 3 || refused != 3 {
		t.Errorf("%+v", a)
	}
}

// TestOrder writes many pieces to one file, with many workers.
func TestOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	r := one(t, plug(`request_async_workers = 8, reassembly_handler = { onpayload = function(engine, ts, flow, dir, pos, buffer)
  T.async.copybuffer(buffer, "`+file+`")
end }`))
	e := newEngine("0")
	h, f := r.on(e), web()
	h.FlowStart(f)
	want := ""
	for i := range 500 {
		piece := fmt.Sprintf("%d,", i)
		want += piece
		data := []byte(piece)
		h.Payload(f, flow.ToServer, 0, data)
		clear(data) // the buffer's bytes are the hook's only
	}
	r.finish(e)
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("%.60q, %v", got, err)
	}
}

// TestOrderOfFiles makes, uses and removes files in one go: each step needs the ones before it. Scripts too, with one worker.
func TestOrderOfFiles(t *testing.T) {
	for _, workers := range []int{1, 8} {
		dir := t.TempDir()
		r := one(t, plug(fmt.Sprintf(`request_async_workers = %d, onload = function()
  local D = "%s/"
  io.open(D .. "in", "w"):write("x"):close()
  for i = 1, 50 do
    T.async:copy(D .. "in", D .. "a" .. i)
    T.async:cat(D .. "a" .. i, D .. "all")
    T.async:rm(D .. "a" .. i)
  end
  if %d == 1 then
    T.async:schedule({ data = D .. "all", onexecute = function(f) return #io.open(f):read("*a") .. "" end, onresult = function(_, _, n) print(n) end })
    T.async:rm(D .. "all")
  end
end`, workers, dir, workers)))
		e := newEngine("0")
		r.on(e)
		r.finish(e)
		check(t, "log", r.logs(), "")
		if workers == 1 {
			check(t, "size", r.printed(), "50\n")
		} else if got, err := os.ReadFile(dir + "/all"); err != nil || len(got) != 50 {
			t.Errorf("%q, %v", got, err)
		}
		if left, _ := filepath.Glob(dir + "/a[0-9]*"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// TestHold keeps an extracted file until all work on it is done, that of onresult too.
func TestHold(t *testing.T) {
	r := one(t, plug(`filex_monitor = { onfile_http = function(engine, ts, flow, path)
  T.async:schedule({ data = path, onexecute = function(p) return T.util.filehash(p, "md5") end,
    onresult = function(engine, p)
      local f = io.open(p)
      print(f and f:read("*a"))
      T.async:schedule({ data = p, onexecute = function(p) local f = io.open(p) return f and f:read("*a") or "gone" end,
        onresult = function(engine, p, r) print(r) end })
    end })
end }`))
	e := newEngine("0")
	h, f := r.on(e), web()
	h.FlowStart(f)
	x := file(t, ramStore(t), "/x", "content")
	h.File(f, &extract.Exchange{}, flow.ToClient, x, false)
	x.Release()
	r.finish(e)
	check(t, "printed", r.printed(), "content\ncontent\n")
	if _, err := os.Stat(x.Path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file is still there", err)
	}
}

// TestStop ends work that would take too long, and says what it was.
func TestStop(t *testing.T) {
	r := one(t, plug(`onload = function()
  for i = 1, 3 do T.async:schedule({ data = tostring(i), onexecute = function() os.execute("sleep 60") end }) end
end`))
	e := newEngine("0")
	r.on(e)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	left := r.Stop(ctx)["test"]
	text := left.String()
	check(t, "report", text, "dropped: 2 × schedule of test (*test.lua:2); cut short: 1 × schedule of test (*test.lua:2)")
	e.inbox.Drain(0)
	if open := e.inbox.Open(); open != 0 {
		t.Errorf("%d tickets are open", open)
	}
	r.Interrupt()
	r.closed = true
	r.Plugins.Close()
	if a := r.Async(); a[0].Results != 0 || len(a[0].Dropped) != 1 {
		t.Errorf("%+v", a)
	}
}

// TestOwnerGone has an engine that ends before its results come.
// TestUnload schedules in onunload, when nobody waits for results any more: what needs none is done.
func TestUnload(t *testing.T) {
	from, file := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "copied")
	if err := os.WriteFile(from, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := one(t, plug(`onunload = function()
  print(T.async:schedule({ onexecute = function() return "x" end, onresult = function() print("never") end }))
  print(T.async:schedule({ onexecute = function() end }))
  print(T.async:copy("`+from+`", "`+file+`"))
end`))
	h := r.on(newEngine("0"))
	h.Stop()
	r.end()
	check(t, "printed", r.printed(), "false\tthe script is being unloaded: *\ntrue\ntrue\n")
	check(t, "log", r.logs(), "")
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	a := r.Async()
	if len(a) != 1 || a[0].Done != 2 || a[0].Lost != 0 || len(a[0].Refused) != 1 || a[0].Refused[0].N != 1 {
		t.Errorf("%+v", a)
	}
}

func TestOwnerGone(t *testing.T) {
	r := one(t, plug(`onload = function()
  T.async:schedule({ onexecute = function() return "x" end, onresult = function() print("never") end })
end`))
	e := newEngine("0")
	r.on(e)
	e.inbox.Close()
	r.end()
	check(t, "printed", r.printed(), "")
	if a := r.Async(); a[0].Lost != 1 || a[0].Done != 1 {
		t.Errorf("%+v", a)
	}
}
