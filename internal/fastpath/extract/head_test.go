package extract

import (
	"slices"
	"strings"
	"testing"

	"eddy/internal/fastpath/flow"
)

func TestHead(t *testing.T) {
	raw := "POST  /a?b HTTP/1.1 \r\nHost: example.com\r\n X: folded \r\n\tonce more\r\nno header\r\n: no name\r\nEmpty:\r\n" +
		"Content-Type :text/html \nhost: second\r\r\n\r\nNot: a header"
	h, _ := parseHead(raw, 7, false)
	if h.Method != "POST" || h.Target != "/a?b" || h.Version != "HTTP/1.1" || h.Raw != raw || h.Time != 7 {
		t.Errorf("%+v", h)
	}
	want := []Header{{"Host", "example.com X: folded once more"}, {"Empty", ""}, {"Content-Type", "text/html"}, {"host", "second"}}
	if !slices.Equal(h.Headers, want) {
		t.Errorf("%q, want %q", h.Headers, want)
	}
	if v, ok := h.Get("content-TYPE"); v != "text/html" || !ok {
		t.Errorf("Get gives %q, %v", v, ok)
	}
	if v, ok := h.Get("Content-Typo"); ok {
		t.Errorf("Get gives %q", v)
	}
}

func TestStatusLine(t *testing.T) {
	tests := []struct {
		line    string
		status  int
		version string
		reason  string
	}{
		{"HTTP/1.1 200 OK", 200, "HTTP/1.1", "OK"},
		{"HTTP/1.0  404   Not here ", 404, "HTTP/1.0", "Not here"},
		{"HTTP/1.1 204", 204, "HTTP/1.1", ""},
		{"HTTP/1.1 2000 OK", 0, "HTTP/1.1", "OK"},
		{"HTTP/1.1 2x0 OK", 0, "HTTP/1.1", "OK"},
		{"HTTP/1.1", 0, "HTTP/1.1", ""},
	}
	for _, test := range tests {
		h, _ := parseHead(test.line+"\r\n\r\n", 0, true)
		if h.Status != test.status || h.Version != test.version || h.Reason != test.reason {
			t.Errorf("%q is %+v", test.line, h)
		}
	}
}

func TestLooks(t *testing.T) {
	tests := []struct {
		first string
		dir   flow.Dir
		want  bool
	}{
		{"GET / HTTP/1.1\r\n", flow.ToServer, true},
		{"\r\nGET / HTTP/1.1\r\n", flow.ToServer, true},
		{"G", flow.ToServer, true},
		{"POST /long", flow.ToServer, true},
		{"POST ", flow.ToServer, true},
		{"GET /\r\n", flow.ToServer, true},
		{"BREW /pot HTTP/1.0\n", flow.ToServer, true},
		{"TRACE\r\nHost: a\r\n", flow.ToServer, true},
		{"\xdf\xc2 / HTTP/1.1\r\n", flow.ToServer, true},
		{"PRI * HTTP/2.0\r\n\r\n", flow.ToServer, false},
		{"OPTIONS rtsp://h RTSP/1.0\r\n", flow.ToServer, false},
		{"USER joe\r\n", flow.ToServer, false},
		{"EHLO host\r\n", flow.ToServer, false},
		{"SSH-2.0-OpenSSH_9\r\n", flow.ToServer, false},
		{"\x16\x03\x01\x02\x00", flow.ToServer, false},
		{"GETTING", flow.ToServer, false},
		{"HTTP/1.1 200 OK\r\n", flow.ToClient, true},
		{"HTTP/1.0 4", flow.ToClient, true},
		{"HT", flow.ToClient, true},
		{"HTTP/2 200", flow.ToClient, false},
		{"HTTP/1.1 OK", flow.ToClient, false},
		{"220 mail ready\r\n", flow.ToClient, false},
		{strings.Repeat("x", 5000), flow.ToServer, false},
	}
	for _, test := range tests {
		if got := Looks([]byte(test.first), test.dir); got != test.want {
			t.Errorf("%.30q in direction %d looks like HTTP: %v", test.first, test.dir, got)
		}
	}
}

func TestTunnel(t *testing.T) {
	conn := NewPool(Options{}).Conn(newRecorder(t))
	conn.Data(flow.ToServer, 1, []byte("CONNECT h:1 HTTP/1.1\r\n\r\n"))
	conn.Data(flow.ToClient, 1, []byte("HTTP/1.1 200 O"))
	if conn.Tunnel() {
		t.Error("a tunnel before the answer")
	}
	conn.Data(flow.ToClient, 1, []byte("K\r\n\r\n"))
	if !conn.Tunnel() {
		t.Error("no tunnel behind the answer")
	}
	conn.Close()
}
