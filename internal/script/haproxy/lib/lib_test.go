package lib

import (
	"testing"

	"eddy/internal/fastpath/patfile"
)

// TestSubRange wants the bounds of Lua's string.sub, "abcde" being the string.
func TestSubRange(t *testing.T) {
	tests := []struct {
		first, last int64
		want        string
	}{
		{1, 5, "abcde"}, {2, 3, "bc"}, {-2, 5, "de"}, {-2, -2, "d"}, {0, 2, "ab"}, {4, 99, "de"}, {6, 9, ""}, {9, 2, ""},
		{-99, 1, "a"}, {1, -6, ""}, {3, 2, ""},
	}
	for _, tt := range tests {
		first, last := subRange(tt.first, tt.last, 5)
		if got := "abcde"[first-1 : max(last, first-1)]; got != tt.want {
			t.Errorf("%d,%d: %q, want %q", tt.first, tt.last, got, tt.want)
		}
	}
}

func TestSplitServer(t *testing.T) {
	tests := []struct {
		server, host string
		port         int
		ok           bool
	}{
		{"mail.example.org:25", "mail.example.org", 25, true},
		{"[::1]:587", "::1", 587, true},
		{"127.0.0.1", "", 0, false},
		{"::1", "", 0, false},
		{"host:smtp", "host", 0, false},
	}
	for _, tt := range tests {
		host, port, ok := splitServer(tt.server)
		if ok != tt.ok || ok && (host != tt.host || port != tt.port) {
			t.Errorf("%s: %q %d %v", tt.server, host, port, ok)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	tests := []struct{ text, want string }{
		{"10.0.0.1", "10.0.0.1/32"}, {"10.0.0.1/8", "10.0.0.1/8"}, {"10.0.0.1/255.255.0.0", "10.0.0.1/16"}, {"::1/64", "::1/64"},
		{"", ""}, {"10.0.0.1/33", ""}, {"10.0.0.1/255.0.255.0", ""}, {"::1/255.0.0.0", ""}, {"10.0.0.1/x", ""}, {"fe80::1%eth0", ""},
	}
	for _, tt := range tests {
		n, ok := parseNetwork(tt.text)
		if ok != (tt.want != "") || ok && n.String() != tt.want {
			t.Errorf("%q: %v %v", tt.text, n, ok)
		}
	}
}

// TestLookupTypes gives keys that are none of the map's type.
func TestLookupTypes(t *testing.T) {
	store := &patfile.Store{}
	f, err := store.Open("virt@m", true)
	if err != nil {
		t.Fatal(err)
	}
	f.Add("10", "ten")
	for _, tt := range []struct {
		method patfile.Method
		key    string
		want   string
	}{{patfile.Int, "10", "ten"}, {patfile.Int, " 10 ", "ten"}, {patfile.Int, "x", ""}, {patfile.Str, "10", "ten"}, {patfile.Str, "x", ""}} {
		if got, _ := lookup(f.View(tt.method, false, nil), []byte(tt.key)); got != tt.want {
			t.Errorf("%v %q: %q, want %q", tt.method, tt.key, got, tt.want)
		}
	}
}
