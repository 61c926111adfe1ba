package http1

import (
	"fmt"
	"strings"
	"testing"
)

func headersOf(m *Message) string {
	var b strings.Builder
	for i := range m.Len() {
		fmt.Fprintf(&b, "%s=%s|", m.Name(i), m.Value(i))
	}
	return b.String()
}

func TestHeaderEdits(t *testing.T) {
	tests := []struct {
		name string
		edit func(m *Message) bool
		want string
	}{
		{"nothing", func(m *Message) bool { return true }, "A=1|b=2|a=3|C=|"},
		{"add", func(m *Message) bool { return m.Add([]byte("X-New"), []byte("v")) }, "A=1|b=2|a=3|C=|X-New=v|"},
		{"set", func(m *Message) bool { return m.Set("a", []byte("v")) }, "b=2|C=|a=v|"},
		{"set from itself", func(m *Message) bool { return m.Set("A", m.Value(0)) }, "b=2|C=|A=1|"},
		{"set new", func(m *Message) bool { return m.SetString("n", "v") }, "A=1|b=2|a=3|C=|n=v|"},
		{"delete all of a name", func(m *Message) bool { return m.Del("A") == 2 }, "b=2|C=|"},
		{"delete what is not there", func(m *Message) bool { return m.Del("zz") == 0 }, "A=1|b=2|a=3|C=|"},
		{"delete one", func(m *Message) bool { m.DelAt(1); return true }, "A=1|a=3|C=|"},
		{"replace value", func(m *Message) bool { return m.SetValueAt(3, []byte("v")) }, "A=1|b=2|a=3|C=v|"},
		{"CR LF in a value", func(m *Message) bool { return !m.AddString("x", "a\r\nevil: b") }, "A=1|b=2|a=3|C=|"},
		{"NUL in a value", func(m *Message) bool { return !m.Set("a", []byte("\x00")) }, "A=1|b=2|a=3|C=|"},
		{"LF in a replaced value", func(m *Message) bool { return !m.SetValueAt(0, []byte("\n")) }, "A=1|b=2|a=3|C=|"},
		{"blank in a name", func(m *Message) bool { return !m.AddString("x y", "a") }, "A=1|b=2|a=3|C=|"},
		{"empty name", func(m *Message) bool { return !m.SetString("", "a") }, "A=1|b=2|a=3|C=|"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parseReq(t, "GET / HTTP/1.1\r\nA: 1\r\nb: 2\r\na: 3\r\nC:\r\n\r\n")
			if err != nil {
				t.Fatal(err)
			}
			if !tt.edit(m) {
				t.Error("the edit's result is wrong")
			}
			if got := headersOf(m); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := string(m.Raw()); got != "GET / HTTP/1.1\r\nA: 1\r\nb: 2\r\na: 3\r\nC:\r\n\r\n" {
				t.Errorf("Raw changed: %q", got)
			}
		})
	}
}

func TestFind(t *testing.T) {
	m, _ := parseReq(t, "GET / HTTP/1.1\r\nCookie: 1\r\nX-A: 2\r\ncookie: 3\r\n\r\n")
	if i := m.Find("COOKIE", 0); i != 0 {
		t.Errorf("first: %d", i)
	}
	if i := m.Find("cookie", 1); i != 2 {
		t.Errorf("next: %d", i)
	}
	if i := m.Find("cookie", 3); i != -1 {
		t.Errorf("past the end: %d", i)
	}
	if v, ok := m.Get("x-a"); !ok || string(v) != "2" {
		t.Errorf("Get: %q, %v", v, ok)
	}
}

// TestSlicesSurviveEdits: what an accessor gave stays what it was while headers are added.
func TestSlicesSurviveEdits(t *testing.T) {
	m, _ := parseReq(t, "GET / HTTP/1.1\r\nA: 1\r\n\r\n")
	m.AddString("first", "value")
	name, value := m.Name(1), m.Value(1)
	for i := range 100 {
		m.AddString("x", strings.Repeat("y", i))
	}
	if string(name) != "first" || string(value) != "value" {
		t.Errorf("got %q %q", name, value)
	}
}

func TestReset(t *testing.T) {
	var m Message
	for i := range 300 {
		m.AddString("x", strings.Repeat("y", 200+i))
	}
	m.Reset()
	if m.Len() != 0 || cap(m.arena) > arenaKeep || cap(m.hdr) > headersKeep {
		t.Errorf("after Reset: %d headers, arena of %d, room for %d headers", m.Len(), cap(m.arena), cap(m.hdr))
	}
}

func TestRebase(t *testing.T) {
	buf := []byte("GET /a HTTP/1.1\r\nA: 1\r\n\r\n")
	var m Message
	if _, err := m.ParseRequest(buf, testLimits); err != nil {
		t.Fatal(err)
	}
	moved := append([]byte(nil), buf...)
	clear(buf)
	m.Rebase(moved)
	if got, want := string(m.AppendHead(nil)), "GET /a HTTP/1.1\r\na: 1\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
