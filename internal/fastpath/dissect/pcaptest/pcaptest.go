// Package pcaptest reads the shared captures in tests.
package pcaptest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// Dir gives the folder of captures that stands beside the repository; without one the test is skipped.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		found := filepath.Join(dir, "..", "shared", "pcaps")
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			continue
		}
		if _, err := os.Stat(found); err != nil {
			break
		}
		return found
	}
	t.Skip("no captures: ../shared/pcaps is not there")
	return ""
}

// Column gives a column of counts.tsv by capture.
func Column(t testing.TB, column string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Dir(t), "counts.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	values, at := map[string]string{}, -1
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if at < 0 {
			for i, name := range cells {
				if name == column {
					at = i
				}
			}
			if at < 0 {
				t.Fatalf("counts.tsv has no column %q", column)
			}
			continue
		}
		values[cells[0]] = cells[at]
	}
	return values
}

// Packets decodes a capture and gives each packet, which is valid during the call.
func Packets(t testing.TB, name string, each func(p *packet.Packet)) {
	t.Helper()
	file, err := capture.Open(filepath.Join(Dir(t), name), capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := packet.NewDecoder(packet.Options{})
	for {
		var p packet.Packet
		var cut *capture.FileError
		switch err := file.Next(&p.Frame); {
		case errors.Is(err, io.EOF), errors.As(err, &cut): // one of the captures ends within a packet
			return
		case err != nil:
			t.Fatal(err)
		}
		decoder.Decode(&p)
		each(&p)
	}
}
