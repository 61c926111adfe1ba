package native

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/base/value"
)

// web is a server that tells what it was asked, or does what its path says.
func web(t *testing.T) (*httptest.Server, *requests) {
	t.Helper()
	asked := &requests{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Header.Del("User-Agent")
		asked.add(fmt.Sprintf("%s %s %q %v", r.Method, r.URL.RequestURI(), body, r.Header))
		w.Header()["Date"] = nil
		var status int
		switch {
		case scan(r.URL.Path, "/status/%d", &status):
			w.Header().Set("Retry-After", "120")
			http.Error(w, "what\x1b[31m happened", status)
		case scan(r.URL.Path, "/to/%d", &status):
			w.Header().Set("Location", r.URL.Query().Get("url"))
			w.WriteHeader(status)
		case r.URL.Path == "/long":
			_, _ = w.Write(make([]byte, 300<<10))
		case r.URL.Path == "/silent":
			<-r.Context().Done()
		default:
			w.Header().Add("X-Two", "1")
			w.Header().Add("X-Two", "2")
			fmt.Fprint(w, "fine")
		}
	}))
	t.Cleanup(s.Close)
	return s, asked
}

// requests are those that a server was asked.
type requests struct {
	mu  sync.Mutex
	all []string
}

func (r *requests) add(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, s)
}

// take gives them, and forgets them.
func (r *requests) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

func scan(s, format string, into *int) bool {
	n, err := fmt.Sscanf(s, format, into)
	return n == 1 && err == nil
}

