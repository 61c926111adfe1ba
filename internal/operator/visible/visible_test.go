package visible

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"plain":                  "plain",
		"grün ✓":                 "grün ✓",
		"\x1b[31mred":            `\x1b[31mred`,
		"a\nb\tc\x7f":            `a\x0ab\x09c\x7f`,
		"\xff\xfe":               `\xff\xfe`,
		"\u009b31m":              `\u{9b}31m`,
		"a\u202eb":               `a\u{202e}b`,
		strings.Repeat("x", 100): strings.Repeat("x", 40) + "…",
		strings.Repeat("ä", 41):  strings.Repeat("ä", 40) + "…",
	} {
		if got := Text(in, 40); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzJSON: what comes out prints, and means what went in.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "a", "\x1b[2J", "\u202e", "\U000e0001", "\xff", "\u2028", "😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, err := json.Marshal([]string{s})
		if err != nil {
			t.Skip()
		}
		out := JSON(nil, text)
		for _, r := range string(out) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q has %q", out, r)
			}
		}
		var before, after []string
		if json.Unmarshal(text, &before) != nil || json.Unmarshal(out, &after) != nil || before[0] != after[0] {
			t.Fatalf("%q became %q", text, out)
		}
	})
}
