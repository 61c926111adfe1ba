package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/operator/view"
	"eddy/test/postoffice"
	"eddy/test/program"
)

const (
	article     = "../../../shared/seeds/haproxy-async-email"
	articleMail = "127.0.0.1:25"
	articleHTTP = "127.0.0.1:10040"
)

// TestCrashArticle kills eddy while it runs the article's files, as they are, with fifos on the disk.
func TestCrashArticle(t *testing.T) {
	if _, err := os.Stat(filepath.Join(article, "haproxy.cfg")); err != nil {
		t.Skipf("the article's files are not beside the project: %v; TestCrashEmail covers the same behaviour", err)
	}
	program.Alone(t, "article")
	for _, addr := range []string{articleMail, articleHTTP} {
		probe, err := net.Listen("tcp", addr)
		if err != nil {
			t.Skipf("an address of the article cannot be had: %v", err)
		}
		probe.Close()
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(article)); err != nil {
		t.Fatal(err)
	}
	extra := fmt.Sprintf("global\n    tune.lua.fifo disk\n    state-dir %s\n", filepath.Join(dir, "state"))
	if err := os.WriteFile(filepath.Join(dir, "extra.cfg"), []byte(extra), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &mailing{
		office: postoffice.Open(t, articleMail, time.Millisecond), addr: articleHTTP, socket: "/tmp/haproxy.sock",
		subject: regexp.MustCompile(`(?m)^POST /order/(\d+) HTTP/1.1\r?$`),
		start: func() *program.Eddy {
			return program.Launch(t, eddy, dir, nil, "-db", "-V", "-f", "extra.cfg", "-f", "haproxy.cfg")
		},
	}
	m.run(t)
}

// TestCrashEmail does the same with the project's own example.
func TestCrashEmail(t *testing.T) {
	dir := t.TempDir()
	port, mail := program.FreePort(t), program.FreePort(t)
	extra := filepath.Join(dir, "extra.cfg")
	socket := filepath.Join(dir, "admin.sock")
	if err := os.WriteFile(extra, []byte("global\n    stats socket "+socket+" level admin\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"STATE_DIR=" + filepath.Join(dir, "state"), "HTTP_PORT=" + port, "SMTP_PORT=" + mail}
	m := &mailing{
		office: postoffice.Open(t, "127.0.0.1:"+mail, time.Millisecond), addr: "127.0.0.1:" + port, socket: socket,
		subject: regexp.MustCompile(`(?m)^Subject: POST /order/(\d+)\r?$`),
		start: func() *program.Eddy {
			return program.Launch(t, eddy, "../..", env, "-db", "-V",
				"-f", "examples/jobs/article.cfg", "-f", extra, "-f", "examples/email/haproxy.cfg")
		},
	}
	m.run(t)
}

// mailing is an eddy that mails each request, and dies over it.
type mailing struct {
	office  *postoffice.Office
	addr    string         // of HTTP
	socket  string         // for its operator
	subject *regexp.Regexp // finds the request's number in a mail
	start   func() *program.Eddy

	mu       sync.Mutex
	next     int
	answered map[int]bool
}

func (m *mailing) run(t *testing.T) {
	m.answered = make(map[int]bool)
	kills := rounds(t, 8)
	redelivered := 0
	for range kills {
		e := m.start()
		e.WaitFor(t, "ready, process")
		redelivered += m.redelivered(t)
		stop := m.requests(t)
		time.Sleep(rand.N(300 * time.Millisecond))
		e.Kill(t)
		stop()
	}
	e := m.start()
	e.WaitFor(t, "ready, process")
	redelivered += m.redelivered(t)
	program.Drained(t, "items", func() (n int64) {
		for _, q := range m.fifos(t) {
			n += q.Jobs.Live()
		}
		return n
	})
	e.Stop(t)

	times := make(map[int]int)
	for _, mail := range m.office.Mails() {
		found := m.subject.FindStringSubmatch(mail.Data)
		if found == nil {
			t.Fatalf("a mail without a request:\n%s", mail.Data)
		}
		var n int
		_, _ = fmt.Sscan(found[1], &n)
		times[n]++
	}
	lost, twice := 0, 0
	for n := range m.answered {
		if times[n] == 0 {
			lost++
		}
	}
	for _, n := range times {
		twice += n - 1
	}
	t.Logf("%d kills: %d requests answered, %d mailed, %d mails more than once; %d items given again", kills, len(m.answered), len(times), twice, redelivered)
	if lost > 0 {
		t.Errorf("%d of %d requests were answered and not mailed; the last process said:\n%s", lost, len(m.answered), e.Said())
	}
	if twice > kills || twice > redelivered {
		t.Errorf("%d mails came more than once, after %d kills and %d items given again", twice, kills, redelivered)
	}
	if len(m.answered) == 0 {
		t.Error("no request was answered")
	}
}

// redelivered says how many items the process that has just begun gives again.
func (m *mailing) redelivered(t *testing.T) (n int) {
	t.Helper()
	for _, q := range m.fifos(t) {
		n += int(q.Counts.Redelivered)
	}
	return n
}

// fifos gives the figures of the scripts' fifos.
func (m *mailing) fifos(t *testing.T) (list []view.Queue) {
	t.Helper()
	all, err := program.Queues(m.socket)
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range all {
		if strings.HasPrefix(name, "fifo/") {
			list = append(list, q)
		}
	}
	if len(list) == 0 {
		t.Fatal("there is no fifo on the disk")
	}
	return list
}

// requests asks for numbered orders, from several clients, until what it gives is called.
func (m *mailing) requests(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				if m.ahead() > 300 { // mails take longer than answers
					time.Sleep(time.Millisecond)
				} else if !m.request(ctx, transport) {
					return // it is dead
				}
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// ahead says how many more answers than mails there are.
func (m *mailing) ahead() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.answered) - m.office.Count()
}

func (m *mailing) request(ctx context.Context, transport *http.Transport) bool {
	m.mu.Lock()
	m.next++
	n := m.next
	m.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://%s/order/%d", m.addr, n), nil)
	if err != nil {
		return false
	}
	res, err := transport.RoundTrip(req) // as it is no GET, it is not sent again when a kept connection is dead
	if err != nil {
		return false
	}
	res.Body.Close()
	if res.StatusCode != http.StatusFound {
		return false
	}
	m.mu.Lock()
	m.answered[n] = true
	m.mu.Unlock()
	return true
}
