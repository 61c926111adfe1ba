// Package limits runs scripts that would ruin a proxy without bounds and looks at what becomes of everybody else.
package limits

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"eddy/test/program"
)

// start runs eddy on the configuration of testdata and gives its address, too.
func start(t *testing.T) (*program.Eddy, string) {
	t.Helper()
	port := program.FreePort(t)
	addr := "127.0.0.1:" + port
	return program.Start(t, program.Build(t), "testdata", addr, []string{"PORT=" + port}, "-f", "limits.cfg"), addr
}

func get(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	res, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return &http.Response{Header: http.Header{}}
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res
}

func TestRunawayScripts(t *testing.T) {
	p, addr := start(t)
	base := "http://" + addr
	client := &http.Client{Timeout: 30 * time.Second}
	for _, path := range []string{"/loop", "/pcall", "/rep", "/pattern", "/sort", "/coroutine"} {
		t.Run(path, func(t *testing.T) {
			stop := make(chan struct{})
			var bad sync.WaitGroup
			bad.Go(func() {
				res := get(t, client, base+path)
				// A failed action is skipped, as in HAProxy: the request goes on, without what the action had to set.
				if res.StatusCode != 200 || res.Header.Get("X-Survived") != "" {
					t.Errorf("status %d, survived %q", res.StatusCode, res.Header.Get("X-Survived"))
				}
				close(stop)
			})
			var times []time.Duration
			begin, took, during := time.Now(), time.Duration(0), 0
			for took == 0 || len(times) < 50 {
				asked := time.Now()
				if res := get(t, client, base+"/good"); res.Header.Get("X-Sum") != "5050" {
					t.Fatalf("status %d, sum %q", res.StatusCode, res.Header.Get("X-Sum"))
				}
				times = append(times, time.Since(asked))
				select {
				case <-stop:
					if took == 0 {
						took, during = time.Since(begin), len(times)
					}
				default:
				}
			}
			bad.Wait()
			slices.Sort(times)
			t.Logf("%d requests in %v: median %v, p99 %v, longest %v", during, took, times[len(times)/2], times[len(times)*99/100], times[len(times)-1])
			// Who had to wait for the runaway's end got one answer, or two, in its whole time.
			if took > 500*time.Millisecond && during < 10 {
				t.Errorf("%d requests were answered in the %v that the script ran away", during, took)
			}
		})
	}
	for _, want := range []string{"limits.lua:3", "limits.lua:4", "limits.lua:6", "execution time is over", "not enough memory"} {
		if !strings.Contains(p.Said(), want) {
			t.Errorf("no %q in the log:\n%s", want, p.Said())
		}
	}
}

// Ten thousand requests asleep in a script cost goroutines, not threads, and at most 200 MB.
func TestTenThousandAsleep(t *testing.T) {
	const n = 10000
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		t.Fatal(err)
	}
	if lim.Max < n+500 {
		t.Skipf("this needs %d file descriptors, %d are allowed", n+500, lim.Max)
	}
	lim.Cur = lim.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		t.Fatal(err)
	}
	p, addr := start(t)
	before := status(t, p, "VmRSS")
	conns := make([]net.Conn, 0, n)
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	peak, threads := 0, 0
	all := make(chan struct{})
	go func() {
		defer close(all)
		for _, c := range conns {
			c.SetReadDeadline(time.Now().Add(60 * time.Second))
			b := make([]byte, 512)
			n, err := c.Read(b)
			if err != nil || !strings.HasPrefix(string(b[:n]), "HTTP/1.1 200 ") {
				t.Errorf("answer %q, %v", b[:n], err)
				return
			}
		}
	}()
	for waiting := true; waiting; {
		select {
		case <-all:
			waiting = false
		case <-time.After(50 * time.Millisecond):
			peak, threads = max(peak, status(t, p, "VmRSS")), max(threads, status(t, p, "Threads"))
		}
	}
	t.Logf("%d asleep: %d kB more resident at the peak, %d threads", n, peak-before, threads)
	if peak-before > 200<<10 {
		t.Errorf("%d sleeping requests took %d kB", n, peak-before)
	}
	if threads > 100 {
		t.Errorf("%d threads", threads)
	}
}

// status reads a number from /proc/PID/status.
func status(t *testing.T, p *program.Eddy, key string) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Skip("no /proc here")
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, key+":"); ok {
			n, _ := strconv.Atoi(strings.Fields(v)[0])
			return n
		}
	}
	t.Fatalf("no %s", key)
	return 0
}
