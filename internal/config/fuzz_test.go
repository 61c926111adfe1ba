package config

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzLoad holds that loading never panics, gives a configuration exactly when there is no error, and that every
// problem says something and points into the text.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/*.cfg")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range seeds {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, list := LoadBytes("f.cfg", text, Options{Env: testEnv, ReadFile: noFiles, Diag: true})
		if (c == nil) != list.Failed() {
			t.Fatalf("config %v, %s", c != nil, list.Summary())
		}
		for _, p := range list.All() {
			if p.Text == "" || p.Pos.Line < 0 || p.Pos.Line > 0 && p.Pos.Col < 1 {
				t.Fatalf("bad problem %+v", p)
			}
		}
	})
}
