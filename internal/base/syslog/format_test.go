package syslog

import (
	"os"
	"strings"
	"testing"
	"time"
)

// The lines are those that HAProxy 2.6 sends for the same configuration, except for the text's control bytes, which
// HAProxy passes on.
func TestFormats(t *testing.T) {
	at := time.Date(2026, 11, 2, 6, 18, 55, 231591000, time.UTC)
	tests := []struct {
		format Format
		host   string
		want   string
	}{
		{Local, "", "<134>Nov  2 06:18:55 mytag[10123]: hello\n"},
		{RFC3164, "", "<134>Nov  2 06:18:55 localhost mytag[10123]: hello\n"},
		{RFC3164, "web1", "<134>Nov  2 06:18:55 web1 mytag[10123]: hello\n"},
		{RFC5424, "", "<134>1 2026-11-02T06:18:55.231591+00:00 - mytag 10123 - - hello\n"},
		{RFC5424, "web1", "<134>1 2026-11-02T06:18:55.231591+00:00 web1 mytag 10123 - - hello\n"},
		{Priority, "", "<134>hello\n"},
		{Short, "", "<6>hello\n"},
		{Timed, "", "<6>2026-11-02T06:18:55.231591+00:00 hello\n"},
		{ISO, "", "2026-11-02T06:18:55.231591+00:00 hello\n"},
		{Raw, "", "hello\n"},
	}
	for _, tt := range tests {
		t.Run(FormatNames()[tt.format]+tt.host, func(t *testing.T) {
			target := Target{Network: "udp", Format: tt.format, Facility: 16}
			f := newFormatter(target, Options{Tag: "mytag", Host: tt.host, PID: 10123})
			got := string(f.appendLine(nil, at, Info, "", []byte("hello\n")))
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			other := string(f.appendLine([]byte("before"), at.Add(time.Hour), Info, "", []byte("hello")))
			if !strings.HasPrefix(other, "before") || strings.Contains(tt.want, "06:18") && strings.Contains(other, "06:18") {
				t.Errorf("an hour later: %q", other)
			}
		})
	}
}

func TestMessageText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "a b", "a b"},
		{"control bytes", "a\nb\r\x1b[31m\x00\x7f", "a#0Ab#0D#1B[31m#00#7F"},
		{"tab stays", "a\tb", "a\tb"},
		{"utf-8 stays", "é", "é"},
		{"control characters above ASCII", "a\u009b31m\u0085b\xc2", "a#C2#9B31m#C2#85b\xc2"},
		{"what is like them stays", "\u00a0\u00c2\u20ac\U0001f600À", "\u00a0\u00c2\u20ac\U0001f600À"},
		{"final newlines go", "a\r\n\n", "a"},
		{"empty", "", ""},
		{"cut at the length", strings.Repeat("x", 500), strings.Repeat("x", 119)},
		{"an escape is not cut in two", strings.Repeat("x", 118) + "\n.", strings.Repeat("x", 118)},
		{"escapes count", strings.Repeat("\x01", 500), strings.Repeat("#01", 39)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFormatter(Target{Network: "udp", Format: Raw, MaxLen: 120}, Options{})
			got := string(f.appendLine(nil, time.Time{}, Info, "", []byte(tt.in)))
			if got != tt.want+"\n" {
				t.Errorf("got  %q\nwant %q", got, tt.want+"\n")
			}
		})
	}
	t.Run("a tag longer than the line", func(t *testing.T) {
		f := newFormatter(Target{Network: "udp", MaxLen: 80}, Options{})
		if got := f.appendLine(nil, time.Time{}, Info, strings.Repeat("t", 200), []byte("x")); len(got) != 80 {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	})
	t.Run("descriptors are not cut", func(t *testing.T) {
		f := newFormatter(Target{Network: "fd", FD: 1, Format: Raw, MaxLen: 80}, Options{})
		if got := f.appendLine(nil, time.Time{}, Info, "", make([]byte, 3000)); len(got) != 9001 {
			t.Errorf("%d bytes", len(got))
		}
	})
}

func TestOwnHostName(t *testing.T) {
	want, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	if got := (Options{Host: "*"}).withDefaults().Host; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNames(t *testing.T) {
	if l, ok := ParseLevel("warning"); !ok || l != Warning {
		t.Errorf("warning: %d %v", l, ok)
	}
	if f, ok := ParseFacility("local7"); !ok || f != 23 {
		t.Errorf("local7: %d %v", f, ok)
	}
	if f, ok := ParseFormat("raw"); !ok || f != Raw {
		t.Errorf("raw: %d %v", f, ok)
	}
	if _, ok := ParseFormat("fancy"); ok {
		t.Error("fancy is a format")
	}
}

func FuzzRing(f *testing.F) {
	f.Add([]byte{3, 200, 0, 1, 1, 255, 7})
	f.Fuzz(func(t *testing.T, ops []byte) {
		r := newRing(6000)
		var model [][]byte
		for i, op := range ops {
			if op < 100 {
				got, ok := r.pop(nil)
				if ok != (len(model) > 0) {
					t.Fatalf("pop %d: %v with %d lines", i, ok, len(model))
				}
				if ok {
					if string(got) != string(model[0]) {
						t.Fatalf("pop %d: %d bytes, want %d", i, len(got), len(model[0]))
					}
					model = model[1:]
				}
				continue
			}
			line := make([]byte, int(op-100)*9)
			for j := range line {
				line[j] = byte(i + j)
			}
			used := 0
			for _, l := range model {
				used += len(l) + lengthBytes
			}
			if ok := r.push(line); ok != (used+len(line)+lengthBytes <= 6000) {
				t.Fatalf("push %d of %d bytes onto %d: %v", i, len(line), used, ok)
			} else if ok {
				model = append(model, line)
			}
		}
	})
}
