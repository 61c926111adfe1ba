package reload

import (
	"bytes"
	"fmt"
	"io"
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

const jobsConfig = `
global
    state-dir %[1]s/state
    stats socket %[1]s/stats.sock level admin
    lua-load jobs.lua
    hard-stop-after %[3]s
queue work
    store %[4]s
    durability os
    workers 4
    retries 0
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 5s
listen l
    bind 127.0.0.1:%[2]s
    http-request use-service lua.push
`

// jobsScript pushes a job for each request and answers when the push is safe. The handler writes down when a job begins and
// ends; half of the jobs take longer than a reload.
const jobsScript = `
local pid = tostring(core.get_info().Pid)
local function note(text)
    local f = assert(io.open("runs", "a"))
    f:write(text .. " " .. pid .. "\n")
    f:close()
end
async.handler("work", function(job)
    note("begin " .. job.data.n)
    core.msleep(job.data.ms)
    note("end " .. job.data.n)
    return true
end)
core.register_service("push", "http", function(applet)
    local n, ms = applet.qs:match("^n=(%d+)&ms=(%d+)$")
    local id, why = async.queue("work"):push{ handler = "work", data = { n = n, ms = tonumber(ms) } }
    local text = id or why
    applet:set_status(id and 200 or 503)
    applet:add_header("content-length", tostring(#text))
    applet:start_response()
    applet:send(text)
end)
`

func newJobsSite(t *testing.T, hardStop, store string) *site {
	port := program.FreePort(t)
	s := &site{bin: eddy, dir: t.TempDir(), addr: "127.0.0.1:" + port}
	s.cfg = filepath.Join(s.dir, "a.cfg")
	for name, text := range map[string]string{"a.cfg": fmt.Sprintf(jobsConfig, s.dir, port, hardStop, store), "jobs.lua": jobsScript} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// push has a job done, and says whether it was accepted.
func (s *site) push(n int64, ms int) error {
	r, err := http.Get(fmt.Sprintf("http://%s/?n=%d&ms=%d", s.addr, n, ms))
	if err != nil {
		return err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return fmt.Errorf("%d: %s %w", r.StatusCode, b, err)
	}
	return nil
}

// runs says how often jobs began and ended, and whether one ran twice at once.
func (s *site) runs(t *testing.T) (begun, ended map[string]int, twice []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "runs"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	begun, ended = map[string]int{}, map[string]int{}
	for line := range bytes.Lines(b) {
		w := strings.Fields(string(line))
		if len(w) < 2 {
			continue
		}
		if w[0] == "end" {
			ended[w[1]]++
			continue
		}
		if begun[w[1]] > ended[w[1]] {
			twice = append(twice, w[1])
		}
		begun[w[1]]++
	}
	return begun, ended, twice
}

// TestJobsPassOn: jobs of a queue on the disk go from one process to the next; each runs once.
func TestJobsPassOn(t *testing.T) {
	for _, way := range []string{"successors", "workers"} {
		t.Run(way, func(t *testing.T) {
			s := newJobsSite(t, "30s", "disk")
			var reload func(i int)
			var last func()
			if way == "successors" {
				start := func(args ...string) *program.Eddy {
					e := program.Launch(t, s.bin, s.dir, nil, append([]string{"-V", "-db", "-f", s.cfg}, args...)...)
					e.WaitFor(t, "ready, process")
					return e
				}
				now := start()
				var left []*program.Eddy
				reload = func(int) {
					next := start("-sf", strconv.Itoa(now.PID()))
					left, now = append(left, now), next
				}
				last = func() {
					for _, e := range left {
						e.WaitEnd(t)
					}
					now.Stop(t)
				}
			} else {
				master := program.Launch(t, s.bin, s.dir, nil, "-V", "-W", "-f", s.cfg)
				master.WaitFor(t, "is ready")
				reload = func(i int) {
					if err := syscall.Kill(master.PID(), syscall.SIGUSR2); err != nil {
						t.Fatal(err)
					}
					master.WaitForTimes(t, "is ready", i+2)
				}
				last = func() {
					master.Stop(t)
					if strings.Contains(master.Said(), " died (") {
						t.Errorf("workers died:\n%s", master.Said())
					}
				}
			}
			var sent, accepted atomic.Int64
			var clients sync.WaitGroup
			stop := make(chan struct{})
			for c := range 3 {
				clients.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						ms := 1
						if c == 0 && i%20 == 0 {
							ms = 700 // longer than a reload
						}
						if err := s.push(sent.Add(1), ms); err != nil {
							t.Error(err)
							return
						}
						accepted.Add(1)
					}
				})
			}
			const rounds = 8
			for i := range rounds {
				for begin, end := accepted.Load(), time.Now().Add(20*time.Second); accepted.Load() < begin+20; time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("nothing is accepted any more")
					}
				}
				reload(i)
			}
			close(stop)
			clients.Wait()
			for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				if _, ended, _ := s.runs(t); int64(len(ended)) == accepted.Load() {
					break
				}
				if time.Now().After(end) {
					break
				}
			}
			last()
			begun, ended, twice := s.runs(t)
			again := 0
			for _, n := range begun {
				again += n - 1
			}
			if int64(len(ended)) != accepted.Load() || again > 0 || len(twice) > 0 {
				t.Errorf("%d accepted, %d done, %d begun again, twice at once: %v", accepted.Load(), len(ended), again, twice)
			}
			t.Logf("%d jobs over %d reloads", accepted.Load(), rounds)
		})
	}
}

