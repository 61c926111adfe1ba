package lib

import (
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", "äöü€": "äöü€", "end\r\n": "end", "a\tb": "a b", "a\x00b": `a\x00b`, "\x1b[2J": `\x1b[2J`, "\x7f": `\x7f`,
		"\xff\xfe": `\xff\xfe`, "\u009b31m": `\u009b31m`, "\ufffd": "\ufffd", "a\nb": `a\nb`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Printable(strings.Repeat("x", 3*maxLog)); len(got) > maxLog+3 {
		t.Errorf("%d bytes", len(got))
	}
}
