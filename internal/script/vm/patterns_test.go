package vm

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// stockState is a state whose global stock is Lua's own string library, opened once more from the shared library that
// the test runs on. nil: it is linked statically.
func stockState(t testing.TB) *State {
	maps, _ := os.ReadFile("/proc/self/maps")
	lib := regexp.MustCompile(`/\S*liblua\S*\.so\S*`).FindString(string(maps))
	if lib == "" {
		t.Skip("Lua is not a shared library here: there is no second copy to compare with")
	}
	s := newState(t, Options{})
	if err := s.LoadPrelude("stock", `
		local mt = getmetatable("")
		stock = assert(package.loadlib("`+lib+`", "luaopen_string"))()
		debug.setmetatable("", mt)
		assert(stock.find ~= string.find and ("").find == string.find)`+compare); err != nil {
		t.Fatal(err)
	}
	return s
}

// compare(subject, pattern, repl, init, plain) gives what string and stock do differently, or nil.
const compare = `
local function show(...)
	local t = table.pack(...)
	for i = 1, t.n do t[i] = math.type(t[i]) == "integer" and t[i] or string.format("%q", tostring(t[i])) end
	return table.concat(t, " ")
end
local function all(lib, s, p, init)
	local t = {}
	for a, b in lib.gmatch(s, p, init) do
		t[#t + 1] = show(a, b)
		if #t > 50 then break end
	end
	return table.concat(t, ",")
end
function compare(s, p, repl, init, plain)
	local t = {a = "<%1>", b = 7, c = false, ab = "x", [1] = "pos"}
	local meta = setmetatable({}, {__index = function(_, k) return k ~= "b" and tostring(k):upper() end})
	for name, f in pairs {
		find = function(lib) return lib.find(s, p, init, plain) end,
		match = function(lib) return lib.match(s, p, init) end,
		gmatch = function(lib) return all(lib, s, p, init) end,
		gsub = function(lib) return lib.gsub(s, p, repl) end,
		["gsub n"] = function(lib) return lib.gsub(s, p, repl, 2) end,
		["gsub table"] = function(lib) return lib.gsub(s, p, t) end,
		["gsub meta"] = function(lib) return lib.gsub(s, p, meta) end,
		["gsub function"] = function(lib) return lib.gsub(s, p, function(...) return select("#", ...) .. show(...) end) end,
	} do
		local a, b = show(pcall(f, string)), show(pcall(f, stock))
		if a ~= b then
			return string.format("%s(%q, %q, %q, %s, %s): %s; stock Lua: %s", name, s, p, repl, init, plain, a, b)
		end
	end
end`

