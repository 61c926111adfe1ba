package observed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/internal/base/value"
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/engine/jobs"
	"eddy/internal/fastpath/report"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
)

// queueSection is a queue as a configuration without anything but a name describes it; retries come soon.
func queueSection(name string, disk bool) *model.Queue {
	return &model.Queue{
		Name: name, Disk: disk, Workers: 2, MaxJobs: 1000, MaxBytes: 64 << 20, MaxSize: 1 << 20, WhenFull: "reject", Retries: 2,
		BackoffMin: time.Millisecond, BackoffMax: 2 * time.Millisecond, Timeout: time.Minute, KeepDead: time.Hour,
	}
}

// run is one run of a lane.
type run struct {
	*Lane
	out    *os.File
	stderr bytes.Buffer
}

func start(t *testing.T, cfg *model.Observe, o Options) *run {
	t.Helper()
	r := &run{}
	var err error
	if r.out, err = os.Create(filepath.Join(t.TempDir(), "out")); err != nil {
		t.Fatal(err)
	}
	o.Stdout, o.Stderr = r.out, &r.stderr
	l, problems := Build(cfg, o)
	if l == nil {
		t.Fatal(problems.All())
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	r.Lane = l
	t.Cleanup(func() {
		l.Stop(context.Background())
		r.out.Close()
		if t.Failed() {
			t.Logf("stderr: %s", &r.stderr)
		}
	})
	return r
}

func (r *run) printed(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// waitFor waits until a plugin has printed something.
func (r *run) waitFor(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(r.printed(t), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%q does not come: %s", text, r.printed(t))
		}
	}
}

// jobs gives the report's line on the jobs of the only plugin, whose fates have to add up.
func (r *run) jobs(t *testing.T) report.Jobs {
	t.Helper()
	all := r.Report().Jobs
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	if j := all[0]; j.Pushed != j.Done+j.Dead+j.Removed+j.Left+j.Untold {
		t.Errorf("fates don't add up: %+v", j)
	}
	return all[0]
}

const shopFiles = 7

// TestJobs has a job for each file, with engines that share a queue in memory.
func TestJobs(t *testing.T) {
	for _, engines := range []int{1, 3} {
		r := start(t, &model.Observe{Read: []string{shop}, Engines: engines, Scripts: []string{plugin(t, `
async.handler("sum", function(job)
  if job.attempt == 1 then error("not at once") end
  return T.util.filehash(job.data, "sha1")
end)
TrisulPlugin = { id = { name = "sums" }, filex_monitor = {
  onfile_http = function(engine, ts, flow, path, request)
    local name = request:get_path()
    T.async:schedule({ handler = "sum", queue = "again", data = path, key = "k", onresult = function(_, _, sum) print(sum, name) end })
    T.async:schedule({ delay = 3600, onexecute = print, onresult = print })
    T.async:schedule({ data = path, onexecute = function(p) return p end, onresult = function(_, p, r) print(p == r) end })
  end } }`)}}, Options{Queues: []*model.Queue{queueSection("again", false)}})
		if err := r.Wait(); err != nil {
			t.Error(err)
		}
		out := r.printed(t)
		if !strings.Contains(out, "20005a7be968bb81f1ccdb43ad281ef9c865fe37\t/setup.exe") || strings.Count(out, "true\n") != shopFiles {
			t.Errorf("printed %s", out)
		}
		j := r.jobs(t)
		if j.Pushed != 2*shopFiles || j.Done != shopFiles || j.Left != shopFiles || j.Results != shopFiles {
			t.Errorf("%+v", j)
		}
		q := r.Report().Queues
		if len(q) != 1 || q[0].Name != "default" || q[0].Delayed != shopFiles || q[0].Ready != 0 {
			t.Errorf("left: %+v", q)
		}
		if a := r.Report().Async; len(a) != 1 || a[0].Scheduled != shopFiles || a[0].Results != shopFiles {
			t.Errorf("%+v", a)
		}
	}
}

// TestJobsOnDisk ends a lane while its jobs wait for a file, and has the next one do them: named functions take the results.
func TestJobsOnDisk(t *testing.T) {
	dir := t.TempDir()
	gate := filepath.Join(dir, "gate")
	scripts := []string{plugin(t, `
async.handler("wait", function(job)
  while not io.open("`+gate+`") do os.execute("sleep 0.01") end
  return job.data:upper()
end)
async.onresult("took", function(job, result, engine) print("took", job.data, result, job.request:sub(1, 5), T.enginetype) end)
local function word() return "closure" end
TrisulPlugin = { id = { name = "keep" }, filex_monitor = {
  onfile_http = function(engine, ts, flow, path, request)
    if T.args ~= "push" then return end
    local name, n = request:get_path(), 1
    print(T.async:schedule({ queue = "kept", handler = "wait", data = name, onresult = "took" }))
    T.async:schedule({ queue = "kept", data = name, onexecute = function(d) return word() .. n .. d end, onresult = function() print("never") end })
    T.async:schedule({ queue = "kept", data = name, key = "k", onexecute = function(d) return word() .. d end, onresult = "took" })
  end } }`)}
	o := Options{Queues: []*model.Queue{queueSection("kept", true)}, StateDir: filepath.Join(dir, "state")}
	o.Queues[0].Workers = 1 // the first job holds all others up
	first := start(t, &model.Observe{Read: []string{shop}, Engines: 2, Scripts: scripts, Args: "push", StopTimeout: 50 * time.Millisecond}, o)
	for end := time.Now().Add(20 * time.Second); first.plugins.Pending() < 3*shopFiles; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d jobs: %s", first.plugins.Pending(), first.printed(t))
		}
	}
	first.Stop(t.Context())
	if j := first.jobs(t); j.Pushed != 3*shopFiles || j.Left != 3*shopFiles {
		t.Errorf("%+v", j)
	}
	if q := first.Report().Queues; len(q) != 1 || !q[0].Disk || q[0].Ready+q[0].Delayed+q[0].Retrying != 3*shopFiles {
		t.Errorf("left: %+v", q)
	}
	if info, err := os.Stat(o.StateDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info, err)
	}
	if err := os.WriteFile(gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	second := start(t, &model.Observe{Read: []string{shop}, Engines: 2, Scripts: scripts}, o)
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
	out := second.printed(t)
	for _, want := range []string{"took\t/setup.exe\t/SETUP.EXE\tflow \tfrontend\n", "took\t/setup.exe\tclosure/setup.exe\tflow \tfrontend\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "took"); n != 2*shopFiles || strings.Contains(out, "never") {
		t.Errorf("%d results:\n%s", n, out)
	}
	if q := second.Report().Queues; len(q) != 0 {
		t.Errorf("left: %+v", q)
	}
}

