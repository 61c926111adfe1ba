package vm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newState(t testing.TB, opts Options) *State {
	t.Helper()
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Register("sleep", func(c *Call) error {
		ms, _ := c.Int(1)
		return c.Wait(func(ctx context.Context) Resume {
			select {
			case <-time.After(time.Duration(ms) * time.Millisecond):
			case <-ctx.Done():
				return Resume{Err: ctx.Err()}
			}
			return Resume{Values: []Value{Str("slept"), Int(ms)}}
		})
	})
	s.Register("fail", func(c *Call) error { return errors.New("it failed") })
	s.Register("exit", func(c *Call) error { return c.Exit() })
	s.Register("echo", func(c *Call) error {
		for i := 1; i <= c.N(); i++ {
			v, err := c.Value(i)
			if err != nil {
				return err
			}
			if err := c.PushValue(v); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.LoadPrelude("prelude", "for k, v in pairs(...) do _G['go_'..k] = v end object = { name = function(self) return self.name end }"); err != nil {
		t.Fatal(err)
	}
	return s
}

// eval runs src and gives its results as text.
func eval(t testing.TB, s *State, src string) (string, error) {
	t.Helper()
	fn, err := s.Load("=test", src)
	if err != nil {
		return "", err
	}
	r := Run{Fn: fn, Burst: 20 * time.Second}
	err = s.Run(context.Background(), &r)
	var out []string
	for _, v := range r.Results {
		out = append(out, show(v))
	}
	return strings.Join(out, " "), err
}

func show(v Value) string {
	switch v.Kind {
	case KindStr:
		text, _ := v.AsStr()
		return text
	case KindInt:
		n, _ := v.AsInt()
		return fmt.Sprint(n)
	case KindNum:
		f, _ := v.AsNum()
		return fmt.Sprint(f)
	case KindBool:
		return fmt.Sprint(v.Truth())
	case KindTable:
		var b strings.Builder
		b.WriteByte('{')
		t, _ := v.AsTable()
		for _, x := range t.Arr {
			b.WriteString(show(x) + ",")
		}
		for _, p := range t.Map {
			b.WriteString(show(p.Key) + "=" + show(p.Value) + ",")
		}
		return b.String() + "}"
	}
	return v.Kind.String()
}

func TestRun(t *testing.T) {
	s := newState(t, Options{})
	for _, c := range []struct{ name, src, want, err string }{
		{"results", `return 1, 2.5, "x", true, nil, {1,2,a="b"}`, "1 2.5 x true nil {1,2,a=b,}", ""},
		{"round trip", `return go_echo(1, -2.5, "a\0b", {{}, {x={1}}}, nil, false)`, "1 -2.5 a\x00b {{},{x={1,},},} nil false", ""},
		{"wait", `local a, n = go_sleep(1) return a, n`, "slept 1", ""},
		{"wait in pcall", `return pcall(function() return (go_sleep(1)) end)`, "true slept", ""},
		{"wait in metamethod", `return (setmetatable({}, {__index=function(_, k) return go_sleep(1) .. k end})).x`, "sleptx", ""},
		{"wait in iterator", `local n = 0 for i in function(_, i) go_sleep(1) n = n + 1 return n < 3 and n or nil end do end return n`, "3", ""},
		{"wait in coroutine", `local co = coroutine.wrap(function(a) local s = go_sleep(1) local b = coroutine.yield(s .. a) return go_sleep(1) .. b end)
			return co("A"), co("B")`, "sleptA sleptB", ""},
		{"wait two coroutines deep", `local co = coroutine.create(function() local c2 = coroutine.create(function(x) return go_sleep(1) .. x end) return coroutine.resume(c2, "!") end)
			return coroutine.resume(co)`, "true true slept!", ""},
		{"wait in sort", `local t = {3,1,2} table.sort(t, function(a, b) go_sleep(1) return a < b end) return t`, "{1,2,3,}", ""},
		{"wait in coroutine in sort", `local t = {2,1} table.sort(t, function(a, b) local co = coroutine.wrap(function() go_sleep(1) return a < b end) return co() end) return t`, "{1,2,}", ""},
		{"error position", `local x = nil
			return x.y`, "", "test:2: attempt to index a nil value (local 'x')"},
		{"go error", `go_fail()`, "", "test:1: it failed"},
		{"go error caught", `return pcall(go_fail)`, "false it failed", ""},
		{"error object", `error(setmetatable({}, {__tostring=function() return "obj" end}))`, "", "obj"},
		{"error object without text", `error(setmetatable({}, {__tostring=function() error("no") end}))`, "", "(error object is a table value whose __tostring fails)"},
		{"error object that waits", `error(setmetatable({}, {__tostring=function() return (go_sleep(1)) end}))`, "", "slept"},
		{"stack overflow", `local function f() return 1 + f() end f()`, "", "stack overflow"},
		{"error in prelude", `local x = object.name()`, "", "test:1: attempt to index a nil value (local 'self'); methods are called with ':'"},
		{"close", `local log = "" local co = coroutine.create(function() local x <close> = setmetatable({}, {__close=function() log = log .. go_sleep(1) end}) coroutine.yield() end)
			coroutine.resume(co) local ok = coroutine.close(co) return ok, log, coroutine.status(co)`, "true slept dead", ""},
		{"close with error", `local co = coroutine.create(function() local x <close> = setmetatable({}, {__close=function() error("late", 0) end}) coroutine.yield() end)
			coroutine.resume(co) return coroutine.close(co)`, "false late", ""},
		{"close oneself", `return pcall(coroutine.close, coroutine.running())`, "false cannot close a running coroutine", ""},
		{"close the caller", `local me = coroutine.running() return coroutine.wrap(function() return pcall(coroutine.close, me) end)()`, "false cannot close a normal coroutine", ""},
		{"close after error", `local f = coroutine.wrap(function() local x <close> = setmetatable({}, {__close=function() go_sleep(1) end}) error("inner", 0) end)
			return pcall(f)`, "false inner", ""},
		{"exit past pcall", `while true do pcall(go_exit) end`, "", "the run was ended by the script"},
		{"exit in sort", `table.sort({1,2}, function() while true do pcall(go_exit) end end)`, "", "the run was ended by the script"},
		{"syntax", `x = = 1`, "", `test:1: unexpected symbol near '='`},
		{"yield at top", `coroutine.yield(1) return 2`, "2", ""},
		{"no bytecode", `return load(string.dump(function() return 1 end))`, "nil attempt to load a binary chunk (mode is 't')", ""},
		{"no bytecode by mode", `return load(string.dump(function() return 1 end), "x", "b")`, "nil attempt to load a binary chunk (mode is 't')", ""},
		{"load env", `return load("return a", "x", "t", {a=7})()`, "7", ""},
		{"hook stays", `debug.sethook()`, "", "test:1: debug.sethook is not available: eddy's own hook keeps scripts within their time"},
		{"dead", `local co = coroutine.create(function() end) coroutine.resume(co) return coroutine.resume(co)`, "false cannot resume dead coroutine", ""},
		{"self", `return coroutine.resume(coroutine.running())`, "false cannot resume non-suspended coroutine", ""},
		{"wrap error", `local f = coroutine.wrap(function() error("inner") end) f()`, "", "test:1: inner"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := eval(t, s, c.src)
			msg := ""
			if err != nil {
				msg = err.Error()
			}
			if got != c.want || !strings.HasSuffix(msg, c.err) || (c.err == "") != (err == nil) {
				t.Fatalf("got %q, error %q; want %q, %q", got, msg, c.want, c.err)
			}
		})
	}
}

func TestRunawayIsStopped(t *testing.T) {
	for _, src := range []string{
		`while true do end`,
		`while true do pcall(function() while true do end end) end`,
		`while true do pcall(error) end`,
		`table.sort({1,2,3}, function() while true do pcall(function() while true do end end) end end)`,
		`local co = coroutine.wrap(function() while true do end end) while true do pcall(co) end`,
		`return string.rep("x", 2^31)`,
		`local t = {} while true do t[#t+1] = string.rep("x", 1000000) end`,
		`error(setmetatable({}, {__tostring=function() while true do pcall(error) end end}))`,
		`error(setmetatable({}, {__tostring=function() coroutine.wrap(function() while true do end end)() end}))`,
		`local x <close> = setmetatable({}, {__close=function() while true do end end}) error("x")`,
		`local x <close> = setmetatable({}, {__close=function() coroutine.wrap(function() while true do end end)() end}) error("x")`,
		`local co = coroutine.create(function() local x <close> = setmetatable({}, {__close=function() while true do end end}) coroutine.yield() end) coroutine.resume(co) coroutine.close(co) while true do end`,
		`coroutine.wrap(function() local x <close> = setmetatable({}, {__close=function() while true do end end}) error("x") end)()`,
		`local t = setmetatable({}, {__len=function() return 1 << 60 end, __index=function() return "" end}) table.insert(t, 1, 5)`,
		`local t = setmetatable({}, {__len=function() return 1 << 60 end, __index=function() return "" end}) table.remove(t, 1)`,
		`local t = setmetatable({}, {__len=function() return 1 << 60 end, __index=function() return "" end}) table.concat(t)`,
		`table.move({}, 1, 1 << 60, 2)`,
		`local function f() return setmetatable({}, {__index=f}) end while true do local x = f().x end`,
	} {
		t.Run(src, func(t *testing.T) {
			s := newState(t, Options{MaxMem: 64 << 20})
			fn, err := s.Load("=test", src)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Run(context.Background(), &Run{Fn: fn, Burst: 50 * time.Millisecond})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if got, err := eval(t, s, `return 1`); got != "1" || err != nil {
				t.Fatalf("afterwards: %q, %v", got, err)
			}
		})
	}
}

func TestKillStopsEverything(t *testing.T) {
	s := newState(t, Options{})
	started := make(chan struct{}, 2)
	s.Register("started", func(*Call) error { started <- struct{}{}; return nil })
	if err := s.LoadPrelude("p", `started = (...).started`); err != nil {
		t.Fatal(err)
	}
	fn, _ := s.Load("=test", `started() while true do pcall(function() while true do end end) end`)
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- s.Run(context.Background(), &Run{Fn: fn}) }()
	}
	<-started
	<-started
	s.Kill()
	for range 2 {
		if err := <-done; err == nil {
			t.Error("a run ended without error")
		}
	}
	s.Close()
	if err := s.Run(context.Background(), &Run{Fn: fn}); !errors.Is(err, ErrClosed) {
		t.Errorf("a run on the closed state: %v", err)
	}
}

