package vm

import (
	"context"
	"strings"
	"testing"
)

// packer registers pack(name, value), which leaves what it packed in *out.
func packer(t *testing.T, s *State, out **Packed) {
	t.Helper()
	s.Register("pack", func(c *Call) (err error) {
		*out, err = c.Pack(2, c.Str(1))
		return err
	})
	if err := s.LoadPrelude("pack", "local p = ... ; _ENV.pack = p.pack; _G.T = {util = {twice = function(n) return 2*n end}}"); err != nil {
		t.Fatal(err)
	}
	if err := s.KeepKnown(); err != nil {
		t.Fatal(err)
	}
}

func TestTravel(t *testing.T) {
	for _, tt := range []struct{ name, script, arg, want string }{
		{"code", `pack("f", function(x) return x .. "!" end)`, "a", "a!"},
		{"captured", `local p, n, t = "/tmp/", 7, {1, {k = "v"}}; pack("f", function(x) return p .. x .. n .. t[2].k end)`, "a", "/tmp/a7v"},
		{"function of functions", `local function g(x) return x .. "g" end; local t = {g = g}; pack("f", function(x) return t.g(g(x)) end)`, "a", "agg"},
		{"recursive", `local function f(n) if n == 0 then return "" end return "x" .. f(n - 1) end; pack("f", function() return f(3) end)`, "a", "xxx"},
		{"shared variable", `local n = 0; local function up() n = n + 1 end; pack("f", function() up() up() return tostring(n) end)`, "a", "2"},
		{"table in a table twice", `local a = {}; local t = {a, a, self = a}; pack("f", function() t[1].x = "y"; return t[2].x .. t.self.x end)`, "a", "yy"},
		{"cycle", `local t = {}; t.t = t; t.v = "v"; pack("f", function() return t.t.t.t.v end)`, "a", "v"},
		{"metatable", `local C = {}; C.__index = C; function C:hi() return "hi " .. self.n end; local o = setmetatable({n = "n"}, C); pack("f", function() return o:hi() end)`, "a", "hi n"},
		{"library function", `local f = string.format; pack("f", function(x) return f("%s-%d", x, 5) end)`, "a", "a-5"},
		{"library table", `local s = string; local T = T; pack("f", function(x) return s.upper(x) .. T.util.twice(4) end)`, "a", "A8"},
		{"globals are the worker's", `g = "theirs"; pack("f", function() return tostring(g) end)`, "a", "nil"},
		{"integers and floats", `local i, f, b, e = 1 << 62, 0.5, true, nil; pack("f", function() return i .. " " .. f .. tostring(b) .. tostring(e) end)`, "a", "4611686018427387904 0.5truenil"},
		{"name in messages", `pack("f", function() local ok, e = pcall(function() error("oops") end) return e end)`, "a", "test:1: oops"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, to := newState(t, Options{}), newState(t, Options{})
			var p, q *Packed
			packer(t, from, &p)
			packer(t, to, &q)
			if err := from.LoadString(context.Background(), "test", tt.script); err != nil {
				t.Fatal(err)
			}
			fn, err := to.Unpack(p)
			if err != nil {
				t.Fatal(err)
			}
			r := Run{Fn: fn, Args: []Value{Str(tt.arg)}}
			if err := to.Run(context.Background(), &r); err != nil {
				t.Fatal(err)
			}
			if got, _ := r.Results[0].AsStr(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTravelRefuses(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"userdata", `local h = io.stdout; pack("onexecute", function() return h end)`, "'h' can't travel: it is a userdata"},
		{"userdata in a table", `local t = {a = {h = io.stdout}}; pack("onexecute", function() return t end)`, "'t.a.h' can't travel"},
		{"coroutine", `local co = coroutine.create(print); pack("onexecute", function() return co end)`, "'co' can't travel: it is a coroutine"},
		{"C function of its own", `local f = string.gmatch("a", "a"); pack("onexecute", function() return f end)`, "'f' can't travel: it is a C function"},
		{"object", `local o = setmetatable({}, {__name = "an engine", __travel = false}); pack("onexecute", function() return o end)`, "'o' can't travel: it is an engine"},
		{"too deep", `local t = {}; local u = t; for i = 1, 1000 do u.u = {}; u = u.u end; pack("onexecute", function() return t end)`, "nested too deep"},
		{"too big", `local s = string.rep("x", 20 << 20); pack("onexecute", function() return s end)`, "'s' is too big to travel"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newState(t, Options{})
			var p *Packed
			packer(t, s, &p)
			err := s.LoadString(context.Background(), "test", tt.script)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "test:1: ") {
				t.Errorf("%q does not begin with the script's line", err)
			}
		})
	}
}

// What only one of two states knows is named, so that the caller can refuse it in time.
func TestTravelKnownUse(t *testing.T) {
	from, to := newState(t, Options{}), newState(t, Options{})
	var p *Packed
	if err := from.LoadPrelude("lib", "local p = ...; _ENV.only = {here = function() end}"); err != nil {
		t.Fatal(err)
	}
	packer(t, from, &p)
	if err := from.LoadString(context.Background(), "test", `local f = only.here; pack("f", function() return f() end)`); err != nil {
		t.Fatal(err)
	}
	var missing []KnownUse
	for _, k := range p.Known {
		if !to.Knows(k.Name) {
			missing = append(missing, k)
		}
	}
	// "_G" is known nowhere in the other state, where KeepKnown was not called.
	if len(missing) == 0 || missing[0] != (KnownUse{"only.here", "f"}) {
		t.Errorf("missing: %+v", missing)
	}
	if _, err := to.Unpack(p); err == nil || !strings.Contains(err.Error(), "'only.here' does not exist here") {
		t.Errorf("unpacked with %v", err)
	}
}

func TestUnpackDamaged(t *testing.T) {
	s := newState(t, Options{})
	var p *Packed
	packer(t, s, &p)
	if err := s.LoadString(context.Background(), "test", `local t = {1, 2, "three"}; pack("t", t)`); err != nil {
		t.Fatal(err)
	}
	for n := range len(p.b) {
		if _, err := s.Unpack(&Packed{b: p.b[:n]}); err == nil {
			t.Errorf("%d of %d bytes were taken", n, len(p.b))
		}
	}
}