// TestJobsSealed has plugins of a second installation refuse a function of the first.
func TestJobsSealed(t *testing.T) {
	dir := t.TempDir()
	scripts := []string{plugin(t, `
async.onerror("sorry", function(job, why) print("sorry", why) end)
TrisulPlugin = { id = { name = "keep" }, onload = function()
  if T.args ~= "push" then return end
  async.queue("kept"):push{ handler = function() print("runs") while true do os.execute("sleep 1") end end, onerror = "sorry" }
end, filex_monitor = { onfile_http = function() end } }`)}
	o := Options{Queues: []*model.Queue{queueSection("kept", true)}, StateDir: dir}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	first := start(t, &model.Observe{Read: []string{shop}, Engines: 1, Scripts: scripts, Args: "push", StopTimeout: 50 * time.Millisecond}, o)
	first.waitFor(t, "runs")
	first.Stop(t.Context())
	if err := os.Remove(filepath.Join(dir, "seal.key")); err != nil {
		t.Fatal(err)
	}
	second := start(t, &model.Observe{Read: []string{shop}, Engines: 1, Scripts: scripts}, o)
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
	if out := second.printed(t); !strings.Contains(out, "sorry\tthe stored function was sealed by another installation") {
		t.Errorf("printed %s", out)
	}
	if q := second.Report().Queues; len(q) != 1 || q[0].Dead != 1 {
		t.Errorf("left: %+v", q)
	}
}

// TestJobsShared has two lanes with the same plugin use queues of the process; its handlers work until these end.
func TestJobsShared(t *testing.T) {
	problems := &diag.List{}
	process := jobs.New(jobs.Options{UID: -1, GID: -1, Log: func(_ int, text string) { t.Log(text) }}, problems)
	script := plugin(t, `
async.handler("up", function(job) return job.data:upper() end)
TrisulPlugin = { id = { name = "p" }, filex_monitor = { onfile_http = function(_, _, _, _, request)
  async.queue():push{ handler = "up", data = request:get_path(), onresult = function(_, r) print(r) end }
end } }`)
	var lanes []*run
	for range 2 {
		lanes = append(lanes, start(t, &model.Observe{Read: []string{shop}, Scripts: []string{script}}, Options{Shared: process.Shared}))
	}
	process.Start()
	for _, r := range lanes {
		if err := r.Wait(); err != nil {
			t.Error(err)
		}
		if j := r.jobs(t); j.Done != shopFiles || j.Results != shopFiles || !strings.Contains(r.printed(t), "/SETUP.EXE\n") {
			t.Errorf("%+v\n%s", j, r.printed(t))
		}
	}
	q, _ := process.Queues.Queue("default")
	inbox := reentry.New(reentry.Options{})
	data, _ := value.Append(nil, value.Str("late"))
	var late string
	ticket, _ := inbox.Issue(func(r reentry.Result) { late = fmt.Sprintf("%q %v", r.Data, r.Err) })
	q.Offer(queue.Push{Job: &job.Job{Body: job.Body{Queue: "default", Handler: "up", Data: data}}, Ticket: ticket})
	inbox.Finish(t.Context())
	if !strings.Contains(late, "LATE") {
		t.Errorf("behind the lanes' end: %s", late)
	}
	process.Stop(t.Context())
	for _, r := range lanes {
		r.Close()
	}
}

// TestJobsWithoutStart leaves nothing behind: a check of plugins touches no disk.
func TestJobsWithoutStart(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	l, problems := Build(&model.Observe{Read: []string{shop}, Scripts: []string{plugin(t, `
async.handler("x", print)
TrisulPlugin = { id = { name = "p" }, filex_monitor = { onfile_http = function() end } }`)}},
		Options{Queues: []*model.Queue{queueSection("kept", true)}, StateDir: state})
	if l == nil {
		t.Fatal(problems.All())
	}
	l.Stop(t.Context())
	if _, err := os.Stat(state); err == nil {
		t.Error("the state folder was made")
	}
}

// TestJobsStop ends a lane whose jobs never end, within its time.
func TestJobsStop(t *testing.T) {
	r := start(t, &model.Observe{Read: []string{shop}, Engines: 1, StopTimeout: 50 * time.Millisecond, Scripts: []string{plugin(t, `
TrisulPlugin = { id = { name = "p" }, filex_monitor = { onfile_http = function()
  T.async:schedule({ queue = "default", onexecute = function() print("runs") while true do end end, onresult = print })
end } }`)}}, Options{})
	r.waitFor(t, "runs")
	r.Stop(t.Context())
	if j := r.jobs(t); j.Left+j.Dead != j.Pushed || j.Results != 0 {
		t.Errorf("%+v", j)
	}
}
