package payload

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode"

	"eddy/internal/base/value"
)

func table(arr []value.Value, pairs ...value.Value) value.Value {
	t := &value.Table{Arr: arr}
	for i := 0; i < len(pairs); i += 2 {
		t.Map = append(t.Map, value.Pair{Key: pairs[i], Value: pairs[i+1]})
	}
	return value.Tab(t)
}

func TestThereAndBack(t *testing.T) {
	for _, tt := range []struct {
		v    value.Value
		want string
	}{
		{value.Nil(), "null"},
		{value.Bool(true), "true"},
		{value.Int(1), "1"},
		{value.Int(math.MinInt64), "-9223372036854775808"},
		{value.Num(1), "1.0"},
		{value.Num(1.5e300), "1.5e+300"},
		{value.Num(math.Inf(1)), `{"$number":"inf"}`},
		{value.Num(math.Inf(-1)), `{"$number":"-inf"}`},
		{value.Str("a\"\\\n\x1b[31m\x7f\u202e"), `"a\"\\\n\u001b[31m\u007f\u202e"`},
		{value.Str("\xff"), `{"$base64":"/w=="}`},
		{table(nil), "{}"},
		{table([]value.Value{value.Int(1), value.Str("x")}), `[1,"x"]`},
		{table(nil, value.Str("to"), value.Str("a@b"), value.Str("n"), value.Int(2)), `{"to":"a@b","n":2}`},
		{table([]value.Value{value.Int(7)}, value.Str("k"), value.Bool(false)), `{"$table":[[1,7],["k",false]]}`},
		{table(nil, value.Int(5), value.Str("x")), `{"$table":[[5,"x"]]}`},
		{table(nil, value.Str("$x"), value.Int(1)), `{"$table":[["$x",1]]}`},
		{table(nil, value.Str("\xfe"), value.Int(1)), `{"$table":[[{"$base64":"/g=="},1]]}`},
	} {
		data, err := value.Append(nil, tt.v)
		if err != nil {
			t.Fatal(err)
		}
		text := JSON(data)
		if string(text) != tt.want {
			t.Errorf("wrote %s, want %s", text, tt.want)
		}
		again, err := Read(text)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s came back as %q (%v), want %q", text, again, err, data)
		}
	}
}

func TestWriteOdd(t *testing.T) {
	if got := JSON(nil); string(got) != "null" {
		t.Errorf("nothing is %s", got)
	}
	if got := JSON([]byte{0xff}); string(got) != `{"$broken":"/w=="}` {
		t.Errorf("broken is %s", got)
	}
	if got := Append(nil, value.Raw(value.KindFunc, 1)); string(got) != `{"$opaque":"function"}` {
		t.Errorf("a function is %s", got)
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "ends too early",
		"{":                         "ends too early",
		`{"a":1`:                    "ends too early",
		"{]":                        "not JSON",
		"1 2":                       "more behind",
		"\xff":                      "not UTF-8",
		"92233720368547758080":      "too large",
		"1e999":                     "too large",
		`{"$function":1}`:           "meaning of their own",
		`{"$opaque":"function"}`:    "cannot be written",
		`{"$base64":"!"}`:           "$base64",
		`{"$base64":1}`:             "meaning of their own",
		`{"$number":"x"}`:           "$number",
		`{"$table":1}`:              "array",
		`{"$table":[[1]]}`:          "array",
		`{"$table":[[null,1]]}`:     "a key is",
		`{"a":1,"$base64":""}`:      "beside",
		`{"$base64":"","a":1}`:      "beside",
		strings.Repeat("[", 100):    "nested",
		strings.Repeat(`{"a":`, 50): "nested",
	} {
		if data, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v; want an error with %q", text, data, err, want)
		}
	}
}

// FuzzRead: what is read can be written, printed, and read again as the same.
func FuzzRead(f *testing.F) {
	for _, s := range []string{`null`, `{"a":[1,2.0,"x",{"$base64":"/w=="}]}`, `{"$table":[[1,7],["k",{"$number":"nan"}]]}`,
		`{"$table":[[1,1],[2,2]]}`, `"\ud800"`, `[[[]]]`, `{"a":null}`, `1e5`, `-0.0`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		data, err := Read(text)
		if err != nil {
			return
		}
		written := JSON(data)
		if !json.Valid(written) {
			t.Fatalf("%q is not JSON", written)
		}
		for _, r := range string(written) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q has %q", written, r)
			}
		}
		again, err := Read(written)
		if err != nil {
			t.Fatalf("%q: %v", written, err)
		}
		if third := JSON(again); !bytes.Equal(third, written) {
			t.Fatalf("%q became %q", written, third)
		}
	})
}