func TestPatternsAgainstStock(t *testing.T) {
	s := stockState(t)
	for _, src := range []string{`
	local subjects = {"", "a", "abc", "aaa", "hello world from Lua", "  trim me \t\n", "key = value; k2=v2", "THE (quick) fox",
		"f(a(b)c)d)e", "x^2 + $y %z", "[[nested]]", "\0\1\0abc\0", "a.b-c*d?e+f", "2026-11-22T06:30:00Z", "abababab", "äöü€",
		"aXb\nXc\n", "GET /path?q=1&r=%20 HTTP/1.1\r\nHost: a.example\r\n\r\n", ("ab"):rep(12), "]]-^", "(a)(b", "11 22 11"}
	local patterns = {"", "a", "abc", "b", ".", "a*", "a+", "a-", "a?", ".*", ".-", ".+", "^", "$", "^$", "^a", "a$", "^a*$", "a*$",
		"%a", "%A+", "%d+", "%D", "%s*", "%S+", "%w+", "%W", "%x+", "%p", "%c", "%g+", "%l", "%u", "%z", "%Z*",
		"[abc]", "[^abc]", "[a-c]+", "[^a-c]+", "[%a_][%w_]*", "[]]", "[^]]", "[]-a]", "[a-]", "[-a]", "[%]]", "[%-x]", "[a%-z]", "[%a-z]",
		"[^%s]", "[^]", "[]", "[", "[a", "[%", "[^", "[a%", "[%a", "%", "a%", "%b", "%b(", "%b()", "%bxx", "%b\0a", "%f", "%fa", "%f[", "%f[%w]", "%f[%w]%w+",
		"%f[%W]", "%f[^\0]", "%f[\0]", "(", ")", "()", "(a", "a)", "(a)", "(a*)(b*)", "(a(b)c)", "((a)(b))", "(()a())", "()(.)()", "%1", "(a)%1", "(.)%1", "(.+)%1", "()%1",
		"(a%1)", "%0", "(a)%2", "%9", "(.-)%s", "^%s*(.-)%s*$", "(%w+)%s*=%s*(%w+)", "([^&=]+)=([^&=]*)", "(%d+)-(%d+)-(%d+)", "%s%s", "**", "a**", "+", "?a", "-", "*",
		"a-b", "a.-b", "a.*b", "$a", "a$b", "^^", "a^", "[a]$", "x*()", "()x*", "%.", "%%", "%$", "%^", "%(", "a%-b", "\0", "[\0-\1]+", "%S-", ".-%s", "l+o?", "(l+)(o?)", "[a-z]-b",
		("a"):rep(250), ("x*"):rep(201), ("a?"):rep(190), ("a?"):rep(250), ("(a)"):rep(32), ("(a?)"):rep(33), ("()"):rep(32), ("()"):rep(33), (".-"):rep(5) .. "x", ("[a-z]"):rep(30), ("%w"):rep(100), ("(a*)"):rep(30),
		"(a?)(b?)(c?)(d?)%1", "((((((((a))))))))%8", "%u%l+", "[%u%s]+", "[^%u%s]+", "[+-]?%d+", "0x%x+", "%-%-", "a-$", "(.)(.)%2%1"}
	local repls = {"", "x", "%0", "%1", "<%0>", "%%", "%2", "[%1|%2]", "%", "a%", "%a", "%1%1", "%9"}
	for _, s in ipairs(subjects) do
		for i, p in ipairs(patterns) do
			local bad = compare(s, p, repls[i % #repls + 1], nil, false)
			if bad then return bad end
		end
	end
	for _, p in ipairs(patterns) do
		for _, r in ipairs(repls) do
			local bad = compare("hello (abc) = aa", p, r, nil, true)
			if bad then return bad end
		end
		for _, init in ipairs {-100, -3, -1, 0, 1, 2, 5, 16, 17, 100, math.mininteger, math.maxinteger} do
			local bad = compare("hello (abc) = aa", p, "%0", init, init % 2 == 0)
			if bad then return bad end
		end
	end`, `
	-- arguments
	for _, f in ipairs {
		function(l) return l.find() end, function(l) return l.find("a") end, function(l) return l.find("a", {}) end,
		function(l) return l.find("a", "a", "x") end, function(l) return l.find(12345, 34) end, function(l) return l.match(1.5, "%.") end,
		function(l) return l.gmatch("a") end, function(l) return l.gsub("a", "a") end, function(l) return l.gsub("a", "a", true) end,
		function(l) return l.gsub("a", "a", 5) end, function(l) return l.gsub("a", "a", "b", "x") end, function(l) return l.gsub("aaa", "a", "b", 2.0) end,
		function(l) return l.gsub("aaa", "a", "b", 0) end, function(l) return l.gsub("aaa", "a", "b", -1) end, function(l) return l.gsub("aaa", "a", "b", 2.5) end,
		function(l) return l.gsub("abc", "%w", function() return {} end) end, function(l) return l.gsub("abc", "%w", {a = print, b = {}}) end,
		function(l) return l.gsub("abc", "%w", {a = true}) end, function(l) return l.gsub("abc", "b", error) end,
		function(l) return l.gsub("hello", "", "-") end, function(l) return l.gsub("hello", "l*", "x") end, function(l) return l.gsub("a b  c", "%s*", "_") end,
		function(l) return l.gmatch("abc", "(") end, function(l) return l.gmatch("abc", "^a")() end, function(l) return l.gmatch("abc", "b", -1)() end,
		function(l) local f = l.gmatch("ab", ".") return f(), f(), f(), f() end,
		function(l) return #l.gsub(("x"):rep(100000), "x", "yy") end, function(l) return #l.gsub(("xy"):rep(50000), "%w%w", {xy = ("z"):rep(7)}) end,
	} do
		local function show(ok, ...)
			local t = table.pack(...)
			for i = 1, t.n do t[i] = tostring(t[i]):gsub("0x%x+", "ADDR"):gsub("stock%.", "string.") end
			return tostring(ok) .. " " .. table.concat(t, " ")
		end
		local a, b = show(pcall(f, string)), show(pcall(f, stock))
		if b:gsub("string%.", "") ~= a:gsub("string%.", "") then return a .. "; stock Lua: " .. b .. " (argument check)" end
	end`} {
		fn, err := s.Load("=test", src)
		if err != nil {
			t.Fatal(err)
		}
		r := Run{Fn: fn}
		if err := s.Run(context.Background(), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Results) > 0 {
			t.Error(show(r.Results[0]))
		}
	}
}

