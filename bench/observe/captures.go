package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"eddy/bench/observe/traffic"
)

// captures is what the programs read, and what they should find.
type captures struct {
	downloads string // capture files
	small     string
	single    string // one packet: what a program takes to start and to stop

	bytes map[string]int64 // by file
	files []traffic.File
	mixed traffic.Mixed
}

// makeCaptures writes the captures into a folder, and a list of the downloaded files beside them: URI, size and sha1.
func makeCaptures(dir string, files, packets int) (*captures, error) {
	c := &captures{
		downloads: filepath.Join(dir, "downloads.pcap"),
		small:     filepath.Join(dir, "small.pcap"),
		single:    filepath.Join(dir, "single.pcap"),
		bytes:     map[string]int64{},
	}
	for path, fill := range map[string]func(*traffic.Writer){
		c.downloads: func(w *traffic.Writer) {
			c.files = w.Downloads(traffic.Downloads{Files: files, Min: 10_000, Max: 1_000_000, Active: 100, Reordered: 0.01, Retransmitted: 0.01, Seed: 1})
		},
		c.small:  func(w *traffic.Writer) { c.mixed = w.Mix(traffic.Mix{Packets: packets, Active: 2000, Seed: 2}) },
		c.single: func(w *traffic.Writer) { w.Mix(traffic.Mix{Packets: 1, Active: 1, Seed: 3}) },
	} {
		if err := writeCapture(path, c.bytes, fill); err != nil {
			return nil, err
		}
	}
	var list strings.Builder
	for _, f := range c.files {
		fmt.Fprintf(&list, "%s\t%d\t%s\n", f.URI, f.Size, f.SHA1)
	}
	return c, os.WriteFile(filepath.Join(dir, "downloads.tsv"), []byte(list.String()), 0o644)
}

func writeCapture(path string, sizes map[string]int64, fill func(*traffic.Writer)) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := traffic.NewWriter(f)
	fill(w)
	sizes[path] = w.Bytes
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
