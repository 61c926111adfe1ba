package config

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eddy/internal/config/keyword"
)

// TestDocs keeps docs/configuration.md what the declarations say; -update writes it.
func TestDocs(t *testing.T) {
	var got bytes.Buffer
	if err := keyword.Document(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "docs", "configuration.md")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	compareGolden(t, path, got.Bytes())
}

// TestDeclarations holds every declaration to the same form.
func TestDeclarations(t *testing.T) {
	seen := map[string]keyword.Sections{}
	for _, d := range keyword.Declarations() {
		if d.In&seen[d.Name] != 0 {
			t.Errorf("%q is declared twice for %s", d.Name, d.In&seen[d.Name])
		}
		seen[d.Name] |= d.In
		if !strings.HasSuffix(d.Doc, ".") || strings.Contains(d.Doc, "\n") {
			t.Errorf("%q: the documentation %q is not one sentence in a line", d.Name, d.Doc)
		}
		own := d.In == keyword.Observe || d.In == keyword.Queue || strings.HasSuffix(d.Doc, " eddy's own.")
		if (d.Spec == "") != own || d.In == 0 {
			t.Errorf("%q has no section of the specification, though HAProxy has it, or is allowed nowhere", d.Name)
		}
		if (d.Set == nil) == (d.NoEffect == "") {
			t.Errorf("%q must either do something or say why not", d.Name)
		}
		if i := slices.IndexFunc(d.Params, func(p keyword.Param) bool { return p.Kind == keyword.Rest }); i >= 0 && i != len(d.Params)-1 {
			t.Errorf("%q: what takes the rest must come last", d.Name)
		}
	}
	var names []string
	for _, a := range keyword.Actions() {
		if slices.Contains(names, a.Name) {
			t.Errorf("action %q is declared twice", a.Name)
		}
		names = append(names, a.Name)
		if !strings.HasSuffix(a.Doc, ".") || a.In == 0 {
			t.Errorf("action %q: documentation %q, rules %q", a.Name, a.Doc, a.In)
		}
	}
}
