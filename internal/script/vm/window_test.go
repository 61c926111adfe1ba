package vm

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestWindow(t *testing.T) {
	s := newState(t, Options{})
	if err := s.LoadPrelude("w", "_ENV.w = ..."); err != nil {
		t.Fatal(err)
	}
	view := &View{Handle: 7, Bytes: []byte("..\x01\x02\x03\x84\x05abc"), Spans: []uint32{0, 10, 2, 5, 7, 3, 8, 9, 4, 0}, Facts: []int64{11, -12}}
	for _, tt := range []struct{ expr, want string }{
		{"w.view_len(7, 1)", "5"},
		{"w.view_len(7, 4)", "0"},
		{"w.view_u8(7, 1, 3)", "132"},
		{"w.view_u16(7, 1, 0)", "258"},
		{"w.view_u24(7, 1, 0)", "66051"},
		{"w.view_u32(7, 1, 0)", "16909188"},
		{"w.view_bit(7, 1, 7)", "true"},
		{"w.view_bit(7, 1, 24)", "true"},
		{"w.view_bit(7, 1, 25)", "false"},
		{"w.view_sub(7, 2, 1)", "bc"},
		{"w.view_sub(7, 2, 1, 1)", "b"},
		{"w.view_sub(7, 2, 1, 99)", "bc"},
		{"w.view_sub(7, 4, 0)", ""},
		{"w.view_u32(7, 1, 2)", "offset 2 is outside of the 5 bytes"},
		{"w.view_u8(7, 1, -1)", "offset -1 is outside"},
		{"w.view_u8(7, 1, 5)", "offset 5 is outside"},
		{"w.view_bit(7, 1, 40)", "bit 40 is outside"},
		{"w.view_u8(7, 9, 0)", "there is no span 9"},
		{"w.view_len(7, 3)", "span 3 lies outside"},
		{"w.view_fact(7, 1)", "-12"},
		{"w.view_fact(7, 2)", "there is no fact 2"},
		{"w.view_fact(6, 0)", "these bytes are gone"},
		{"w.view_len(6, 1)", "these bytes are gone"},
	} {
		fn, err := s.Load("=test", "return tostring("+tt.expr+")")
		if err != nil {
			t.Fatal(err)
		}
		r := Run{Fn: fn, View: view}
		got := ""
		if err := s.Run(context.Background(), &r); err != nil {
			got = err.Error()
		} else {
			got, _ = r.Results[0].AsStr()
		}
		if got != tt.want && (len(tt.want) < 8 || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: got %q, want %q", tt.expr, got, tt.want)
		}
		r.View = nil
		if err := s.Run(context.Background(), &r); err == nil || !strings.Contains(err.Error(), "these bytes are gone") {
			t.Errorf("%s without a view: %v", tt.expr, err)
		}
	}
}

func TestEmit(t *testing.T) {
	s := newState(t, Options{})
	var got []string
	s.Register("now", func(c *Call) error {
		got = append(got, "now")
		return nil
	})
	if err := s.LoadPrelude("e", `
		local p = ...
		e = {one = p.emitter(1, "one", "ssn"), two = p.emitter(2, "two", "s?sn"), now = p.now}`); err != nil {
		t.Fatal(err)
	}
	read := func(e *Emitted) {
		for code, ok := e.Next(); ok; code, ok = e.Next() {
			a, b := e.Str(), e.Str()
			n, ok := e.Num()
			got = append(got, fmt.Sprintf("%d %s %q %v %v", code, a, b, n, ok))
		}
	}
	run := func(src string) error {
		got = got[:0]
		fn, err := s.Load("=test", src)
		if err != nil {
			t.Fatal(err)
		}
		return s.Run(context.Background(), &Run{Fn: fn, Emit: read})
	}
	if err := run(`e:one("g", "k", 2.5) e:two("g") e.now() e:one(1, 10/5, "3")`); err != nil {
		t.Fatal(err)
	}
	if want := `[1 g "k" 2.5 true 2 g "" 0 false now 1 1 "2" 3 true]`; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for src, want := range map[string]string{
		`e:one("g", nil, 1)`: "test:1: bad argument #2 to 'one' (string expected, got nil)",
		`e:one("g", "k")`:    "test:1: bad argument #3 to 'one' (number expected, got no value)",
		`e.one("g", "k", 1)`: "test:1: 'one' is a method: call it with ':'",
	} {
		if err := run(src); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", src, err, want)
		}
		if len(got) != 0 {
			t.Errorf("%s: emitted %v", src, got)
		}
	}
	// More than fits is given on in between, and nothing is lost when the script fails.
	n := 0
	fn, _ := s.Load("=test", `for i = 1, 10000 do e:one("group", "a key of some length", i) end error("x")`)
	err := s.Run(context.Background(), &Run{Fn: fn, Emit: func(e *Emitted) {
		for _, ok := e.Next(); ok; _, ok = e.Next() {
			e.Str()
			e.Str()
			e.Num()
			n++
		}
	}})
	if err == nil || n != 10000 {
		t.Errorf("%d emitted, %v", n, err)
	}
}

// BenchmarkHook is a packet hook: a function with two objects as arguments and bytes to look into.
func BenchmarkHook(b *testing.B) {
	s := newState(b, Options{})
	if err := s.LoadPrelude("h", `
		local p = ...
		local L = {} ; L.__index = L
		local u8 = p.view_u8
		function L:getbyte(i) return u8(self.h, 1, i) end
		layer = setmetatable({h = 1}, L)
		engine = {update_counter = p.emitter(1, "update_counter", "ssnn")}`); err != nil {
		b.Fatal(err)
	}
	layer, _ := s.Global("layer")
	engine, _ := s.Global("engine")
	for _, tt := range []struct{ name, body string }{
		{"empty", ""},
		{"byte", "if layer:getbyte(3) == 1 then n = n + 1 end"},
		{"counter", "engine:update_counter('{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}', 'key', 0, 1)"},
	} {
		b.Run(tt.name, func(b *testing.B) {
			main, err := s.Load("=test", "local n = 0; function f(engine, layer) "+tt.body+" end")
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Run(context.Background(), &Run{Fn: main}); err != nil {
				b.Fatal(err)
			}
			fn, _ := s.Global("f")
			r := Run{Fn: fn, Args: []Value{RefValue(engine), RefValue(layer)}, Burst: 1e9,
				View: &View{Handle: 1, Bytes: make([]byte, 64), Spans: []uint32{0, 64, 14, 20}},
				Emit: func(e *Emitted) {
					for _, ok := e.Next(); ok; _, ok = e.Next() {
						e.Str()
						e.Str()
						e.Num()
						e.Num()
					}
				}}
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Run(ctx, &r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
