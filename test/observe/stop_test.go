package observe

import (
	"path/filepath"
	"strings"
	"testing"

	"eddy/test/program"
)

// endless schedules work that nobody waits for to end.
const endless = `TrisulPlugin = {
  id = { name = "Endless", description = "work that does not end" },
  filex_monitor = {
    onfile_http = function(engine, timestamp, flowkey, path)
      T.async:schedule {
        data = path,
        onexecute = function(file) os.execute("sleep 1000") return file end,
        onresult = function(engine, file) print("result", file) end,
      }
      print("scheduled", path)
    end,
  },
}
`

// TestStop ends a replay that waits for its workers with SIGTERM: what they have not done is dropped within the time limit,
// and the report says what that was, and how much.
func TestStop(t *testing.T) {
	capture, err := filepath.Abs(shop)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "summary.json")
	e := program.Launch(t, eddy, dir, nil, "observe", "-r", capture, "--engines", "1", "--stop-timeout", "1s", "--json", file, write(t, dir, "endless.lua", endless))
	const files = 7
	e.WaitForTimes(t, "scheduled\t", files)
	e.Stop(t)
	r, _ := readReport(t, file)
	if len(r.Async) != 1 {
		t.Fatalf("asynchronous work: %+v", r.Async)
	}
	a := r.Async[0]
	if a.Scheduled != files || a.Done+total(a.Dropped) != files || total(a.Dropped) == 0 || a.Results != 0 {
		t.Errorf("asynchronous work: %+v", a)
	}
	for _, d := range a.Dropped {
		if !strings.Contains(d.Name, "endless.lua:5") {
			t.Errorf("dropped %q: no plugin and line", d.Name)
		}
	}
	if !strings.Contains(e.Said(), "    dropped ") || strings.Contains(e.Said(), "result\t") {
		t.Errorf("eddy said:\n%s", e.Said())
	}
}
