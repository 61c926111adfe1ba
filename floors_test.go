// Package eddy_test keeps rules that hold for the whole repository.
package eddy_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// floors says how high each room under internal/ stands. A package imports from its own room and from lower floors,
// never from a room beside it or above. What stands outside internal/ (cmd, examples, bench, test) is on top.
var floors = map[string]int{
	"base":     0,
	"config":   1,
	"handoff":  1,
	"reentry":  1,
	"fastpath": 2,
	"offpath":  2,
	"script":   3,
	"engine":   4,
	"operator": 5,
}

// reserved names imports that belong to one package, and the only folders that may have them.
var reserved = map[string][]string{
	"C":                              {"internal/script/vm"},
	"github.com/emersion/go-smtp":    {"internal/offpath/client/smtp", "examples/email/sink", "test/postoffice"},
	"eddy/internal/operator/app":     {"cmd/eddy"},
	"eddy/internal/engine":           {"internal/operator/app"},
	"eddy/internal/engine/observed":  {"internal/operator/app", "internal/engine"},
	"eddy/internal/script/vm":        {"internal/script", "internal/engine"},
	"eddy/internal/operator/process": {"internal/operator/cli"},
}

const topFloor = 100

// room gives the name and the floor of the room that a folder of this module lies in.
func room(dir string) (name string, floor int, known bool) {
	rest, inside := strings.CutPrefix(dir, "internal/")
	if !inside {
		return "top", topFloor, true
	}
	name, _, _ = strings.Cut(rest, "/")
	floor, known = floors[name]
	return name, floor, known
}

func TestFloors(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() != "." && strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		seen++
		checkImports(t, filepath.ToSlash(file))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Fatalf("only %d files were looked at", seen)
	}
}

func checkImports(t *testing.T, file string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	dir := path.Dir(file)
	from, height, known := room(dir)
	if !known {
		t.Errorf("%s: internal/%s has no floor: put it into floors", file, from)
		return
	}
	for _, spec := range f.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if problem := refuse(dir, from, height, imported); problem != "" {
			t.Errorf("%s imports %s: %s", file, imported, problem)
		}
	}
}

// refuse says why a folder may not have an import, or "".
func refuse(dir, from string, height int, imported string) string {
	if folders, ok := reserved[imported]; ok {
		allowed := false
		for _, f := range folders {
			allowed = allowed || dir == f || strings.HasPrefix(dir, f+"/")
		}
		if !allowed {
			return "only " + strings.Join(folders, ", ") + " may"
		}
	}
	target, ours := strings.CutPrefix(imported, "eddy/")
	if !ours {
		return ""
	}
	to, floor, known := room(target)
	switch {
	case !known:
		return "that room has no floor"
	case to == from:
		return ""
	case floor >= height:
		return from + " does not stand above " + to
	}
	return ""
}

// The test tests itself: a rule that refuses nothing keeps nothing.
func TestRefuse(t *testing.T) {
	for _, tt := range []struct {
		dir, imported string
		want          bool // refused
	}{
		{"internal/base/syslog", "eddy/internal/config/diag", true},
		{"internal/config/model", "eddy/internal/config/diag", false},
		{"internal/fastpath/stream", "eddy/internal/offpath/fifo", true},
		{"internal/offpath/fifo", "eddy/internal/fastpath/txn", true},
		{"internal/fastpath/stream", "eddy/internal/base/syslog", false},
		{"internal/fastpath/stream", "C", true},
		{"internal/script/vm", "C", false},
		{"internal/script/haproxy", "C", true},
		{"internal/engine", "eddy/internal/operator/cli", true},
		{"internal/operator/cli", "eddy/internal/engine", true},
		{"internal/operator/app", "eddy/internal/engine", false},
		{"cmd/eddy", "eddy/internal/operator/app", false},
		{"internal/engine", "fmt", false},
		{"internal/base/x", "eddy/internal/unheard", true},
	} {
		from, height, _ := room(tt.dir)
		if got := refuse(tt.dir, from, height, tt.imported); (got != "") != tt.want {
			t.Errorf("%s imports %s: %q", tt.dir, tt.imported, got)
		}
	}
}
