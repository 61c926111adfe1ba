package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Add("X-Two", "1")
	w.Header().Add("X-Two", "2")
	w.Header()["Date"] = nil
	w.WriteHeader(418)
	fmt.Fprintf(w, "%s %s host=%s agent=%q a=%q len=%d body=%q", r.Method, r.URL.RequestURI(), r.Host, r.UserAgent(),
		r.Header.Values("X-A"), r.ContentLength, body)
}

func TestDo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(echo))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	tests := []struct {
		name string
		req  Request
		want string
	}{
		{"get", Request{URL: s.URL + "/p?q=1"}, `GET /p?q=1 host=` + host + ` agent="eddy" a=[] len=0 body=""`},
		{"post", Request{Method: "POST", URL: s.URL, Body: []byte("abc")}, `POST / host=` + host + ` agent="eddy" a=[] len=3 body="abc"`},
		{"delete without a body", Request{Method: "DELETE", URL: s.URL}, `DELETE / host=` + host + ` agent="eddy" a=[] len=0 body=""`},
		{"headers", Request{URL: s.URL, Headers: []Header{{"x-a", "1"}, {"User-Agent", "mine"}, {"X-A", "2"}, {"HOST", "other"}, {"content-length", "99"}}},
			`GET / host=other agent="mine" a=["1" "2"] len=0 body=""`},
		{"dst", Request{URL: "http://nowhere.invalid/x", Dst: "ipv4@" + host}, `GET /x host=nowhere.invalid agent="eddy" a=[] len=0 body=""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := client(t, Options{}).Do(t.Context(), tt.req)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != 418 || got.Reason != "I'm a teapot" || string(got.Body) != tt.want {
				t.Errorf("got %d %q %s\nwant %s", got.Status, got.Reason, got.Body, tt.want)
			}
			var two []string
			for _, h := range got.Headers {
				if h.Name == "x-two" {
					two = append(two, h.Value)
				}
			}
			if !slices.Equal(two, []string{"1", "2"}) {
				t.Errorf("headers %v", got.Headers)
			}
		})
	}
}

func TestUnixAndAbstractSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	abstract := fmt.Sprintf("eddy-test-%d", time.Now().UnixNano())
	for dst, addr := range map[string]string{"unix@" + path: path, path + "2": path + "2", "abns@" + abstract: "@" + abstract} {
		ln, err := net.Listen("unix", addr)
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(echo)}
		done := make(chan struct{})
		go func() { defer close(done); _ = s.Serve(ln) }()
		got, err := client(t, Options{}).Do(t.Context(), Request{URL: "http://name/x", Dst: dst})
		if err != nil || !bytes.HasPrefix(got.Body, []byte("GET /x host=name ")) {
			t.Errorf("%s: %v", dst, err)
		}
		s.Close()
		<-done
	}
}

// What the server says is handed on as it is: no redirect is followed, nothing is unpacked, HEAD has no body.
func TestTakesAnswersAsTheyAre(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(302)
		fmt.Fprint(w, "not really gzip"+r.Header.Get("Accept-Encoding"))
	}))
	defer s.Close()
	c := client(t, Options{})
	got, err := c.Do(t.Context(), Request{URL: s.URL})
	if err != nil || got.Status != 302 || string(got.Body) != "not really gzip" {
		t.Errorf("%v %+v", err, got)
	}
	if got, err = c.Do(t.Context(), Request{Method: "HEAD", URL: s.URL}); err != nil || len(got.Body) != 0 {
		t.Errorf("HEAD: %v %+v", err, got)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	if got, err := client(t, Options{TLS: &tls.Config{RootCAs: roots}}).Do(t.Context(), Request{URL: s.URL}); err != nil || got.Status != 418 {
		t.Errorf("%v", err)
	}
	if _, err := client(t, Options{}).Do(t.Context(), Request{URL: s.URL}); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("an unknown certificate: %v", err)
	}
}

func TestBounds(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			<-release
		case "/stalls":
			fmt.Fprint(w, "begin")
			w.(http.Flusher).Flush()
			<-release
		case "/drips":
			for {
				if _, err := fmt.Fprint(w, "."); err != nil || r.Context().Err() != nil {
					return
				}
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := fmt.Fprint(w, strings.Repeat("x", 1000)); err != nil {
					return
				}
			}
		case "/long":
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(make([]byte, 100000))
		case "/exact":
			_, _ = w.Write(make([]byte, 5000))
		}
	}))
	defer s.Close()
	defer close(release)
	tests := []struct {
		path string
		req  Request
		want string
	}{
		{"/silent", Request{Timeout: 30 * time.Millisecond}, "the server did not answer in time"},
		{"/stalls", Request{Timeout: 30 * time.Millisecond}, "the server did not answer in time"},
		{"/drips", Request{}, "not finished within 300ms"},
		{"/endless", Request{}, "the answer is longer than the 5000 bytes that are read"},
		{"/long", Request{}, "the answer has 100000 bytes; at most 5000 are read"},
		{"/exact", Request{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			c := client(t, Options{MaxTotal: 300 * time.Millisecond, MaxBody: 5000})
			if tt.path == "/exact" || tt.path == "/endless" || tt.path == "/long" {
				c = client(t, Options{MaxBody: 5000})
			}
			tt.req.URL = s.URL + tt.path
			_, err := c.Do(t.Context(), tt.req)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasSuffix(err.Error(), ": "+tt.want)) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	t.Run("the caller's own time", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := client(t, Options{}).Do(ctx, Request{URL: s.URL + "/silent"})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasSuffix(err.Error(), ": no whole answer yet") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := client(t, Options{}).Do(ctx, Request{URL: s.URL + "/silent"}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// Where it is asked for, a long answer is cut and not an error.
func TestCut(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", "6")
		}
		fmt.Fprint(w, "012345")
	}))
	defer s.Close()
	for most, want := range map[int64]string{5: "01234 true", 6: "012345 false", 7: "012345 false"} {
		for _, path := range []string{"/", "/length"} {
			got, err := client(t, Options{MaxBody: most, Cut: true}).Do(t.Context(), Request{URL: s.URL + path})
			if err != nil || fmt.Sprintf("%s %v", got.Body, got.Cut) != want {
				t.Errorf("%d %s: %v %+v", most, path, err, got)
			}
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	for name, r := range map[string]Request{
		"no scheme":         {URL: "host/path"},
		"other scheme":      {URL: "ftp://host/path"},
		"no host":           {URL: "http:///path"},
		"newline in URL":    {URL: "http://host/a\r\nX: y"},
		"method":            {URL: "http://host/", Method: "GET / HTTP/1.1\r\n"},
		"header name":       {URL: "http://127.0.0.1:1/", Headers: []Header{{"a b", "c"}}},
		"header value":      {URL: "http://127.0.0.1:1/", Headers: []Header{{"a", "c\r\nd: e"}}},
		"dst without port":  {URL: "http://host/", Dst: "127.0.0.1"},
		"nobody is there":   {URL: "http://127.0.0.1:1/"},
		"no socket is ther": {URL: "http://host/", Dst: "unix@/nonexistent/x"},
	} {
		if got, err := client(t, Options{}).Do(t.Context(), r); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	for _, secret := range []string{"http://ann:s3cret@127.0.0.1:1/?key=s3cret", "http://ann:s3cret@ho st/", "http://ann:s3cret@", "ftp://ann:s3cret@host/",
		"http://ann:s3/cret@host/s3cret", "http://host/s3cret\n", "http://h/%zzs3cret"} {
		_, err := client(t, Options{}).Do(t.Context(), Request{URL: secret})
		if err == nil || strings.Contains(err.Error(), "s3") {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}

func TestDestination(t *testing.T) {
	tests := []struct{ in, network, addr string }{
		{"1.2.3.4:80", "tcp", "1.2.3.4:80"},
		{"ipv4@1.2.3.4:80", "tcp4", "1.2.3.4:80"},
		{"ipv6@::1:80", "tcp6", "[::1]:80"},
		{"[::1]:80", "tcp", "[::1]:80"},
		{"::1:80", "tcp", "[::1]:80"},
		{"unix@/a/b", "unix", "/a/b"},
		{"/a/b", "unix", "/a/b"},
		{"abns@x", "unix", "@x"},
	}
	for _, tt := range tests {
		if n, a, err := destination(tt.in); err != nil || n != tt.network || a != tt.addr {
			t.Errorf("%s: %s %s %v", tt.in, n, a, err)
		}
	}
}