// Patterns put together at random from pieces that mean something.
func TestRandomPatternsAgainstStock(t *testing.T) {
	s := stockState(t)
	fn, err := s.Load("=test", `
	local seed = ...
	math.randomseed(seed)
	local pieces = {"a", "b", "c", ".", "%a", "%d", "%s", "[ab]", "[^a]", "[a-c%d]", "(", ")", "()", "%1", "%2", "*", "+", "-", "?", "^", "$", "%b()", "%f[%a]", "%", "[", "]", "%f", "%(", " "}
	local letters = {"a", "b", "c", "1", " ", "(", ")", "\0", "-"}
	local function some(list, n)
		local t = {}
		for i = 1, math.random(0, n) do t[i] = list[math.random(#list)] end
		return table.concat(t)
	end
	for i = 1, 5000 do
		local bad = compare(some(letters, 12), some(pieces, 7), some({"x", "%0", "%1", "%2", "%%", "%"}, 3), math.random(-14, 14), math.random() < 0.1)
		if bad then return bad end
	end`)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range 4 {
		r := Run{Fn: fn, Args: []Value{Int(int64(seed))}}
		if err := s.Run(context.Background(), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Results) > 0 {
			t.Errorf("seed %d: %s", seed, show(r.Results[0]))
		}
	}
}

func FuzzPatterns(f *testing.F) {
	s := stockState(f)
	fn, err := s.Global("compare")
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range [][3]string{{"hello world", "(%w+) (.-)$", "%2 %1"}, {"f(a(b))", "%b()", "<%0>"}, {"THE fox", "%f[%a]%a+", "x"},
		{"aaa", "(a-)%1", "%%"}, {"[x]", "[]%a-]+", ""}, {"a\x00b", "[\x00-\x1f]", "%0"}, {"key=val", "^(.-)=()", "%2"}} {
		f.Add(c[0], c[1], c[2], 1)
	}
	f.Fuzz(func(t *testing.T, subject, pattern, repl string, init int) {
		if len(subject) > 40 || len(pattern) > 20 { // stock Lua cannot be stopped
			return
		}
		r := Run{Fn: fn, Args: []Value{Str(subject), Str(pattern), Str(repl), Int(int64(init))}}
		if err := s.Run(context.Background(), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Results) > 0 && !r.Results[0].IsNil() {
			t.Fatal(show(r.Results[0]))
		}
	})
}

// What scripts rely on, told without stock Lua.
func TestPatterns(t *testing.T) {
	s := newState(t, Options{})
	for _, c := range []struct{ name, src, want, err string }{
		{"find", `return ("hello"):find("l+")`, "3 4", ""},
		{"find init", `return ("hello"):find("l", -2)`, "4 4", ""},
		{"find plain", `return ("a.b"):find(".", 1, true)`, "2 2", ""},
		{"match captures", `return ("k=v"):match("(%w)=(%w)()")`, "k v 4", ""},
		{"gmatch", `local t = {} for k, v in ("a=1, b=2"):gmatch("(%w)=(%w)") do t[#t+1] = k .. v end return t`, "{a1,b2,}", ""},
		{"gsub", `return ("hello world"):gsub("o", "0")`, "hell0 w0rld 2", ""},
		{"gsub table", `return ("$a $b"):gsub("%$(%w)", {a = 1})`, "1 $b 2", ""},
		{"error position", `return ("a"):find("%")`, "", "test:1: malformed pattern (ends with '%')"},
		{"capture index", `return ("a"):gsub("a", "%2")`, "", "test:1: invalid capture index %2 in replacement string"},
		{"replacement", `return ("a"):gsub("a", "%x")`, "", "test:1: invalid use of '%' in replacement string"},
		{"waiting callback", `return ("a b"):gsub("%w", function(c) return (go_sleep(1)) .. c end)`, "slepta sleptb 2", ""},
		{"waiting table", `return ("ab"):gsub("%w", setmetatable({}, {__index = function(_, k) return go_sleep(1) .. k end}))`, "sleptasleptb 2", ""},
		{"gsub in gsub", `return ("a b"):gsub("%w", function(c) return (("xyz"):gsub("[xz]", c)) end)`, "aya byb 2", ""},
		{"callback fills the cache", `return ("abab"):gsub("(%w)[b]", function(c) for i = 1, 500 do (""):find("[%a" .. i .. "]") end return c end)`, "aa 2", ""},
		{"long pattern", `return ((("ab"):rep(100)):gsub(("%w"):rep(50), "x"))`, "xxxx", ""},
		{"waits in a coroutine", `return coroutine.wrap(function() return (("a"):gsub("a", function() return (go_sleep(1)) end)) end)()`, "slept", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := eval(t, s, c.src)
			msg := ""
			if err != nil {
				msg = err.Error()
			}
			if c.name == "capture index" { // releases of 5.4 differ in the ending
				c.err = strings.TrimSuffix(c.err, " in replacement string")
			}
			if got != c.want || !strings.HasSuffix(msg, c.err) || (c.err == "") != (err == nil) {
				t.Fatalf("got %q, error %q; want %q, %q", got, msg, c.want, c.err)
			}
		})
	}
}

