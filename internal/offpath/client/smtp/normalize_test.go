package smtp

import (
	"bytes"
	"strings"
	"testing"
)

func TestNormalize(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"CRLF stays", "a\r\nb\r\n", "a\r\nb\r\n"},
		{"LF", "a\nb\n", "a\r\nb\r\n"},
		{"CR", "a\rb\r", "a\r\nb\r\n"},
		{"mixed", "a\r\n\rb\n\r\nc", "a\r\n\r\nb\r\n\r\nc\r\n"},
		{"no final newline", "a", "a\r\n"},
		{"smuggled end", "a\n.\nMAIL FROM:<x>\r.\rb", "a\r\n.\r\nMAIL FROM:<x>\r\n.\r\nb\r\n"},
		{"longest line", x(998), x(998) + "\r\n"},
		{"long line", x(999), x(998) + "\r\n x\r\n"},
		{"very long line", x(998 + 997 + 1), x(998) + "\r\n " + x(997) + "\r\n x\r\n"},
		{"not inside a letter", x(997) + "éa", x(997) + "\r\n éa\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(normalize([]byte(tt.in))); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add([]byte("a\r\n.\n\r"))
	f.Add(bytes.Repeat([]byte{0xc3, 0xa9}, 1500))
	f.Add(bytes.Repeat([]byte{0x80}, 3000))
	f.Fuzz(func(t *testing.T, in []byte) {
		out := normalize(in)
		for line := range bytes.SplitSeq(out, []byte("\r\n")) {
			if bytes.ContainsAny(line, "\r\n") || len(line) > maxLine {
				t.Fatalf("line of %d bytes: %q", len(line), line)
			}
		}
		if len(out) > 0 && !bytes.HasSuffix(out, []byte("\r\n")) {
			t.Fatalf("no newline at the end of %q", out)
		}
		if again := normalize(out); !bytes.Equal(again, out) {
			t.Fatalf("not stable: %q", again)
		}
	})
}
