package native

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"

	"eddy/internal/base/value"
)

// FuzzMail reads any payload. What is accepted makes a mail that has the headers that it should have.
func FuzzMail(f *testing.F) {
	for _, v := range []value.Value{
		tab("server", "h:25", "from", "a@b", "to", "c@d", "subject", "s\tü", "body", "b\n.\n"),
		tab("server", "h", "port", 25, "from", "N <a@b>", "to", list("c@d", "<e@f>"), "headers", tab("X-A", list("1", "2"), "From", "Ü <x@y>, z@y")),
		tab("server", "h", "from", "\"a\\\"\"@b", "to", "\"x y\"@d", "message", "A: b\n\nc", "user", "u", "password", "p", "tls", true),
		tab("server", "[::1]:x", "from", "a\r\n", "to", list()),
	} {
		f.Add(data(f, v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		j := newJob(b)
		m, err := readMail(j)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
		for _, s := range append([]string{m.Server, m.Domain, m.From, m.Auth.User}, m.To...) {
			if strings.ContainsAny(s, "\r\n\x00") {
				t.Fatalf("%q", s)
			}
		}
		v, _, _ := value.Decode(b)
		tab, _ := v.AsTable()
		if raw, _ := asText(tab.Get("message")); raw != "" {
			return
		}
		head, _, _ := bytes.Cut(m.Data, []byte("\n\n"))
		if bytes.ContainsAny(head, "\r\x00") {
			t.Fatalf("%q", head)
		}
		parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
		if err != nil {
			t.Fatalf("%v: %q", err, m.Data)
		}
		given := 0
		if headers, ok := tab.Get("headers").AsTable(); ok && headers != nil {
			for _, h := range headers.Map {
				given++
				if list, ok := h.Value.AsTable(); ok && list != nil {
					given += len(list.Arr)
				}
			}
		}
		got := 0
		for _, values := range parsed.Header {
			got += len(values)
		}
		if got > given+8 {
			t.Fatalf("%d headers of %d: %q", got, given, m.Data)
		}
	})
}

// FuzzWebhook reads any payload. What is accepted asks a web server, and cannot be two requests.
func FuzzWebhook(f *testing.F) {
	for _, v := range []value.Value{
		tab("url", "http://h/p?q#f", "method", "PUT", "headers", tab("X-A", list("1", "2")), "body", "b", "expect", list("200"), "redirects", 3, "timeout", 1.5),
		tab("url", "https://u:p@[::1%25x]:443/%0a", "user", "u", "password", "p\n"),
		tab("url", "http://h\r\n/", "headers", tab("X A", "1\r\n")),
	} {
		f.Add(data(f, v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := readAsk(b)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if a.at.Scheme != "http" && a.at.Scheme != "https" || a.at.Host == "" || a.at.User != nil || a.redirects < 0 || a.redirects > maxRedirects {
			t.Fatalf("%+v", a.at)
		}
		texts := []string{a.URL, a.Method}
		for _, h := range a.Headers {
			texts = append(texts, h.Name, h.Value)
			if strings.EqualFold(h.Name, "Transfer-Encoding") || strings.EqualFold(h.Name, "Content-Length") {
				t.Fatalf("%+v", h)
			}
		}
		for _, s := range texts {
			if strings.ContainsAny(s, "\r\n\x00") {
				t.Fatalf("%q", s)
			}
		}
		for _, status := range []int{301, 303, 307} {
			again := *a
			if err := again.follow(status, string(b)); err == nil && (again.at.User != nil || strings.ContainsAny(again.URL, "\r\n ")) {
				t.Fatalf("%q", again.URL)
			}
		}
	})
}

// FuzzProgram reads any payload. What is accepted can be given to a program.
func FuzzProgram(f *testing.F) {
	for _, v := range []value.Value{
		list("echo", "a"), tab("", "/bin/sh", "stdin", "x", "dir", "/", "env", tab("A", "b")), tab("args", list("a", "\x00")), value.Str("ls -l"),
	} {
		f.Add(data(f, v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := readProgram(b)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if len(p.args) == 0 || p.args[0] == "" || strings.Contains(p.args[0], "/") && p.args[0][0] != '/' {
			t.Fatalf("%q", p.args)
		}
		for _, s := range append(append([]string{p.dir}, p.args...), p.env...) {
			if strings.IndexByte(s, 0) >= 0 {
				t.Fatalf("%q", s)
			}
		}
		for _, e := range p.env {
			if name, _, ok := strings.Cut(e, "="); !ok || !variable(name) {
				t.Fatalf("%q", e)
			}
		}
	})
}

// FuzzPath reads any payload. No path that is accepted leads upwards.
func FuzzPath(f *testing.F) {
	f.Add(data(f, tab("from", "/a/..b", "to", "/x")))
	f.Add(data(f, tab("from", "a/../b", "to", "x\x00")))
	f.Fuzz(func(t *testing.T, b []byte) {
		from, to, err := readTwo(b)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		for _, s := range []string{from, to} {
			if s == "" || strings.IndexByte(s, 0) >= 0 || strings.Contains("/"+s+"/", "/../") {
				t.Fatalf("%q", s)
			}
		}
	})
}

// checkRefusal checks that an error of a reader is final, says something, and is one line of bounded length.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if final, ok := err.(*neverError); !ok || final.Error() == "" || len(err.Error()) > 4000 || control(err.Error()) >= 0 {
		t.Fatalf("%T %q", err, err)
	}
}
