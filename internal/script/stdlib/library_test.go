package stdlib

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"eddy/internal/script/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type lab struct {
	*vm.State
	lib      *Library
	dir      string
	warnings func() string
}

// newLab makes a state with the library whose global dir is an empty folder.
func newLab(t testing.TB, opts Options) *lab {
	t.Helper()
	var mu sync.Mutex
	var warned []string
	warn := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		warned = append(warned, text)
	}
	s, err := vm.New(vm.Options{Warn: warn})
	if err != nil {
		t.Fatal(err)
	}
	if opts.Warn == nil {
		opts.Warn = warn
	}
	lib, err := Install(s, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		lib.Close()
	})
	l := &lab{State: s, lib: lib, dir: t.TempDir(), warnings: func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(warned, "\n")
	}}
	if err := s.LoadPrelude("dir", fmt.Sprintf("dir = %q", l.dir+"/")); err != nil {
		t.Fatal(err)
	}
	return l
}

// eval runs src as a task does and gives its results as Lua's print shows them.
func (l *lab) eval(t testing.TB, src string) (string, error) {
	t.Helper()
	return l.evalCtx(t, context.Background(), src)
}

func (l *lab) evalCtx(t testing.TB, ctx context.Context, src string) (string, error) {
	t.Helper()
	fn, err := l.Load("=test", "local function show(...) local t = table.pack(...) for i = 1, t.n do t[i] = tostring(t[i]) end "+
		"return table.concat(t, ' ') end local function run(...) "+src+"\nend return show(run())")
	if err != nil {
		return "", err
	}
	r := vm.Run{Fn: fn, Kind: vm.KindTask, Burst: 2 * time.Second}
	if err := l.Run(ctx, &r); err != nil {
		return "", err
	}
	s, _ := r.Results[0].AsStr()
	return s, nil
}

// cases runs chunks and compares results, or the end of the error text where want begins with "error: ".
func (l *lab) cases(t *testing.T, list [][2]string) {
	t.Helper()
	for _, c := range list {
		got, err := l.eval(t, c[0])
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c[1] {
			t.Errorf("%s\n got %q\nwant %q", c[0], got, c[1])
		}
	}
}

func TestLua51Names(t *testing.T) {
	newLab(t, Options{}).cases(t, [][2]string{
		{`return unpack({1, 2, 3})`, "1 2 3"},
		{`return loadstring("return 1 + 1")()`, "2"},
		{`return loadstring("x =")`, `nil [string "x ="]:1: unexpected symbol near <eof>`},
		{`return loadstring(string.dump(function() end))`, "nil attempt to load a binary chunk (mode is 't')"},
		{`return table.getn({1, 2}), table.maxn({1, [5] = 1, x = 2})`, "2 5"},
		{`return math.pow(2, 10), math.ldexp(1, 4), math.log10(100), math.mod(7, 3), math.frexp(8)`, "1024.0 16.0 2.0 1 0.5 4"},
		{`return string.gfind == string.gmatch`, "true"},
		{`return package.loaders == package.searchers`, "true"},
		{`local n = 0 table.foreachi({1, 2}, function(_, v) n = n + v end) table.foreach({a = 3}, function(_, v) n = n + v end) return n`, "6"},
		{`return os.setlocale(), os.setlocale("C"), os.setlocale("de_DE"), os.setlocale(nil, "numeric")`, "C C nil C"},
		{`os.exit(1)`, "error: test:1: os.exit: a script cannot end eddy; return from the function instead, or use core.done() in a task"},
		{`debug.sethook()`, "error: test:1: debug.sethook: the hook belongs to eddy, which bounds the script's time with it"},
	})
}

