package value

import (
	"bytes"
	"testing"
)

// FuzzDecode feeds the decoder bytes that C would never write; what it accepts must survive another round.
func FuzzDecode(f *testing.F) {
	for _, v := range []Value{Nil(), Bool(true), Int(-1), Num(1.5), Str("a\x00b"),
		Tab(&Table{Arr: []Value{Int(1), Tab(&Table{})}, Map: []Pair{{Str("k"), Str("v")}}})} {
		b, _ := Append(nil, v)
		f.Add(b)
	}
	f.Add(bytes.Repeat([]byte{tagTable, 1, 0, 0, 0, 0, 0, 0, 0}, 100))
	f.Add([]byte{tagStr, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, rest, err1 := Decode(b)
		same, err2 := Check(b)
		if (err1 == nil) != (err2 == nil) || !bytes.Equal(rest, same) {
			t.Fatalf("Decode: %v, %d bytes left; Check: %v, %d", err1, len(rest), err2, len(same))
		}
		vals, err := DecodeAll(nil, b)
		if err != nil {
			return
		}
		var again []byte
		for _, v := range vals {
			if again, err = Append(again, v); err != nil {
				return
			}
		}
		more, err := DecodeAll(nil, again)
		if err != nil || len(more) != len(vals) {
			t.Fatalf("%d values became %d, error %v", len(vals), len(more), err)
		}
	})
}
