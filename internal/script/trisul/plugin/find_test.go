package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.lua": "TrisulPlugin = {}", "a.lua": "TrisulPlugin = {}", "module.lua": "return {}", "app/c.lua": "TrisulPlugin = {}",
		"app/deep/d.lua": "TrisulPlugin = {}", ".hidden/e.lua": "TrisulPlugin = {}", ".f.lua": "TrisulPlugin = {}", "g.txt": "TrisulPlugin",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		paths []string
		want  string
	}{
		{[]string{dir}, "a.lua app/c.lua app/deep/d.lua b.lua"},
		{[]string{dir + "/"}, "a.lua app/c.lua app/deep/d.lua b.lua"},
		{[]string{link}, "a.lua app/c.lua app/deep/d.lua b.lua"},
		{[]string{dir + "/module.lua", dir + "/app"}, "module.lua app/c.lua app/deep/d.lua"},
		{[]string{dir + "/app", dir + "/app/c.lua", link + "/app/c.lua"}, "app/c.lua app/deep/d.lua"}, // each once
		{[]string{dir + "/none"}, ""},
		{[]string{dir + "/.hidden/../empty"}, ""},
		{[]string{"/dev/zero"}, ""},
	} {
		found, err := Find(tt.paths)
		var names []string
		for _, s := range found {
			name := strings.TrimPrefix(strings.TrimPrefix(s.File, dir+"/"), link+"/")
			names = append(names, name)
			if s.Named != (name == "module.lua") || s.Text == "" {
				t.Errorf("%+v", s)
			}
		}
		if got := strings.Join(names, " "); got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%v: %q, %v; want %q", tt.paths, got, err, tt.want)
		}
	}
}

// Every script type is found under each of its names, and no two share one.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		for _, name := range append([]string{k.Name}, k.Other...) {
			if found, ok := FindKind(name); !ok || found.Name != k.Name || seen[name] {
				t.Errorf("%s: %v %v", name, found.Name, ok)
			}
			seen[name] = true
		}
	}
	if _, ok := FindKind("nothing"); ok {
		t.Error("a type called nothing")
	}
}