func TestWebhooks(t *testing.T) {
	s, asked := web(t)
	host := strings.TrimPrefix(s.URL, "http://")
	h := handlers(t, Options{})
	for _, tt := range []struct {
		name    string
		payload value.Value // without url: that of the server
		want    string      // what the server was asked; several requests with "; " in between
	}{
		{"get", tab(), `GET / "" map[]`},
		{"post", tab("body", "text", "headers", tab("content-type", "text/plain")), `POST / "text" map[Content-Length:[4] Content-Type:[text/plain]]`},
		{"an empty body", tab("body", ""), `POST / "" map[Content-Length:[0]]`},
		{"method", tab("method", "PUT", "body", 12), `PUT / "12" map[Content-Length:[2]]`},
		{"a header twice", tab("headers", tab("X-A", list("1", "2"), "X-B", 3)), `GET / "" map[X-A:[1 2] X-B:[3]]`},
		{"login", tab("user", "ann", "password", "s3cret"), `GET / "" map[Authorization:[Basic YW5uOnMzY3JldA==]]`},
		{"login in the URL", tab("url", "http://ann:s3cret@"+host+"/x?y#z"), `GET /x?y "" map[Authorization:[Basic YW5uOnMzY3JldA==]]`},
		{"expected", tab("url", s.URL+"/status/404", "expect", list("200", "404")), `GET /status/404 "" map[]`},
		{"one expected", tab("url", s.URL+"/status/500", "expect", 500), `GET /status/500 "" map[]`},
		{"shell", tab("url", s.URL+"/$(id);`id`", "body", "; rm -rf /"), "POST /$%28id%29;%60id%60 \"; rm -rf /\" map[Content-Length:[10]]"},
		{"dots", tab("url", s.URL+"/a/../b"), `GET /a/../b "" map[]`},
		{"a body that looks like a request", tab("body", "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n"), `POST / "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n" map[Content-Length:[26]]`},
		{"a redirect", tab("url", s.URL+"/to/307?url=/x", "redirects", 1, "body", "b", "headers", tab("Cookie", "c", "Authorization", "a", "Host", "h")),
			`POST /to/307?url=/x "b" map[Authorization:[a] Content-Length:[1] Cookie:[c]]; POST /x "b" map[Authorization:[a] Content-Length:[1] Cookie:[c]]`},
		{"a redirect of a form", tab("url", s.URL+"/to/302?url=/x", "redirects", 1, "body", "b", "headers", tab("Content-Type", "c")),
			`POST /to/302?url=/x "b" map[Content-Length:[1] Content-Type:[c]]; GET /x "" map[]`},
		{"a redirect elsewhere", tab("url", s.URL+"/to/308?url=http://ann:x@localhost:"+host[strings.LastIndex(host, ":")+1:]+"/x", "redirects", 1,
			"headers", tab("Cookie", "c", "Authorization", "a", "X-A", "1")),
			`GET /to/308?url=http://ann:x@localhost:` + host[strings.LastIndex(host, ":")+1:] + `/x "" map[Authorization:[a] Cookie:[c] X-A:[1]]; GET /x "" map[X-A:[1]]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked.take()
			o := h.do(t.Context(), t, "http", with(tab("url", s.URL+"/"), fieldsOf(tt.payload)...))
			result(t, o)
			if got := strings.Join(asked.take(), "; "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func fieldsOf(v value.Value) []any {
	var out []any
	t, _ := v.AsTable()
	for _, f := range t.Map {
		key, _ := f.Key.AsStr()
		out = append(out, key, f.Value)
	}
	return out
}

func TestWebhookResult(t *testing.T) {
	s, _ := web(t)
	h := handlers(t, Options{MaxBody: 1000})
	r := result(t, h.do(t.Context(), t, "http", tab("url", s.URL)))
	headers, _ := r.Get("headers").AsTable()
	if str(t, r, "status") != "200" || str(t, r, "body") != "fine" || str(t, headers, "x-two") != "1, 2" || r.Get("cut").Truth() {
		t.Errorf("got %+v", r)
	}
	r = result(t, h.do(t.Context(), t, "http", tab("url", s.URL+"/long")))
	if len(str(t, r, "body")) != 1000 || !r.Get("cut").Truth() {
		t.Errorf("%d bytes of a long answer", len(str(t, r, "body")))
	}
}

func TestWebhookFailures(t *testing.T) {
	s, asked := web(t)
	host := strings.TrimPrefix(s.URL, "http://")
	const secrets = "ann:s3cret@"
	h := handlers(t, Options{})
	type row struct {
		name    string
		payload value.Value
		want    string
		final   bool
	}
	tests := []row{
		{"nobody listens", tab("url", fmt.Sprintf("http://%s127.0.0.1:%d/s3cret?key=s3cret", secrets, freePort(t))), "connection refused", false},
		{"silence", tab("url", s.URL+"/silent", "timeout", 0.05), "the server did not answer in time", false},
		{"a redirect", tab("url", s.URL+"/to/302?url=/x"), host + ": 302 Found: a redirect; 'redirects' says how many are followed", true},
		{"too many redirects", tab("url", s.URL+"/to/302?url=/to/302?url=/x", "redirects", 1), "302 Found", true},
		{"a redirect to a file", tab("url", s.URL+"/to/302?url=file:///etc/passwd", "redirects", 1), "302: it redirects to something that is no http or https URL", true},
		{"a redirect without a place", tab("url", s.URL+"/to/302", "redirects", 1), "302 Found", true},
		{"not what was expected", tab("url", s.URL, "expect", 201), host + ": 200 OK: fine", true},
	}
	for status, final := range map[int]bool{400: true, 401: true, 404: true, 408: false, 410: true, 422: true, 425: false, 429: false, 500: false, 502: false, 503: false, 504: false} {
		want := fmt.Sprintf(`%s: %d %s: what\x1b[31m happened`, host, status, http.StatusText(status))
		if !final {
			want = strings.Replace(want, ": what", " (Retry-After: 120): what", 1)
		}
		tests = append(tests, row{fmt.Sprint(status), tab("url", strings.Replace(s.URL, "://", "://"+secrets, 1)+fmt.Sprintf("/status/%d?key=s3cret", status)), want, final})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := h.do(t.Context(), t, "http", tt.payload)
			if o.Err == nil || !strings.Contains(o.Err.Error(), tt.want) || o.Final != tt.final {
				t.Errorf("got  %v, final %v\nwant %s, final %v", o.Err, o.Final, tt.want, tt.final)
			}
			if o.Err != nil && strings.Contains(o.Err.Error(), "s3cret") {
				t.Errorf("the error tells a secret: %v", o.Err)
			}
		})
	}
	if n := len(asked.take()); n != 7+12 { // nobody listened once; one was followed
		t.Errorf("%d requests", n)
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		if o := h.do(ctx, t, "http", tab("url", s.URL+"/silent")); !errors.Is(o.Err, context.DeadlineExceeded) || o.Final {
			t.Errorf("got %v, final %v", o.Err, o.Final)
		}
	})
}

// Nothing goes from https to http, and headers for one host don't go to another.
func TestRedirectsDownwards(t *testing.T) {
	s := httptest.NewUnstartedServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	o := handlers(t, Options{RootCAs: roots}).do(t.Context(), t, "http", tab("url", s.URL, "redirects", 1))
	if o.Err == nil || !o.Final || !strings.Contains(o.Err.Error(), "302: it redirects from https to http") {
		t.Errorf("got %v", o.Err)
	}
	if o := handlers(t, Options{}).do(t.Context(), t, "http", tab("url", s.URL)); o.Err == nil || o.Final || !strings.Contains(o.Err.Error(), "certificate") {
		t.Errorf("an unknown certificate: %v", o.Err)
	}
}

func TestWebhookInjection(t *testing.T) {
	s, asked := web(t)
	h := handlers(t, Options{})
	for _, tt := range []struct {
		name    string
		payload value.Value
		want    string
	}{
		{"CRLF in a value", tab("headers", tab("X-A", "1\r\nX-Evil: yes")), "'headers[X-A]' has a control byte (0x0d) at byte 2"},
		{"LF in a value", tab("headers", tab("X-A", list("1", "2\nX-Evil: yes"))), "'headers[X-A]' has a control byte (0x0a)"},
		{"NUL in a value", tab("headers", tab("X-A", "1\x00")), "'headers[X-A]' has a control byte (0x00)"},
		{"CRLF in a name", tab("headers", tab("X-A: 1\r\nX-Evil", "yes")), "'headers' have the name"},
		{"space in a name", tab("headers", tab("Content-Length ", "5")), "'headers' have the name"},
		{"colon in a name", tab("headers", tab("Transfer-Encoding: chunked\nX", "5")), "'headers' have the name"},
		{"a second length", tab("body", "x", "headers", tab("content-LENGTH", "0")), "'headers' have content-LENGTH, which follows from the body"},
		{"chunks", tab("body", "0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n", "headers", tab("Transfer-Encoding", "chunked")), "'headers' have Transfer-Encoding"},
		{"hop by hop", tab("headers", tab("Connection", "X-A, close")), "'headers' have Connection"},
		{"CRLF in the host", tab("headers", tab("Host", "x\r\nX-Evil: yes")), "'headers[Host]' has a control byte"},
		{"a request in the method", tab("method", "GET / HTTP/1.1\r\nX-Evil: yes\r\n\r\nPOST"), "'method' is \"GET / HTTP/1.1\\r\\nX-Evil"},
		{"a tunnel", tab("method", "connect"), "'method' is CONNECT"},
		{"CRLF in the URL", tab("url", s.URL+"/x HTTP/1.1\r\nX-Evil: yes\r\n\r\n"), "'url' has a space or a control byte (0x20)"},
		{"CRLF in the host of the URL", tab("url", "http://127.0.0.1\r\nX:1/"), "'url' has a space or a control byte (0x0d) at byte 17: write it as %0D"},
		{"NUL in the URL", tab("url", s.URL+"/\x00"), "'url' has a space or a control byte (0x00)"},
		{"a file", tab("url", "file:///etc/passwd"), "'url' begins with neither http:// nor https://: write it as {url ="},
		{"another protocol", tab("url", "gopher://127.0.0.1:25/_MAIL"), "'url' begins with neither"},
		{"no scheme", tab("url", "127.0.0.1/x"), "'url' begins with neither"},
		{"a scheme in disguise", tab("url", "http:127.0.0.1"), "'url' has no host"},
		{"no host", tab("url", "http:///x"), "'url' has no host"},
		{"too large a port", tab("url", "http://x:99999/"), "'url' has no port number behind its colon"},
		{"only a port", tab("url", "http://:80/x"), "'url' has no host"},
		{"no URL, with a secret", tab("url", "http://ann:s3/cret@host:x/"), "'url' is not a URL: write it as {url ="},
		{"nothing", tab("url", ""), "'url' is missing"},
		{"a colon in the user", tab("user", "a:b", "password", "c"), "'user' has a colon"},
		{"two logins", tab("user", "a", "headers", tab("authorization", "x")), "'headers' have Authorization beside 'user'"},
		{"a status that is none", tab("expect", list("200", "2xx")), `'expect' has "2xx", which is no status`},
		{"many redirects", tab("redirects", 99), "'redirects' must be a whole number from 0 to 10"},
		{"a time that is none", tab("timeout", -1), "'timeout' must be a number of seconds"},
		{"a body that is a table", tab("body", list("x")), "'body' is a table, not a string"},
		{"headers as lines", tab("headers", list("X-A: 1")), "'headers' must be a table of strings by their names"},
		{"an unknown field", tab("uri", "x"), `there is no field "uri"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked.take()
			h.never(t, "http", with(tab("url", s.URL), fieldsOf(tt.payload)...), tt.want)
			if all := asked.take(); len(all) > 0 {
				t.Errorf("the server was asked %q", all)
			}
		})
	}
}