func TestEnvironments(t *testing.T) {
	newLab(t, Options{}).cases(t, [][2]string{
		{`local function f() return x end x = 1 local g = setfenv(f, {x = 2}) return f(), g == f, x`, "2 true 1"},
		{`return getfenv() == _G, getfenv(1) == _G, getfenv(0) == _G, getfenv(print) == _G`, "true true true true"},
		{`local env = {} local function f() setfenv(1, env) y = 5 end f() return env.y, rawget(_G, "y")`, "5 nil"},
		{`local env = {} local function set() setfenv(2, env) end local function f() set() z = 6 end f() return env.z, rawget(_G, "z")`, "6 nil"},
		{`local function f() return 1 end local e = {} setfenv(f, e) return getfenv(f) == e`, "true"},
		{`local function f() return x end local e = {} setfenv(f, e) return getfenv(f) == e`, "true"},
		{`local f = loadstring("a = 1; return function() return a end") local e = {} setfenv(f, e) local g = f() e.a = 2 return g(), getfenv(g) == e`, "2 true"},
		{`setfenv(string.rep, {})`, "error: test:1: 'setfenv' cannot change environment of given object"},
		{`setfenv(1)`, "error: test:1: bad argument #2 to 'setfenv' (table expected, got nil)"},
		{`getfenv(100)`, "error: test:1: bad argument #1 to 'getfenv' (invalid level)"},
		{`getfenv({})`, "error: test:1: bad argument #1 to 'getfenv' (number expected, got table)"},
		{`local f = loadstring('module("a.b", package.seeall) function hi() return tostring(1) end') f() return a.b.hi(), a.b._NAME, a.b._PACKAGE, require("a.b") == a.b`, "1 a.b a. true"},
	})
	t.Run("without the debug library", func(t *testing.T) {
		s, err := vm.New(vm.Options{OpenLibs: []string{"string"}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		lib, err := Install(s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer lib.Close()
		if err := s.LoadString(context.Background(), "x", `
			assert(not debug and not io and not os and not table)
			local function f() return x end
			assert(setfenv(f, {x = 3})() == 3)
			assert(bit == nil) -- needs math`); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBit(t *testing.T) {
	newLab(t, Options{}).cases(t, [][2]string{
		{`return bit.tobit(0xffffffff), bit.tobit(2^31), bit.tobit(2^40 + 1234), bit.tobit("0x10"), bit.tobit(-1)`, "-1 -2147483648 1234 16 -1"},
		{`return bit.tohex(1), bit.tohex(-1), bit.tohex(0xffffffff, -8), bit.tohex(0x21, 4), bit.tohex(0x87654321, 4), bit.tohex(1, 0)`, "00000001 ffffffff FFFFFFFF 0021 4321 "},
		{`return bit.bnot(0), bit.band(0x12345678, 0xff), bit.bor(1, 2, 4, 8), bit.bxor(0xa5a5f0f0, 0xaa55ff00)`, "-1 120 15 267390960"},
		{`return bit.lshift(1, 0), bit.lshift(1, 31), bit.lshift(1, 33), bit.rshift(256, 8), bit.rshift(-256, 24), bit.arshift(-256, 8)`, "1 -2147483648 2 1 255 -1"},
		{`return bit.tohex(bit.rol(0x12345678, 12)), bit.tohex(bit.ror(0x12345678, 12)), bit.tohex(bit.bswap(0x12345678)), bit.bswap(-2)`, "45678123 67812345 78563412 -16777217"},
		{`return require("bit") == bit, require("bit32") == bit32`, "true true"},
		{`return bit32.bnot(0), bit32.band(), bit32.bor(1, 2^31), bit32.btest(1, 2), bit32.bxor(5, 1)`, "4294967295 4294967295 2147483649 false 4"},
		{`return bit32.lshift(1, 32), bit32.lshift(1, -1), bit32.rshift(-1, 28), bit32.arshift(-256, 8), bit32.arshift(0x80000000, 40), bit32.arshift(1, -2)`, "0 0 15 4294967295 4294967295 4"},
		{`return bit32.lrotate(0x80000001, 1), bit32.rrotate(1, 1), bit32.extract(0xabcd, 4, 8), bit32.replace(0, 0xff, 4, 4)`, "3 2147483648 188 240"},
		{`bit.band({})`, "error: test:1: bad argument #1 to 'band' (number expected, got table)"},
		{`bit32.extract(1, 30, 5)`, "error: test:1: trying to access non-existent bits"},
	})
}

func TestFinalizersAreBounded(t *testing.T) {
	l := newLab(t, Options{FinalizerBurst: 20 * time.Millisecond})
	run := func(src, want string) {
		t.Helper()
		got, err := l.eval(t, src)
		if err != nil || got != want {
			t.Fatalf("%s: %q, %v; want %q", src, got, err, want)
		}
	}
	run(`gone = {} local mt = {__gc = function(o) gone[#gone + 1] = o.name end, __index = {c = 1}}
		for i = 1, 3 do assert(setmetatable({name = i}, mt).c == 1) end
		kept = setmetatable({name = "kept"}, mt)
		return mt.__gc ~= nil, getmetatable(kept) == mt`, "true true")
	run(`collectgarbage() collectgarbage() return #gone`, "0")
	if n := l.lib.Drain(context.Background()); n != 3 {
		t.Fatalf("%d finalizers", n)
	}
	run(`table.sort(gone) return table.unpack(gone)`, "1 2 3")
	run(`kept = nil collectgarbage() return #gone`, "3")
	if n := l.lib.Drain(context.Background()); n != 1 {
		t.Fatalf("%d finalizers", n)
	}
	// a runaway one, one that fails, one that waits, one whose function came after setmetatable
	run(`for _, f in ipairs {function() while true do end end, function() error("oops") end, function() os.execute("true") waited = true end} do
			setmetatable({}, {__gc = f})
		end
		local mt = {__gc = true} setmetatable({}, mt) mt.__gc = function() late = true end
		collectgarbage() collectgarbage() return 1`, "1")
	if n := l.lib.Drain(context.Background()); n != 4 {
		t.Fatalf("%d finalizers", n)
	}
	run(`return waited, late`, "true true")
	for _, want := range []string{"a finalizer (__gc) was stopped: execution time is over", "error in a finalizer (__gc): test:1: oops"} {
		if !strings.Contains(l.warnings(), want) {
			t.Errorf("no warning %q in %q", want, l.warnings())
		}
	}
	// the queue is bounded; nothing is lost
	run(`count = 0 local mt = {__gc = function() count = count + 1 end} for i = 1, 3000 do setmetatable({}, mt) end collectgarbage() return 1`, "1")
	total := 0
	for range 10 {
		total += l.lib.Drain(context.Background())
		run(`collectgarbage() return 1`, "1")
	}
	if total != 3000 {
		t.Fatalf("%d finalizers of 3000", total)
	}
	// resurrection and a second life
	run(`again = 0 local mt = {} mt.__gc = function(o) again = again + 1 if again < 3 then setmetatable(o, mt) end end setmetatable({}, mt) collectgarbage() return 1`, "1")
	for range 5 {
		l.lib.Drain(context.Background())
		run(`collectgarbage() collectgarbage() return 1`, "1")
	}
	run(`return again`, "3")
	l.cases(t, [][2]string{
		{`setmetatable(1, {})`, "error: test:1: bad argument #1 to 'setmetatable' (table expected, got number)"},
		{`setmetatable({}, 1)`, "error: test:1: bad argument #2 to 'setmetatable' (nil or table expected, got number)"},
		{`setmetatable(setmetatable({}, {__metatable = 1}), {})`, "error: test:1: cannot change a protected metatable"},
		{`setmetatable(setmetatable({}, {__metatable = 1}), {__gc = print})`, "error: test:1: cannot change a protected metatable"},
		{`return getmetatable(setmetatable({}, nil)), getmetatable(debug.setmetatable({}, {__gc = print})).__gc == print`, "nil true"},
	})
}

func TestModules(t *testing.T) {
	l := newLab(t, Options{})
	write := func(name, src string) {
		if err := os.WriteFile(filepath.Join(l.dir, name), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("mine.lua", `return "mine"`)
	write("reads.lua", `local f = assert(io.popen("echo waited")) local s = f:read() f:close() return s`)
	write("code.lua", "\x1bLua")
	if err := l.LoadString(context.Background(), "path", `package.path = dir .. "?.lua;" .. package.path`); err != nil {
		t.Fatal(err)
	}
	l.cases(t, [][2]string{
		{`return (require("mine"))`, "mine"},
		{`return (pcall(require, "code"))`, "false"},
	})
	if err := l.LoadString(context.Background(), "main", `assert(require("reads") == "waited")`); err != nil {
		t.Fatal(err)
	}
	if w := l.warnings(); w != "" {
		t.Errorf("warned while loading: %s", w)
	}
	write("reads2.lua", `return io.popen("echo waited"):read()`)
	l.cases(t, [][2]string{{`return (require("reads2"))`, "waited"}})
	if w := l.warnings(); !strings.Contains(w, "reads2.lua:1: this call waits") {
		t.Errorf("no warning of a call that blocks: %q", w)
	}
}

func TestPrint(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l := newLab(t, Options{Stdout: w})
	l.cases(t, [][2]string{
		{`print("a", 1, nil, true, 1.5, setmetatable({}, {__tostring = function() return "obj" end})) print() io.write("x", 1, 2.0, 0.1, "\n") io.stdout:write("y\n"):write("z\n")`, ""},
		{`io.stdout:setvbuf("full") print("held") io.stdout:flush() io.stdout:setvbuf("line") io.write("li") io.write("ne\n") io.write("last")`, ""},
	})
	l.State.Close()
	l.lib.Close()
	w.Close()
	var got strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			break
		}
	}
	want := "a\t1\tnil\ttrue\t1.5\tobj\n\nx120.1\ny\nz\nheld\nline\nlast"
	if got.String() != want {
		t.Fatalf("got %q, want %q", got.String(), want)
	}
}

// A reader of standard output that does not read holds up who prints, and nobody else.
func TestPrintToAFullPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	l := newLab(t, Options{Stdout: w})
	fn, err := l.Load("=printer", `printing = true for i = 1, 100000 do print("a line of some length that fills the pipe", i) end`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, &vm.Run{Fn: fn, Kind: vm.KindTask}) }()
	for range 1000 {
		if _, err := l.eval(t, `return printing`); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	var e *vm.Error
	if err := <-done; !errors.As(err, &e) {
		t.Fatalf("the printer ended with %v", err)
	}
}
