package vm

import (
	"context"
	"testing"
	"time"

	"eddy/internal/base/value"
)

// FuzzBoundary sends values built from the input through Lua and back: they must come back as they went.
func FuzzBoundary(f *testing.F) {
	f.Add([]byte("\x05\x03\x00\x00\x00abc"))
	f.Add([]byte{tagTable, 2, 0, 0, 0, 1, 0, 0, 0, tagTrue, tagNil, tagInt, 1, 2, 3, 4, 5, 6, 7, 8, tagFalse})
	s, err := New(Options{MaxMem: 256 << 20})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	s.Register("take", func(c *Call) error {
		v, err := c.Value(1)
		if err != nil {
			return err
		}
		c.Int(1)
		c.Num(1)
		c.Str(1)
		c.Object(1)
		return c.PushValue(v)
	})
	if err := s.LoadPrelude("p", `local t = ... function echo(...) local r = table.pack(...) for i = 1, r.n do r[i] = t.take(r[i]) end return table.unpack(r, 1, r.n) end`); err != nil {
		f.Fatal(err)
	}
	echo, err := s.Global("echo")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		vals, err := value.DecodeAll(nil, b)
		if err != nil || len(vals) > 50 {
			return
		}
		for i := range vals {
			if foreign(vals[i]) {
				return
			}
		}
		r := Run{Fn: echo, Args: vals, Burst: 5 * time.Second}
		if err := s.Run(context.Background(), &r); err != nil {
			if e, ok := err.(*Error); ok && !e.Timeout {
				return // too deep, too big: told, not crashed
			}
			t.Fatal(err)
		}
		if len(r.Results) != len(vals) {
			t.Fatalf("%d values came back as %d", len(vals), len(r.Results))
		}
		for i := range vals {
			if vals[i].Kind != KindTable && vals[i].Kind != KindOther && vals[i] != r.Results[i] {
				t.Fatalf("%v came back as %v", vals[i], r.Results[i])
			}
		}
	})
}

// foreign finds references and handles, which only Go itself may make up.
func foreign(v Value) bool {
	switch v.Kind {
	case KindFunc, KindOwned:
		return true
	case KindTable:
		t, _ := v.AsTable()
		for _, x := range t.Arr {
			if foreign(x) {
				return true
			}
		}
		for _, p := range t.Map {
			if foreign(p.Key) || foreign(p.Value) {
				return true
			}
		}
	}
	return false
}