// Work beyond the first steps goes on off the lock, and comes to the same result.
func TestLongMatches(t *testing.T) {
	s := newState(t, Options{})
	for _, c := range []struct{ name, src, want string }{
		{"find", `return (("a"):rep(500) .. "c"):find(".-.-b")`, "nil"},
		{"find found", `local s = ("ab"):rep(200000) return s:find("(a)b$")`, "399999 400000 a"},
		{"plain", `local n = 3000000 local s = ("a"):rep(n) .. "b" return s:find(("a"):rep(2000) .. "b", 1, true), s:find("ab", 1, true)`, "2998001 3000000 3000001"},
		{"match", `return #(("x"):rep(1000000) .. "!"):match("(%w+)!")`, "1000000"},
		{"gmatch", `local n = 0 for w in (("word "):rep(50000)):gmatch("%a+") do n = n + 1 end return n`, "50000"},
		{"gmatch far", `local n = 0 for w in (("."):rep(500000) .. "w" .. ("."):rep(500000) .. "w"):gmatch("%a%f[^%a]") do n = n + 1 end return n`, "2"},
		{"gsub", `local s, n = (("word "):rep(50000)):gsub("%a+", "%0%0") return #s, n`, "450000 50000"},
		{"gsub table", `local s, n = (("word "):rep(50000)):gsub("%a+", {word = "x"}) return #s, n`, "100000 50000"},
		{"gsub function", `local s, n = (("word "):rep(50000)):gsub("%a+", function(w) return w .. "!" end) return #s, n`, "300000 50000"},
		{"gsub far", `local s, n = (("."):rep(500000) .. "w" .. ("."):rep(500000)):gsub("%a%f[^%a]", "") return #s, n`, "1000000 1"},
		{"in sort", `local r table.sort({1, 2}, function() r = (("a"):rep(500) .. "c"):find(".-.-b") end) return r`, "nil"},
		{"in sort, gsub", `local r table.sort({1, 2}, function() r = select(2, (("word "):rep(50000)):gsub("%a+", "")) end) return r`, "50000"},
		{"in sort, gmatch", `local r = 0 table.sort({1, 2}, function() for w in (("."):rep(500000)):gmatch("%a") do end r = r + 1 end) return r`, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := eval(t, s, c.src); got != c.want || err != nil {
				t.Fatalf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestCostlyPatternsAreStopped(t *testing.T) {
	for _, src := range []string{
		`("a"):rep(40):find((".-"):rep(12) .. "b")`,
		`while true do pcall(string.find, ("a"):rep(40), (".-"):rep(12) .. "b") end`,
		`("a"):rep(40):match(("a?"):rep(100) .. ("a"):rep(100))`,
		`for _ in ("a"):rep(40):gmatch((".-"):rep(12) .. "b") do end`,
		`("a"):rep(40):gsub((".-"):rep(12) .. "b", "")`,
		`("a"):rep(40):gsub((".-"):rep(12) .. "b", function() end)`,
		`table.sort({1, 2, 3}, function() while true do pcall(string.find, ("a"):rep(40), (".-"):rep(12) .. "b") end end)`,
		`local co = coroutine.wrap(function() ("a"):rep(40):find((".-"):rep(12) .. "b") end) while true do pcall(co) end`,
		`local s = ("x"):rep(100000) while true do s:gsub("x", "y") end`,
	} {
		t.Run(src, func(t *testing.T) {
			s := newState(t, Options{})
			fn, err := s.Load("=test", src)
			if err != nil {
				t.Fatal(err)
			}
			stopped := make(chan error, 1)
			go func() {
				stopped <- s.Run(context.Background(), &Run{Fn: fn, Kind: KindTask, Burst: 200 * time.Millisecond})
			}()
			var e *Error
			if err := <-stopped; !errors.As(err, &e) || !e.Timeout || !strings.Contains(e.Text, "execution time is over") {
				t.Fatalf("got %v", err)
			}
			if got, err := eval(t, s, `return ("after"):match("f%w")`); got != "ft" || err != nil {
				t.Fatalf("afterwards: %q, %v", got, err)
			}
		})
	}
}

// Other runs on the state go on while a match is under way: one that never ends on its own lets thousands by.
func TestCostlyPatternHoldsNobodyUp(t *testing.T) {
	s := newState(t, Options{})
	slow, _ := s.Load("=slow", `("a"):rep(40):find((".-"):rep(12) .. "b")`)
	quick, _ := s.Load("=quick", `return ("a-b"):match("%w-%-(%w)")`)
	ctx, cancel := context.WithCancel(context.Background())
	var running atomic.Bool
	running.Store(true)
	stopped := make(chan error, 1)
	go func() {
		err := s.Run(ctx, &Run{Fn: slow, Kind: KindTask})
		running.Store(false)
		stopped <- err
	}()
	for range 2000 {
		r := Run{Fn: quick}
		if err := s.Run(context.Background(), &r); err != nil || show(r.Results[0]) != "b" {
			t.Fatal(r.Results, err)
		}
	}
	if !running.Load() {
		t.Error("the slow match has ended by itself")
	}
	cancel()
	if err := <-stopped; err == nil || !strings.Contains(err.Error(), "the caller has gone") {
		t.Fatal(err)
	}
}

func TestKillStopsPattern(t *testing.T) {
	s := newState(t, Options{})
	slow, _ := s.Load("=slow", `started = true ("a"):rep(40):find((".-"):rep(12) .. "b")`)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Run(context.Background(), &Run{Fn: slow, Kind: KindTask}) }()
	for {
		if got, err := eval(t, s, `return started`); err != nil || got == "true" {
			break
		}
	}
	s.Kill()
	if err := <-stopped; err == nil {
		t.Fatal("no error")
	}
}

func BenchmarkPatterns(b *testing.B) {
	for _, c := range []struct{ name, body string }{
		{"find plain", `lib.find("GET /index.html HTTP/1.1", "HTTP", 1, true)`},
		{"find literal", `lib.find("GET /index.html HTTP/1.1", "HTTP")`},
		{"find class", `lib.find("GET /index.html HTTP/1.1", "%s(%S+)%s")`},
		{"match trim", `lib.match("   some text here   ", "^%s*(.-)%s*$")`},
		{"match date", `lib.match("2026-11-22", "(%d+)-(%d+)-(%d+)")`},
		{"match first", `lib.match("key", "^k")`},
		{"gmatch", `for k, v in lib.gmatch("a=1&b=2&c=3", "(%w+)=(%w+)") do end`},
		{"gsub text", `lib.gsub("hello world", "o", "0")`},
		{"gsub captures", `lib.gsub("hello world", "(%w+)", "<%1>")`},
		{"gsub function", `lib.gsub("hello world", "%w+", f)`},
		{"gsub table", `lib.gsub("hello world", "%w+", t)`},
		{"gsub escape", `lib.gsub("a b&c/d e", "[^%w]", f)`},
	} {
		for _, lib := range []string{"string", "stock"} {
			b.Run(c.name+"/"+lib, func(b *testing.B) {
				s := stockState(b)
				fn, err := s.Load("=bench", `local lib, f, t = `+lib+`, function(x) return x end, {hello = "bye"} for i = 1, 1000 do `+c.body+` end`)
				if err != nil {
					b.Fatal(err)
				}
				r := Run{Fn: fn}
				for b.Loop() {
					if err := s.Run(context.Background(), &r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
