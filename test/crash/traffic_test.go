package crash

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eddy/test/program"
)

// client is one who pushes numbered jobs to queues of disk.cfg, one after another.
type client struct {
	t        *testing.T
	site     *site
	http     http.Client
	next     int
	accepted map[string][]int // by queue: numbers
}

func newClient(t *testing.T, s *site) *client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t: t, site: s, http: http.Client{Transport: transport, Timeout: 30 * time.Second}, accepted: make(map[string][]int)}
}

// push pushes one job with so many bytes of ballast. It gives "", or why the job was refused. Any other answer fails the test.
func (c *client) push(queue string, size int) string {
	c.t.Helper()
	return c.pushFor(queue, "note", size)
}

func (c *client) pushFor(queue, handler string, size int) string {
	c.t.Helper()
	c.next++
	res, err := c.http.Post(fmt.Sprintf("http://%s/push/%s/%s/%d/%d", c.site.addr, queue, handler, c.next, size), "text/plain", nil)
	if err != nil {
		c.t.Error(err)
		return err.Error()
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	switch {
	case err != nil:
		c.t.Error(err)
		return err.Error()
	case res.StatusCode == http.StatusOK && len(body) == 13:
		c.accepted[queue] = append(c.accepted[queue], c.next)
		return ""
	case res.StatusCode != http.StatusServiceUnavailable || len(body) == 0:
		c.t.Errorf("status %d: %q", res.StatusCode, body)
	}
	return string(body)
}

// done demands that each accepted job of a queue is done, and waits for that: once, or at most as often as the process may have
// died over it.
func (c *client) done(queue string, most int) {
	c.t.Helper()
	var times map[int]int
	program.Until(c.t, "all accepted jobs of queue "+queue+" are done", func() bool {
		times = c.ledger(queue)
		for _, n := range c.accepted[queue] {
			if times[n] == 0 {
				return false
			}
		}
		return true
	})
	for n, k := range times {
		if k > most {
			c.t.Errorf("job %d of queue %s was done %d times", n, queue, k)
		}
	}
}

// ledger says how often the jobs of a queue were done.
func (c *client) ledger(queue string) map[int]int {
	c.t.Helper()
	times := make(map[int]int)
	f, err := os.Open(c.site.ledger())
	if os.IsNotExist(err) {
		return times
	}
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var name string
		var n int
		if _, err := fmt.Sscan(lines.Text(), &name, &n); err != nil {
			c.t.Fatalf("%q: %v", lines.Text(), err)
		}
		if name == queue {
			times[n]++
		}
	}
	return times
}

// traffic is requests that have nothing to do with jobs: each has to be answered.
type traffic struct {
	answers atomic.Int64
	stop    func()
}

func startTraffic(t *testing.T, s *site) *traffic {
	t.Helper()
	tr := &traffic{}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client := http.Client{Transport: transport, Timeout: 30 * time.Second}
			for ctx.Err() == nil {
				res, err := client.Get("http://" + s.addr + "/plain")
				if err != nil {
					t.Errorf("a request was not answered: %v", err)
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != 200 || string(body) != "plain" {
					t.Errorf("answer %d %q, %v", res.StatusCode, body, err)
					return
				}
				tr.answers.Add(1)
			}
		})
	}
	tr.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(tr.stop)
	return tr
}

// goesOn waits until requests that come now were answered.
func (tr *traffic) goesOn(t *testing.T) {
	t.Helper()
	before := tr.answers.Load()
	program.Until(t, "requests are answered", func() bool { return tr.answers.Load() >= before+20 })
}

// eddyJobs runs "eddy jobs" on a site.
func (s *site) eddyJobs(t *testing.T, args ...string) program.Result {
	t.Helper()
	return program.Run(t, eddy, s.dir, []string{"EDDY_SOCKET=" + s.socket()}, append([]string{"jobs"}, args...)...)
}

// shows demands that "eddy jobs" shows some parts.
func (s *site) shows(t *testing.T, args []string, parts ...string) {
	t.Helper()
	r := s.eddyJobs(t, args...)
	for _, p := range parts {
		if r.Code != 0 || !strings.Contains(r.Stdout, p) {
			t.Errorf("eddy jobs %s: code %d, no %q in\n%s%s", strings.Join(args, " "), r.Code, p, r.Stdout, r.Stderr)
		}
	}
}
