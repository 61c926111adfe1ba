package figures

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := Median(tt.values); got != tt.want {
			t.Errorf("of %v: %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{Thousands(0), "0"}, {Thousands(999), "999"}, {Thousands(1000), "1,000"}, {Thousands(1234567.4), "1,234,567"},
		{MB(90_400_000), "90.4 MB"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
	if m := Machine(); !strings.Contains(m, "cores") {
		t.Errorf("got %s", m)
	}
}

func TestUpdateSection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.md")
	if err := os.WriteFile(path, []byte("a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := UpdateSection(path, "x", "new\n"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "a\n<!-- x: begin -->\nnew\n<!-- x: end -->\nb\n" {
		t.Errorf("got %s", got)
	}
	if err := UpdateSection(path, "y", ""); err == nil {
		t.Error("a section that is missing was updated")
	}
	if err := UpdateSection(path+"x", "x", ""); err == nil {
		t.Error("a missing file was updated")
	}
}
