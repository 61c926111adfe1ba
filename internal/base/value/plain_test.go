package value

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	function := Raw(KindFunc, 1)
	tab := func(arr []Value, pairs ...Pair) Value { return Tab(&Table{Arr: arr, Map: pairs}) }
	for _, v := range []Value{Nil(), Bool(true), Int(1), Num(math.NaN()), Str("x"), Tab(nil), tab([]Value{Int(1), Tab(&Table{})}, Pair{Num(1.5), Str("x")})} {
		if err := Plain(v); err != nil {
			t.Errorf("%v: %v", v, err)
		}
	}
	for want, v := range map[string]Value{
		"it is a function":               function,
		"it is a userdata":               {Kind: KindOther},
		"[2] is a userdata":              tab([]Value{Int(1), Raw(KindOwned, 4)}),
		".items[1].f is a function":      tab(nil, Pair{Str("items"), tab([]Value{tab(nil, Pair{Str("f"), function})})}),
		`["a b"][-7] is a function`:      tab(nil, Pair{Str("a b"), tab(nil, Pair{Int(-7), function})}),
		`["\xff"][number] is a`:          tab(nil, Pair{Str("\xff"), tab(nil, Pair{Num(1.5), function})}),
		"[boolean] is a function":        tab(nil, Pair{Bool(true), function}),
		".x[a key] is a function":        tab(nil, Pair{Str("x"), tab(nil, Pair{function, Int(1)})}),
		`["` + strings.Repeat("k", 40):   tab(nil, Pair{Str(strings.Repeat("k", 1000)), function}),
		"numbers, strings and tables of": function,
	} {
		if err := Plain(v); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%v, wanted %q", err, want)
		}
	}
	deep := Int(1)
	for range maxDepth {
		deep = tab([]Value{deep})
	}
	if err := Plain(deep); err != nil {
		t.Error(err)
	}
	if err := Plain(tab([]Value{deep})); !errors.Is(err, ErrDepth) {
		t.Error(err)
	}
}

// FuzzPlain: what is plain is the same after it was encoded.
func FuzzPlain(f *testing.F) {
	b, _ := Append(nil, Tab(&Table{Arr: []Value{Int(1), Raw(KindFunc, 1)}, Map: []Pair{{Str("k"), Raw(KindOwned, 2)}}}))
	f.Add(b)
	f.Add([]byte{tagTable, 1, 0, 0, 0, 0, 0, 0, 0, tagNil})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := Decode(b)
		if err != nil || Plain(v) != nil {
			return
		}
		again, err := Append(nil, v)
		if err != nil || string(again) != string(b[:len(b)-len(rest)]) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
	})
}
