package http1

import (
	"fmt"
	"testing"
)

func TestTargetParts(t *testing.T) {
	tests := []struct{ method, target, want string }{
		{"GET", "/a?b?c", "form 0 authority [] path [/a] pathq [/a?b?c] query [b?c] true"},
		{"GET", "/a?", "form 0 authority [] path [/a] pathq [/a?] query [] true"},
		{"GET", "/", "form 0 authority [] path [/] pathq [/] query [] false"},
		{"GET", "//a/b", "form 0 authority [] path [//a/b] pathq [//a/b] query [] false"},
		{"GET", "http://h:1/a?b", "form 1 authority [h:1] path [/a] pathq [/a?b] query [b] true"},
		{"GET", "http://u:p@q@h/a", "form 1 authority [h] path [/a] pathq [/a] query [] false"},
		{"GET", "http://h", "form 1 authority [h] path [] pathq [] query [] false"},
		{"GET", "http:///a", "form 1 authority [] path [/a] pathq [/a] query [] false"},
		{"GET", "*", "form 3 authority [] path [] pathq [] query [] false"},
		{"CONNECT", "h:443", "form 2 authority [h:443] path [] pathq [] query [] false"},
	}
	for _, tt := range tests {
		m, err := parseReq(t, tt.method+" "+tt.target+" HTTP/1.1\r\n\r\n")
		if err != nil {
			t.Errorf("%s: %v", tt.target, err)
			continue
		}
		q, ok := m.Query()
		got := fmt.Sprintf("form %d authority [%s] path [%s] pathq [%s] query [%s] %v", m.Form(), m.Authority(), m.Path(), m.PathQuery(), q, ok)
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.target, got, tt.want)
		}
	}
}

// TestReceived: rules don't change what was received.
func TestReceived(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"GET /a?b", "GET /a?b /a /a?b b true"},
		{"PUT http://h/a", "PUT http://h/a /a /a  false"},
		{"CONNECT h:443", "CONNECT h:443    false"},
		{"OPTIONS\t* ", "OPTIONS *    false"},
	} {
		m, err := parseReq(t, "\r\n"+tt.line+" HTTP/1.1\r\n\r\n")
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		for range 2 {
			r := m.Received()
			if got := fmt.Sprintf("%s %s %s %s %s %v", r.Method, r.Target, r.Path, r.PathQuery, r.Query, r.HasQuery); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.line, got, tt.want)
			}
			m.SetMethod([]byte("POST"))
			m.SetTarget([]byte("/other?x"))
		}
	}
}

func TestTargetEdits(t *testing.T) {
	path := func(s string) func(*Message) bool { return func(m *Message) bool { return m.SetPath([]byte(s)) } }
	pathq := func(s string) func(*Message) bool { return func(m *Message) bool { return m.SetPathQuery([]byte(s)) } }
	query := func(s string) func(*Message) bool { return func(m *Message) bool { return m.SetQuery([]byte(s)) } }
	target := func(s string) func(*Message) bool { return func(m *Message) bool { return m.SetTarget([]byte(s)) } }
	tests := []struct {
		name, target string
		edit         func(*Message) bool
		ok           bool
		want         string
	}{
		{"path", "/old?o=1", path("/n"), true, "/n?o=1"},
		{"path without query", "/old", path("/n"), true, "/n"},
		{"path of a URL", "http://a/old?o=1", path("/n"), true, "http://a/n?o=1"},
		{"path with blank", "/old?o=1", path("/a b"), false, "/old?o=1"},
		{"path with fragment", "/old?o=1", path("/a#b"), false, "/old?o=1"},
		{"empty path", "/old", path(""), false, "/old"},
		{"path and query", "/old?o=1", pathq("/n?z"), true, "/n?z"},
		{"path and query of a URL", "http://a/old?o=1", pathq("/n?z"), true, "http://a/n?z"},
		{"query", "/old?o=1", query("new"), true, "/old?new"},
		{"query where none was", "/old", query("new"), true, "/old?new"},
		{"query of a URL", "http://a/old?o=1", query("new"), true, "http://a/old?new"},
		{"empty query", "/old?o=1", query(""), true, "/old"},
		{"query with blank", "/old?o=1", query("a b"), false, "/old?o=1"},
		{"whole", "/old?o=1", target("/u?b"), true, "/u?b"},
		{"whole with line break", "/old", target("/u\r\n"), false, "/old"},
		{"whole, empty", "/old", target(""), false, "/old"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parseReq(t, "GET "+tt.target+" HTTP/1.1\r\nHost: a\r\n\r\n")
			if err != nil {
				t.Fatal(err)
			}
			m.Path() // splits it, so that a stale split would show
			if ok := tt.edit(m); ok != tt.ok {
				t.Errorf("the edit gave %v", ok)
			}
			if got := string(m.Target()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got, want := string(m.AppendHead(nil)), "GET "+tt.want+" HTTP/1.1\r\nhost: a\r\n\r\n"; got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
			var again Message
			if _, err := again.ParseRequest(m.AppendHead(nil), testLimits); err != nil {
				t.Errorf("what is sent is refused: %v", err)
			}
		})
	}
}

// TestHostFollowsTarget: target and Host never name different hosts in what is sent.
func TestHostFollowsTarget(t *testing.T) {
	m, _ := parseReq(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	m.SetTarget([]byte("http://u@b:81/c"))
	if got, want := string(m.AppendHead(nil)), "GET http://u@b:81/c HTTP/1.1\r\nhost: b:81\r\n\r\n"; got != want {
		t.Errorf("target edited: sent %q, want %q", got, want)
	}
	m, _ = parseReq(t, "GET http://u@a/x?y HTTP/1.1\r\nHost: a\r\n\r\n")
	m.SetString("host", "b:82")
	if got, want := string(m.AppendHead(nil)), "GET http://b:82/x?y HTTP/1.1\r\nhost: b:82\r\n\r\n"; got != want {
		t.Errorf("Host edited: sent %q, want %q", got, want)
	}
}