func TestOwnedObjectsAreClosed(t *testing.T) {
	s := newState(t, Options{})
	var open atomic.Int32
	s.Register("make", func(c *Call) error {
		open.Add(1)
		c.PushOwned(closer(func() { open.Add(-1) }))
		return nil
	})
	if err := s.LoadPrelude("p", `make = (...).make`); err != nil {
		t.Fatal(err)
	}
	if _, err := eval(t, s, `for i = 1, 100 do make() end kept = make()`); err != nil {
		t.Fatal(err)
	}
	s.Collect()
	if n := open.Load(); n != 1 {
		t.Errorf("%d objects open after a collection, want the one that is kept", n)
	}
	s.Close()
	if n := open.Load(); n != 0 {
		t.Errorf("%d objects open after Close", n)
	}
}

type closer func()

func (c closer) Close() error { c(); return nil }

func TestPanicBecomesLuaError(t *testing.T) {
	var told string
	s := newState(t, Options{Warn: func(text string) { told = text }})
	s.Register("boom", func(*Call) error { panic("boom") })
	if err := s.LoadPrelude("p", `boom = (...).boom`); err != nil {
		t.Fatal(err)
	}
	if got, err := eval(t, s, `return pcall(boom)`); got != "false internal error: boom" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if !strings.HasPrefix(told, "test:1: internal error: boom\n") {
		t.Errorf("warned %q", told)
	}
}

