// Package article runs the files of "HAProxy & Lua: Fifo and asynchronous actions" on the eddy binary, as they are:
// from their folder, on their ports, against a real SMTP server.
package article

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/test/postoffice"
	"eddy/test/program"
)

const (
	files    = "../../../shared/seeds/haproxy-async-email"
	mailAddr = "127.0.0.1:25"
	httpAddr = "127.0.0.1:10040"
)

// TestArticle is one test with parts, because the ports are the article's and there is one of each.
func TestArticle(t *testing.T) {
	if _, err := os.Stat(filepath.Join(files, "haproxy.cfg")); err != nil {
		t.Skipf("the article's files are not beside the project: %v; examples/email covers the same behaviour", err)
	}
	program.Alone(t, "article")
	probe, err := net.Listen("tcp", mailAddr)
	if err != nil {
		t.Skipf("the article's mail server address cannot be had: %v", err)
	}
	probe.Close()
	bin := program.Build(t)

	t.Run("fifo", func(t *testing.T) { fifo(t, bin) })
	t.Run("a mail for every request", func(t *testing.T) {
		post := postoffice.Open(t, mailAddr, 0)
		e := start(t, bin)
		for i := range 20 {
			redirected(t, fmt.Sprintf("/order?n=%d", i))
		}
		mails := post.Wait(t, 20)
		for i, m := range mails {
			if want := fmt.Sprintf("GET /order?n=%d HTTP/1.1\r\n", i); !strings.Contains(m.Data, "Request received:\r\n"+want) {
				t.Errorf("mail %d lacks %q:\n%s", i, want, m.Data)
			}
			for _, want := range []string{"From: haproxy@arpalert.org\r\n", "To: admin@arpalert.org\r\n", "Subject: test - ", "X-Kept-As-Sent: Yes\r\n"} {
				if !strings.Contains(m.Data, want) {
					t.Errorf("mail %d lacks %q:\n%s", i, want, m.Data)
				}
			}
			if m.From != "haproxy@arpalert.org" || m.To != "admin@arpalert.org" {
				t.Errorf("mail %d went from %q to %q", i, m.From, m.To)
			}
		}
		e.Stop(t)
	})
	t.Run("the mail server takes its time", func(t *testing.T) {
		post := postoffice.Open(t, mailAddr, 3*time.Second)
		e := start(t, bin)
		begin := time.Now()
		for i := range 50 {
			redirected(t, fmt.Sprintf("/slow/%d", i))
		}
		if post.Count() > 0 && time.Since(begin) > 3*time.Second {
			t.Logf("answers took %v in all", time.Since(begin))
		}
		// Fifty answers came while no more mails than the time allows could leave: no answer waited for one.
		if got, could := post.Count(), int(time.Since(begin)/(3*time.Second)); got > could {
			t.Errorf("%d mails in %v", got, time.Since(begin))
		}
		post.Wait(t, 2)
		e.Stop(t)
	})
	t.Run("no mail server, then one", func(t *testing.T) {
		e := start(t, bin)
		redirected(t, "/refused")
		e.WaitFor(t, "Can't send email: ")
		post := postoffice.Open(t, mailAddr, 0)
		redirected(t, "/taken")
		if m := post.Wait(t, 1)[0]; !strings.Contains(m.Data, "GET /taken ") {
			t.Errorf("the first mail is not the second request's:\n%s", m.Data)
		}
		e.Stop(t)
	})
	t.Run("the mail server dies and comes back", func(t *testing.T) {
		post := postoffice.Open(t, mailAddr, 0)
		e := start(t, bin)
		redirected(t, "/before")
		post.Wait(t, 1)
		post.Close()
		redirected(t, "/meanwhile")
		e.WaitFor(t, "Can't send email: ")
		post = postoffice.Open(t, mailAddr, 0)
		redirected(t, "/after")
		if m := post.Wait(t, 1)[0]; !strings.Contains(m.Data, "GET /after ") {
			t.Errorf("unexpected mail:\n%s", m.Data)
		}
		e.Stop(t)
	})
}

// fifo runs the article's test.lua inside eddy's own Lua and compares what it prints.
func fifo(t *testing.T, bin string) {
	dir, err := filepath.Abs(files)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(files, "test.expected"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := filepath.Join(t.TempDir(), "fifo.cfg")
	text := "global\n\tlua-load test.lua\ndefaults\n\tmode http\n\ttimeout client 1s\n\ttimeout server 1s\n\ttimeout connect 1s\nfrontend f\n\tbind 127.0.0.1:10041\n"
	if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(bin, "-c", "-f", cfg)
	c.Dir = dir
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	if !strings.HasPrefix(out.String(), string(want)) {
		t.Errorf("test.lua printed %q, want %q first", out.String(), want)
	}
}

// redirected sends one request and demands the article's answer.
func redirected(t *testing.T, path string) {
	t.Helper()
	req, err := http.NewRequest("GET", "http://"+httpAddr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Kept-As-Sent", "Yes")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 302 || res.Header.Get("Location") != "/ok" {
		t.Fatalf("%s: status %d, location %q", path, res.StatusCode, res.Header.Get("Location"))
	}
	io.Copy(io.Discard, res.Body)
}

// start runs the article's configuration from its folder.
func start(t *testing.T, bin string) *program.Eddy {
	t.Helper()
	return program.Start(t, bin, files, httpAddr, nil, "-f", "haproxy.cfg")
}
