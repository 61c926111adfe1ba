package observe

import (
	"os"
	"path/filepath"
	"testing"
)

// hoard schedules work that carries 100 kB for each file and takes longer than the packets do.
const hoard = `TrisulPlugin = {
  id = { name = "Hoard", description = "more work than one worker can do" },
  filex_monitor = {
    onfile_http = function(engine, timestamp, flowkey, path)
      local ok, reason = T.async:schedule {
        data = string.rep("x", 100000),
        onexecute = function(data) os.execute("sleep 0.02") end,
      }
      if not ok then print("refused", reason) end
    end,
  },
}
`

// TestBoundedMemory offers 300 MB of work to a worker that cannot keep up. What is too much is refused at once, counted,
// and told to the plugin.
func TestBoundedMemory(t *testing.T) {
	const (
		files = 3000
		limit = 100 << 20
	)
	dir := t.TempDir()
	pcap, err := os.Create(filepath.Join(dir, "downloads.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	if err := downloads(files, 2000).Write(pcap); err != nil {
		t.Fatal(err)
	}
	pcap.Close()
	o := observe(t, "-r", pcap.Name(), "--engines", "1", "--async-max-bytes", "4m", write(t, dir, "hoard.lua", hoard))
	if o.Report.Files.Whole != files || len(o.Report.Async) != 1 {
		t.Fatalf("%d files, asynchronous work: %+v", o.Report.Files.Whole, o.Report.Async)
	}
	a := o.Report.Async[0]
	if refused := total(a.Refused); refused == 0 || a.Scheduled+refused != files || a.Done != a.Scheduled || len(a.Dropped) != 0 {
		t.Errorf("asynchronous work: %+v", a)
	}
	if o.Peak == 0 || o.Peak > limit {
		t.Errorf("%d bytes of memory, more than %d", o.Peak, limit)
	}
}
