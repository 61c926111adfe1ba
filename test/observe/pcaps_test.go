package observe

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// table reads a table with tabs: a map of column names to values for each row.
func table(t *testing.T, path string) []map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, v := range row {
			m[rows[0][i]] = v
		}
		out = append(out, m)
	}
	return out
}

// hashesOf gives the hashes of the whole bodies that http-files.tsv lists for a capture, sorted.
func hashesOf(t *testing.T, pcaps, capture string) []string {
	t.Helper()
	var hashes []string
	for _, row := range table(t, filepath.Join(pcaps, "http-files.tsv")) {
		if row["pcap"] == capture && row["state"] == "CLOSED" {
			hashes = append(hashes, row["sha1"])
		}
	}
	slices.Sort(hashes)
	return hashes
}
