// Package observe runs "eddy observe" as a user does: the binary, plugin files, captures, a live interface.
package observe

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"eddy/internal/fastpath/report"
	"eddy/test/program"
)

// eddy is the binary under test.
var eddy string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "observe")
	if err == nil {
		defer os.RemoveAll(dir)
		eddy, err = program.BuildIn(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// shared finds a folder of the material beside the project, or skips the test.
func shared(t *testing.T, dir string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../../shared", dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("not beside the project: %v", err)
	}
	return path
}

// write puts a text into a file of the folder and gives its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// outcome is a finished run with its report.
type outcome struct {
	program.Result
	Report report.Lane
	Peak   int64 // resident memory, in bytes
}

// observe runs "eddy observe" to its end, which has to be a good one.
func observe(t *testing.T, args ...string) outcome {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "summary.json")
	o := outcome{Result: program.Run(t, eddy, dir, nil, append([]string{"observe", "--json", file}, args...)...)}
	if o.Code != 0 {
		t.Fatalf("exit code %d\n%s", o.Code, o.Stderr)
	}
	o.Report, o.Peak = readReport(t, file)
	return o
}

func readReport(t *testing.T, file string) (report.Lane, int64) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		report.Lane
		Peak int64 `json:"peak_rss_bytes"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return r.Lane, r.Peak
}

// total adds counts up.
func total(counts []report.Count) (n uint64) {
	for _, c := range counts {
		n += c.N
	}
	return n
}