func TestContextStopsScript(t *testing.T) {
	s := newState(t, Options{})
	for _, src := range []string{`while true do pcall(go_sleep, 100000) end`, `while true do end`} {
		fn, _ := s.Load("=test", src)
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(10*time.Millisecond, cancel)
		if err := s.Run(ctx, &Run{Fn: fn}); err == nil {
			t.Fatal("no error")
		}
	}
}

func TestSleepersShareTheState(t *testing.T) {
	s := newState(t, Options{})
	fn, _ := s.Load("=test", `go_sleep(20) n = (n or 0) + 1`)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if err := s.Run(context.Background(), &Run{Fn: fn}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, _ := eval(t, s, `return n`); got != "200" {
		t.Fatal(got)
	}
}

func TestBusyCoroutine(t *testing.T) {
	s := newState(t, Options{})
	fn, _ := s.Load("=test", `shared = coroutine.create(function() go_sleep(100) return "first" end) return coroutine.resume(shared)`)
	done := make(chan Run)
	go func() {
		r := Run{Fn: fn}
		s.Run(context.Background(), &r)
		done <- r
	}()
	for {
		got, err := eval(t, s, `if not shared then return end return coroutine.status(shared), coroutine.resume(shared)`)
		if err != nil {
			t.Fatal(err)
		}
		if got != "" {
			if got != "normal false cannot resume non-suspended coroutine" {
				t.Fatal(got)
			}
			break
		}
	}
	if r := <-done; len(r.Results) != 2 || show(r.Results[1]) != "first" {
		t.Fatal(r.Results)
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	s := newState(t, Options{})
	s.Register("noop", func(c *Call) error { c.PushInt(1); return nil })
	if err := s.LoadPrelude("p", `local t = ... function act(h) local m, p = t.view(h, 0), t.view(h, 1) t.noop(m) last = p end`); err != nil {
		t.Fatal(err)
	}
	fn, _ := s.Global("act")
	head := []byte("GET /path HTTP/1.1\r\n\r\n")
	h := s.Pin(t)
	r := Run{Fn: fn, Args: []Value{HandleValue(h)}, View: &View{Handle: h, Bytes: head, Spans: []uint32{0, 3, 4, 5}}, Burst: time.Second}
	run := func() {
		if err := s.Run(context.Background(), &r); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(1000, run); n > 0 {
		t.Fatalf("%v allocations per run", n)
	}
	if got, _ := eval(t, s, `return last`); got != "/path" {
		t.Fatal(got)
	}
}

func BenchmarkRun(b *testing.B) {
	s := newState(b, Options{})
	if err := s.LoadPrelude("p", `local t = ... local n = 0 function act(h) local m, p = t.view(h, 0), t.view(h, 1) last = m .. " " .. p end`); err != nil {
		b.Fatal(err)
	}
	fn, _ := s.Global("act")
	h := s.Pin(b)
	r := Run{Fn: fn, Args: []Value{HandleValue(h)}, View: &View{Handle: h, Bytes: []byte("GET /path HTTP/1.1\r\n\r\n"), Spans: []uint32{0, 3, 4, 5}}, Burst: time.Second}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Run(context.Background(), &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFib(b *testing.B) {
	s := newState(b, Options{})
	fn, _ := s.Load("=fib", `local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end return fib(27)`)
	r := Run{Fn: fn}
	for b.Loop() {
		s.Run(context.Background(), &r)
	}
}
