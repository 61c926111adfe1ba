// Package reload replaces running eddys under load: no connection may be refused, reset or left without its answer.
package reload

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"eddy/test/program"
)

const reloads = 20

const config = `
global
    stats socket %[1]s/stats.sock
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 5s
listen l
    bind 127.0.0.1:%[2]s
    bind unix@%[1]s/http.sock
    http-request return status 200 content-type text/plain lf-string %%[pid]
`

// site is a folder with a configuration, and clients that never let up.
type site struct {
	bin, dir, addr, cfg string

	answers atomic.Int64
	mu      sync.Mutex
	faults  []string
	pids    map[string]bool // that answered
}

func newSite(t *testing.T) *site {
	port := program.FreePort(t)
	s := &site{bin: eddy, dir: t.TempDir(), addr: "127.0.0.1:" + port, pids: map[string]bool{}}
	s.cfg = filepath.Join(s.dir, "a.cfg")
	if err := os.WriteFile(s.cfg, fmt.Appendf(nil, config, s.dir, port), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// load begins requests of several kinds; what it gives ends them.
func (s *site) load(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	run := func(kind, network, addr string, keep bool) {
		transport := &http.Transport{
			DisableKeepAlives: !keep,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, addr)
			},
		}
		client := http.Client{Transport: transport, Timeout: 20 * time.Second}
		clients.Go(func() {
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				s.get(kind, &client)
			}
		})
	}
	for range 2 {
		run("new connections", "tcp", s.addr, false)
		run("kept connections", "tcp", s.addr, true)
		run("a unix socket", "unix", filepath.Join(s.dir, "http.sock"), false)
	}
	return func() {
		cancel()
		clients.Wait()
	}
}

func (s *site) get(kind string, c *http.Client) {
	r, err := c.Get("http://" + s.addr + "/")
	var body []byte
	if err == nil {
		body, err = io.ReadAll(r.Body)
		r.Body.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || r.StatusCode != http.StatusOK {
		if len(s.faults) < 10 {
			s.faults = append(s.faults, fmt.Sprintf("%s: %v", kind, err))
		}
		return
	}
	s.pids[string(body)] = true
	s.answers.Add(1)
}

// more waits until requests were answered after now: by the process that serves now.
func (s *site) more(t *testing.T) {
	t.Helper()
	for begin, end := s.answers.Load(), time.Now().Add(20*time.Second); s.answers.Load() < begin+20; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no answers any more: %q", s.faults)
		}
	}
}

func (s *site) check(t *testing.T, processes int) {
	t.Helper()
	for _, f := range s.faults {
		t.Error(f)
	}
	if len(s.pids) < processes {
		t.Errorf("%d processes answered, want %d", len(s.pids), processes)
	}
	t.Logf("%d answers of %d processes", s.answers.Load(), len(s.pids))
}

// TestSuccessors replaces a process by -sf, again and again.
func TestSuccessors(t *testing.T) {
	s := newSite(t)
	start := func(args ...string) *program.Eddy {
		e := program.Launch(t, s.bin, s.dir, nil, append([]string{"-V", "-db", "-f", s.cfg}, args...)...)
		e.WaitFor(t, "ready, process")
		return e
	}
	now := start()
	stop := s.load(t)
	for i := range reloads {
		s.more(t)
		flag := "-sf"
		if i%4 == 3 {
			flag = "-st"
		}
		next := start(flag, strconv.Itoa(now.PID()))
		now.WaitEnd(t)
		now = next
	}
	s.more(t)
	stop()
	s.check(t, reloads+1)
}

// TestWorkers has a master reload.
func TestWorkers(t *testing.T) {
	s := newSite(t)
	master := program.Launch(t, s.bin, s.dir, nil, "-V", "-W", "-f", s.cfg)
	ready := func(n int) {
		t.Helper()
		master.WaitForTimes(t, "is ready", n)
	}
	ready(1)
	stop := s.load(t)
	for i := range reloads {
		s.more(t)
		if i == reloads/2 { // one that fails changes nothing
			s.reloadBroken(t, master)
		}
		if err := syscall.Kill(master.PID(), syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		ready(i + 2)
	}
	s.more(t)
	// A new master relieves the old one.
	next := program.Launch(t, s.bin, s.dir, nil, "-V", "-W", "-f", s.cfg, "-sf", strconv.Itoa(master.PID()))
	next.WaitFor(t, "is ready")
	master.WaitEnd(t)
	s.more(t)
	stop()
	s.check(t, reloads+2)
	if n := strings.Count(master.Said(), " died ("); n > 0 {
		t.Errorf("workers died:\n%s", master.Said())
	}
}

// reloadBroken reloads with a port that a stranger has: the worker fails when it has asked for the sockets already.
func (s *site) reloadBroken(t *testing.T, master *program.Eddy) {
	t.Helper()
	good, err := os.ReadFile(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := os.WriteFile(s.cfg, append(good, "    bind "+other.Addr().String()+"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(master.PID(), syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	master.WaitFor(t, "which is not to be replaced")
	master.WaitFor(t, "goes on")
	if err := os.WriteFile(s.cfg, good, 0o600); err != nil {
		t.Fatal(err)
	}
	s.more(t)
}
