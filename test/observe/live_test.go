package observe

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/internal/fastpath/report"
	"eddy/test/program"
	"eddy/test/traffic"
)

// The live traffic: so many files of such a size, sent at such a rate. All of it is much more than the ring holds.
const (
	liveFiles = 300
	liveBytes = 50_000
	liveRate  = 5_000_000
	liveRing  = "12m"
)

// downloads makes a connection for each of n files.
func downloads(n, size int) *traffic.Tape {
	t := &traffic.Tape{Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Step: 10 * time.Microsecond}
	server := netip.MustParseAddrPort("203.0.113.10:80")
	client := netip.MustParseAddr("192.168.7.20")
	for i := range n {
		body := strings.Repeat(fmt.Sprintf("file %06d ", i), size/12+1)[:size]
		c := t.Connect(netip.AddrPortFrom(client, uint16(10000+i%50000)), server)
		c.Ask([]byte(fmt.Sprintf("GET /file/%d HTTP/1.1\r\nHost: files.example\r\n\r\n", i)),
			[]byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", size, body)))
		c.Close()
	}
	return t
}

// slowAsync and slowInline do the same for each file, off the path and on it.
const (
	slowAsync = `TrisulPlugin = {
  id = { name = "Slow", description = "work that takes 100 ms" },
  request_async_workers = 16,
  filex_monitor = {
    onfile_http = function(engine, timestamp, flowkey, path)
      T.async:schedule {
        data = path,
        onexecute = function(file) os.execute("sleep 0.1") return file end,
        onresult = function(engine, file) print("done", file) end,
      }
    end,
  },
}
`
	slowInline = `TrisulPlugin = {
  id = { name = "Slow", description = "work that takes 100 ms" },
  filex_monitor = {
    onfile_http = function(engine, timestamp, flowkey, path)
      os.execute("sleep 0.1")
      print("done", path)
    end,
  },
}
`
)

// TestLive watches a virtual cable while each file costs 100 ms of work.
func TestLive(t *testing.T) {
	n := newNamespace(t, "far")
	tape := downloads(liveFiles, liveBytes)

	t.Run("work in workers: nothing is dropped", func(t *testing.T) {
		r := n.observe(t, tape, slowAsync, liveFiles)
		if r.Packets != uint64(len(tape.Frames)) || len(r.Drops) != 0 || r.Files.Whole != liveFiles {
			t.Errorf("%d of %d packets, %d of %d files, dropped: %v", r.Packets, len(tape.Frames), r.Files.Whole, liveFiles, r.Drops)
		}
		if len(r.Async) != 1 || r.Async[0].Done != liveFiles || r.Async[0].Results != liveFiles {
			t.Errorf("asynchronous work: %+v", r.Async)
		}
	})
	t.Run("work on the path: the report shows what it costs", func(t *testing.T) {
		r := n.observe(t, tape, slowInline, 10)
		if dropped := droppedPackets(r); dropped == 0 || r.Packets+dropped > uint64(len(tape.Frames)) {
			t.Errorf("%d packets and dropped %v, %d were sent", r.Packets, r.Drops, len(tape.Frames))
		}
	})
}

// droppedPackets is what the kernel had no room for.
func droppedPackets(r report.Lane) (n uint64) {
	for _, d := range r.Drops {
		if strings.HasPrefix(d.Name, "packets, the kernel") {
			n += d.N
		}
	}
	return n
}

// observe watches the cable with a plugin while the tape is played, until the plugin has said "done" so many times.
func (n *namespace) observe(t *testing.T, tape *traffic.Tape, plugin string, done int) report.Lane {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "summary.json")
	bin, args := n.command(eddy, "observe", "-i", "far", "--engines", "1", "--ring-size", liveRing, "--bpf", "ip", "--json", file, write(t, dir, "slow.lua", plugin))
	e := program.Launch(t, bin, dir, nil, args...)
	e.WaitFor(t, "observing far")
	n.send(t, tape.Frames, liveRate)
	e.WaitForTimes(t, "done\t", done)
	e.Stop(t)
	r, _ := readReport(t, file)
	return r
}
