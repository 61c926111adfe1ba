package observe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parts puts files together that come in parts (fileextract, "Handling very large files").
const parts = `TrisulPlugin = {
  id = { name = "Parts", description = "keeps files of any size" },
  request_async_workers = 4,
  filex_monitor = {
    onfile_http = function(engine, timestamp, flowkey, path, request, response, length, partial)
      if partial then
        print("part", length)
        T.async:cat(path, T.args .. "/" .. path:match("^.+/(.+)%.%d+.part$"))
      else
        print("whole", length)
        T.async:copy(path, T.args .. "/" .. path:match("^.+/(.+)$"))
      end
    end,
  },
}
`

// TestParts downloads files of 12 MB, which come in parts of 5 MB, and looks at what a plugin makes of them.
func TestParts(t *testing.T) {
	const files, size = 3, 12_000_000
	dir, kept := t.TempDir(), t.TempDir()
	pcap, err := os.Create(filepath.Join(dir, "downloads.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	if err := downloads(files, size).Write(pcap); err != nil {
		t.Fatal(err)
	}
	pcap.Close()
	o := observe(t, "-r", pcap.Name(), "--engines", "2", "--args", kept, write(t, dir, "parts.lua", parts))
	found, err := filepath.Glob(filepath.Join(kept, "*"))
	if err != nil || len(found) != files {
		t.Fatalf("%d files, %v; %+v", len(found), err, o.Report.Async)
	}
	for _, file := range found {
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := file[strings.LastIndexByte(file, '_')+1:]
		var i int
		if _, err := fmt.Sscan(name, &i); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if want := strings.Repeat(fmt.Sprintf("file %06d ", i), size/12+1)[:size]; string(got) != want {
			t.Errorf("%s has %d bytes, and they are not those that were sent", file, len(got))
		}
	}
	if n := total(o.Report.Async[0].Refused) + total(o.Report.Async[0].Dropped); n != 0 || o.Report.Async[0].Done != 3*files {
		t.Errorf("asynchronous work: %+v", o.Report.Async[0])
	}
}
