package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eddy/internal/config/diag"
)

var update = flag.Bool("update", false, "write the golden files and docs/configuration.md anew")

// testEnv is the environment of the tests.
func testEnv(name string) (string, bool) {
	v, ok := map[string]string{"PORT": "8080", "EMPTY": "", "NETS": "10.0.0.0/8 192.168.0.0/16", "BACKEND": "app"}[name]
	return v, ok
}

// TestGolden loads every testdata/good/*.cfg and testdata/bad/*.cfg and compares what is said about it with the
// .golden file beside it. Good ones must load; bad ones must not.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.cfg")
	if err != nil || len(files) < 10 {
		t.Fatalf("only %d configurations found, %v", len(files), err)
	}
	for _, path := range files {
		kind := filepath.Base(filepath.Dir(path))
		if kind == "folder" {
			continue
		}
		t.Run(kind+"/"+filepath.Base(path), func(t *testing.T) {
			c, list := Load(Options{Files: []string{filepath.Base(path)}, Dir: filepath.Dir(path), Env: testEnv, Version: "0.1.0"})
			if (kind == "good") != (c != nil) || list.Failed() == (c != nil) {
				t.Errorf("config %v, problems: %s", c != nil, list.Summary())
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(text), "\n")
			var got bytes.Buffer
			if err := diag.Fprint(&got, list, false, func(_ string, n int) string { return lines[n-1] }); err != nil {
				t.Fatal(err)
			}
			if got.Len() == 0 {
				got.WriteString("no problems\n")
			} else {
				got.WriteString(list.Summary() + "\n")
			}
			compareGolden(t, strings.TrimSuffix(path, ".cfg")+".golden", got.Bytes())
		})
	}
}

// compareGolden compares got with a file, or writes the file with -update.
func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go test -update", err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s is not what is said now (go test -update writes it anew):\n%s", path, firstDifference(want, got))
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := 0; i < len(w) || i < len(g); i++ {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return "want: " + a + "\ngot:  " + b
		}
	}
	return ""
}
