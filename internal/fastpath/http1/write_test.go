package http1

import (
	"bytes"
	"strings"
	"testing"
)

func TestBuildResponse(t *testing.T) {
	var m Message
	m.BuildResponse(302, "")
	m.AddString("Location", "/ok")
	if got, want := string(m.AppendHead(nil)), "HTTP/1.1 302 Found\r\nlocation: /ok\r\ncontent-length: 0\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	m.BuildResponse(200, "Fine")
	m.SetBody(BodyLength, 12)
	m.AddString("Content-Type", "text/plain")
	m.SetKeepAlive(false)
	if got, want := string(m.AppendHead(nil)), "HTTP/1.1 200 Fine\r\ncontent-length: 12\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	m.BuildResponse(204, "")
	if got, want := string(m.AppendHead(nil)), "HTTP/1.1 204 No Content\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	m.BuildResponse(200, "a\r\nb: c")
	if m.Status() != 500 {
		t.Errorf("a reason with a line break gave %d", m.Status())
	}
}

func TestSetStatus(t *testing.T) {
	var m Message
	m.BuildResponse(200, "")
	if !m.SetStatus(404, nil) || string(m.Reason()) != "Not Found" {
		t.Errorf("standard reason: %q", m.Reason())
	}
	if !m.SetStatus(299, []byte("So so")) || m.Status() != 299 || string(m.Reason()) != "So so" {
		t.Errorf("own reason: %d %q", m.Status(), m.Reason())
	}
	if m.SetStatus(99, nil) || m.SetStatus(1000, nil) || m.SetStatus(200, []byte("a\nb")) {
		t.Error("accepted what it must refuse")
	}
}

func TestBuildRequest(t *testing.T) {
	var m Message
	if !m.BuildRequest([]byte("GET"), []byte("/x"), 1) {
		t.Fatal("refused")
	}
	m.AddString("Host", "a")
	if got, want := string(m.AppendHead(nil)), "GET /x HTTP/1.1\r\nhost: a\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if m.BuildRequest([]byte("G T"), []byte("/x"), 1) || m.BuildRequest([]byte("GET"), []byte("/ x"), 1) {
		t.Error("accepted what it must refuse")
	}
}

func TestAppendLower(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	want := make([]byte, 256)
	for i := range want {
		want[i] = lower[i]
	}
	for n := range 40 {
		for at := 0; at+n <= 256; at += 13 {
			if got := appendLower([]byte("X"), all[at:at+n]); !bytes.Equal(got[1:], want[at:at+n]) {
				t.Fatalf("%q became %q", all[at:at+n], got[1:])
			}
		}
	}
}

func TestErrorPages(t *testing.T) {
	for _, status := range []int{200, 400, 401, 403, 404, 405, 407, 408, 410, 411, 413, 414, 421, 422, 425, 429, 431, 500, 501, 502, 503, 504, 505} {
		if !HasErrorPage(status) {
			t.Errorf("%d has no page", status)
		}
		var m Message
		page := ErrorPage(status)
		n, err := m.ParseResponse(page, testLimits, []byte("GET"))
		if err != nil || m.Status() != status || m.Length() != int64(len(page)-n) || m.KeepAlive() {
			t.Errorf("%d: %v, status %d, length %d of %d, keep-alive %v", status, err, m.Status(), m.Length(), len(page)-n, m.KeepAlive())
		}
		if !bytes.Equal(ErrorBody(status), page[n:]) {
			t.Errorf("%d: body %q", status, ErrorBody(status))
		}
		var built Message
		body := built.BuildError(status)
		built.SetKeepAlive(false)
		if got := string(append(built.AppendHead(nil), body...)); got != string(page) {
			t.Errorf("%d: built %q, page %q", status, got, page)
		}
	}
	want := "HTTP/1.1 400 Bad request\r\ncontent-length: 90\r\ncache-control: no-cache\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n" +
		"<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n"
	if got := string(AppendError(nil, 400)); got != want {
		t.Errorf("400: got %q, want %q", got, want)
	}
	if HasErrorPage(418) || !strings.HasPrefix(string(ErrorPage(418)), "HTTP/1.1 500 ") {
		t.Errorf("418: %q", ErrorPage(418))
	}
}

func TestStatusText(t *testing.T) {
	for code, want := range map[int]string{100: "Continue", 200: "OK", 302: "Found", 404: "Not Found", 408: "Request Time-out", 504: "Gateway Time-out", 299: "Success", 499: "Client Error", 600: "Unknown", 0: "Unknown", -1: "Unknown"} {
		if got := StatusText(code); got != want {
			t.Errorf("%d: got %q, want %q", code, got, want)
		}
	}
}
