// Package article runs the files of "HAProxy & Lua: Fifo and asynchronous actions" on the eddy binary, as they are:
// from their folder, on their ports, against a real SMTP server.
package article

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

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
	probe, err := net.Listen("tcp", mailAddr)
	if err != nil {
		t.Skipf("the article's mail server address cannot be had: %v", err)
	}
	probe.Close()
	bin := program.Build(t)

	t.Run("fifo", func(t *testing.T) { fifo(t, bin) })
	t.Run("a mail for every request", func(t *testing.T) {
		post := startPostOffice(t, 0)
		e := start(t, bin)
		for i := range 20 {
			redirected(t, fmt.Sprintf("/order?n=%d", i))
		}
		mails := post.wait(t, 20)
		for i, m := range mails {
			if want := fmt.Sprintf("GET /order?n=%d HTTP/1.1\r\n", i); !strings.Contains(m.data, "Request received:\r\n"+want) {
				t.Errorf("mail %d lacks %q:\n%s", i, want, m.data)
			}
			for _, want := range []string{"From: haproxy@arpalert.org\r\n", "To: admin@arpalert.org\r\n", "Subject: test - ", "X-Kept-As-Sent: Yes\r\n"} {
				if !strings.Contains(m.data, want) {
					t.Errorf("mail %d lacks %q:\n%s", i, want, m.data)
				}
			}
			if m.from != "haproxy@arpalert.org" || m.to != "admin@arpalert.org" {
				t.Errorf("mail %d went from %q to %q", i, m.from, m.to)
			}
		}
		e.Stop(t)
	})
	t.Run("the mail server takes its time", func(t *testing.T) {
		post := startPostOffice(t, 3*time.Second)
		e := start(t, bin)
		begin := time.Now()
		for i := range 50 {
			redirected(t, fmt.Sprintf("/slow/%d", i))
		}
		if post.count() > 0 && time.Since(begin) > 3*time.Second {
			t.Logf("answers took %v in all", time.Since(begin))
		}
		// Fifty answers came while no more mails than the time allows could leave: no answer waited for one.
		if got, could := post.count(), int(time.Since(begin)/(3*time.Second)); got > could {
			t.Errorf("%d mails in %v", got, time.Since(begin))
		}
		post.wait(t, 2)
		e.Stop(t)
	})
	t.Run("no mail server, then one", func(t *testing.T) {
		e := start(t, bin)
		redirected(t, "/refused")
		e.WaitFor(t, "Can't send email: ")
		post := startPostOffice(t, 0)
		redirected(t, "/taken")
		if m := post.wait(t, 1)[0]; !strings.Contains(m.data, "GET /taken ") {
			t.Errorf("the first mail is not the second request's:\n%s", m.data)
		}
		e.Stop(t)
	})
	t.Run("the mail server dies and comes back", func(t *testing.T) {
		post := startPostOffice(t, 0)
		e := start(t, bin)
		redirected(t, "/before")
		post.wait(t, 1)
		post.kill()
		redirected(t, "/meanwhile")
		e.WaitFor(t, "Can't send email: ")
		post = startPostOffice(t, 0)
		redirected(t, "/after")
		if m := post.wait(t, 1)[0]; !strings.Contains(m.data, "GET /after ") {
			t.Errorf("unexpected mail:\n%s", m.data)
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

// postOffice is a real SMTP server that keeps what it is sent.
type postOffice struct {
	srv   *smtp.Server
	delay time.Duration
	mu    sync.Mutex
	mails []mail
	news  chan struct{}
}

type mail struct{ from, to, data string }

func startPostOffice(t *testing.T, delay time.Duration) *postOffice {
	t.Helper()
	p := &postOffice{delay: delay, news: make(chan struct{}, 1)}
	p.srv = smtp.NewServer(p)
	p.srv.Domain = "localhost"
	l, err := net.Listen("tcp", mailAddr)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := p.srv.Serve(l); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("mail server: %v", err)
		}
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *postOffice) kill() { p.srv.Close() }

func (p *postOffice) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mails)
}

func (p *postOffice) wait(t *testing.T, n int) []mail {
	t.Helper()
	limit := time.After(60 * time.Second)
	for p.count() < n {
		select {
		case <-p.news:
		case <-limit:
			t.Fatalf("%d mails came, want %d", p.count(), n)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]mail(nil), p.mails...)
}

// NewSession implements smtp.Backend.
func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{office: p}, nil }

// letter is one SMTP session.
type letter struct {
	office *postOffice
	m      mail
}

func (l *letter) Reset()        { l.m = mail{} }
func (l *letter) Logout() error { return nil }

func (l *letter) Mail(from string, _ *smtp.MailOptions) error {
	l.m.from = from
	return nil
}

func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.m.to = to
	return nil
}

func (l *letter) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	time.Sleep(l.office.delay)
	l.m.data = string(b)
	l.office.mu.Lock()
	l.office.mails = append(l.office.mails, l.m)
	l.office.mu.Unlock()
	select {
	case l.office.news <- struct{}{}:
	default:
	}
	return nil
}
