package stream

import (
	"io"
	"net/http"
	"testing"
)

func TestRedirect(t *testing.T) {
	r := newRig(t, nil, func(s *setup) { s.cfg.HTTPReq = redirect("/ok") })
	got, closed := r.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if want := "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /ok\r\n\r\n"; got != want || closed {
		t.Errorf("got %q (closed %v), want %q", got, closed, want)
	}
}

func TestProxy(t *testing.T) {
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header()["Date"] = nil
		w.Header().Set("X-Path", r.URL.Path)
		_, _ = w.Write(append([]byte("hi "), b...))
	})
	r := newRig(t, []string{srv})
	c := r.dial()
	for range 3 {
		_, _ = io.WriteString(c, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
		got, _ := readQuiet(c)
		if want := "HTTP/1.1 200 OK\r\nx-path: /a\r\ncontent-length: 6\r\ncontent-type: text/plain; charset=utf-8\r\n\r\nhi abc"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