const fifoConfig = `
global
    state-dir %[1]s/state
    tune.lua.fifo disk
    lua-load fifo.lua
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 5s
listen l
    bind 127.0.0.1:%[2]s
    http-request lua.push
    http-request return status 200
`

const fifoScript = `
require("fifo")
local items = Fifo.new()
local function note(text)
    local f = assert(io.open("runs", "a"))
    f:write(text .. "\n")
    f:close()
end
core.register_action("push", { "http-req" }, function(txn)
    items:push(txn.f:query():match("^n=(%d+)"))
end)
core.register_task(function()
    while true do
        local n = items:pop()
        if n == nil then
            core.msleep(2)
        else
            note("begin " .. n)
            core.msleep(150)
            note("end " .. n)
        end
    end
end)
`

// TestFifoPassesOn: items of a fifo on the disk go on to the next process; the task of the old one ends what it has.
func TestFifoPassesOn(t *testing.T) {
	port := program.FreePort(t)
	s := &site{bin: eddy, dir: t.TempDir(), addr: "127.0.0.1:" + port}
	s.cfg = filepath.Join(s.dir, "a.cfg")
	for name, text := range map[string]string{"a.cfg": fmt.Sprintf(fifoConfig, s.dir, port), "fifo.lua": fifoScript} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := func(args ...string) *program.Eddy {
		e := program.Launch(t, s.bin, s.dir, nil, append([]string{"-V", "-db", "-f", s.cfg}, args...)...)
		e.WaitFor(t, "ready, process")
		return e
	}
	now := start()
	items := 0
	for range 8 {
		for range 12 {
			if err := s.push(int64(items), 0); err != nil {
				t.Fatal(err)
			}
			items++
		}
		next := start("-sf", strconv.Itoa(now.PID()))
		now.WaitEnd(t)
		now = next
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, ended, _ := s.runs(t); len(ended) == items {
			break
		}
	}
	now.Stop(t)
	begun, ended, twice := s.runs(t)
	again := 0
	for _, n := range begun {
		again += n - 1
	}
	if len(ended) != items || again > 0 || len(twice) > 0 {
		t.Errorf("%d items, %d done, %d begun again, twice at once: %v", items, len(ended), again, twice)
	}
}

// TestStateUsed: another process on the same folder is told whose it is.
func TestStateUsed(t *testing.T) {
	s := newJobsSite(t, "5s", "disk")
	e := program.Start(t, s.bin, s.dir, s.addr, nil, "-V", "-db", "-f", s.cfg)
	text, err := os.ReadFile(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.ReplaceAll(string(text), s.addr, "127.0.0.1:"+program.FreePort(t))
	other = strings.ReplaceAll(other, "stats.sock", "other.sock")
	if err := os.WriteFile(filepath.Join(s.dir, "b.cfg"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	r := program.Run(t, s.bin, s.dir, nil, "-db", "-f", "b.cfg")
	if want := fmt.Sprintf("state-dir %s/state is used by process %d: replace it with -sf %d, or choose another state-dir", s.dir, e.PID(), e.PID()); r.Code != 1 || !strings.Contains(r.Stderr, want) {
		t.Errorf("exit code %d:\n%s\nwant %q", r.Code, r.Stderr, want)
	}
	if err := s.push(1, 0); err != nil {
		t.Error(err)
	}
}

// TestMemoryQueueAtStop: a soft stop does what memory has, within hard-stop-after, and says what is left.
func TestMemoryQueueAtStop(t *testing.T) {
	for _, tt := range []struct {
		hardStop string
		ms, jobs int
		left     bool
	}{{"30s", 20, 40, false}, {"300ms", 10_000, 12, true}} {
		t.Run(tt.hardStop, func(t *testing.T) {
			s := newJobsSite(t, tt.hardStop, "memory")
			e := program.Start(t, s.bin, s.dir, s.addr, nil, "-V", "-db", "-f", s.cfg)
			for i := range tt.jobs {
				if err := s.push(int64(i), tt.ms); err != nil {
					t.Fatal(err)
				}
			}
			if err := syscall.Kill(e.PID(), syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			e.WaitEnd(t)
			_, ended, _ := s.runs(t)
			if done := len(ended) == tt.jobs; done == tt.left {
				t.Errorf("%d of %d jobs are done", len(ended), tt.jobs)
			}
			if told := strings.Contains(e.Said(), "jobs: "); told != tt.left {
				t.Errorf("it said:\n%s", e.Said())
			}
		})
	}
}
