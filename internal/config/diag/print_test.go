package diag

import (
	"strings"
	"testing"
)

func TestFprint(t *testing.T) {
	l := &List{}
	l.Warnf(Pos{File: "b.cfg", Line: 2, Col: 2}, "", "later file")
	l.Errorf(Pos{File: "a.cfg", Line: 3, Col: 4}, "do this", "tabs\x1bstay")
	l.Errorf(Pos{File: "a.cfg", Line: 1, Col: 180}, "", "far right")
	l.Errorf(Pos{}, "", "nowhere:\n\tnot here\n\tnor there\x1b")
	source := func(file string, line int) string {
		switch {
		case file == "a.cfg" && line == 3:
			return "\té x\x07y"
		case file == "a.cfg":
			return strings.Repeat("x", 179) + "HERE" + strings.Repeat("y", 100)
		}
		return ""
	}
	var b strings.Builder
	if err := Fprint(&b, l, false, source); err != nil {
		t.Fatal(err)
	}
	want := "b.cfg:2:2: warning: later file\n" +
		"a.cfg:1:180: error: far right\n  " + strings.Repeat("x", 79) + "HERE" + strings.Repeat("y", 77) + "\n  " + strings.Repeat(" ", 79) + "^\n" +
		"a.cfg:3:4: error: tabs?stay\n  \té x?y\n  \t ^\n  hint: do this\n" +
		"error: nowhere:\n    not here\n    nor there?\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if got := l.Summary(); got != "3 errors, 1 warning" {
		t.Errorf("summary %q", got)
	}
	b.Reset()
	if err := Fprint(&b, l, true, nil); err != nil || !strings.Contains(b.String(), "\x1b[1;31merror\x1b[0m") {
		t.Errorf("no colour in %q, %v", b.String(), err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"timeout client", "timeout connect", "bind", "option httplog"}
	for word, want := range map[string]string{"bnid": "bind", "timeout clent": "timeout client", "OPTION HTTPLOG": "option httplog", "zzz": "", "": ""} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
