package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// found is how much of what it should find a program has found.
type found struct {
	right, of int
	what      string
}

// check looks at what a program left in its folder.
type check func(c *captures, dir string) (found, error)

// event is what the checks need of a line of EVE.
type event struct {
	Type     string          `json:"event_type"`
	Resource json.RawMessage `json:"resource"`
	Fileinfo struct {
		Filename, State, SHA1 string
	}
	Flow struct {
		ToServer int `json:"pkts_toserver"`
		ToClient int `json:"pkts_toclient"`
	}
}

// events calls f for each line of the EVE file of a folder.
func events(dir string, f func(*event)) error {
	file, err := os.Open(filepath.Join(dir, "eve.json"))
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("line %d of %s: %w", n, file.Name(), err)
		}
		f(&e)
	}
	return lines.Err()
}

// checkFileinfo wants an event for each file with its name and hash.
func checkFileinfo(c *captures, dir string) (found, error) {
	hashes := map[string]string{}
	err := events(dir, func(e *event) {
		if e.Type == "fileinfo" && e.Fileinfo.State == "CLOSED" {
			hashes[e.Fileinfo.Filename] = e.Fileinfo.SHA1
		}
	})
	f := found{of: len(c.files), what: "files"}
	for _, file := range c.files {
		if hashes[file.URI] == file.SHA1 {
			f.right++
		}
	}
	return f, err
}

// checkResources wants a resource with each file's hash.
func checkResources(c *captures, dir string) (found, error) {
	hash := regexp.MustCompile("[0-9a-f]{40}")
	seen := map[string]bool{}
	err := events(dir, func(e *event) {
		if e.Type == "resource" {
			seen[string(hash.Find(e.Resource))] = true
		}
	})
	return c.count(seen), err
}

// checkFolder wants each file somewhere below a folder, whatever its name.
func checkFolder(sub string) check {
	return func(c *captures, dir string) (found, error) {
		seen := map[string]bool{}
		err := filepath.WalkDir(filepath.Join(dir, sub), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			hash, err := hashFile(path)
			seen[hash] = true
			return err
		})
		return c.count(seen), err
	}
}

// count says how many files' hashes were seen.
func (c *captures) count(seen map[string]bool) found {
	f := found{of: len(c.files), what: "files"}
	for _, file := range c.files {
		if seen[file.SHA1] {
			f.right++
		}
	}
	return f
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha1.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// checkFlows wants as many flows as there were conversations, and every IP packet in one of them.
func checkFlows(c *captures, dir string) (found, error) {
	flows := found{of: c.mixed.Conversations, what: "flows"}
	packets := found{of: c.mixed.IP, what: "packets in flows"}
	err := events(dir, func(e *event) {
		if e.Type == "flow" {
			flows.right++
			packets.right += e.Flow.ToServer + e.Flow.ToClient
		}
	})
	if packets.right != packets.of {
		return packets, err
	}
	return flows, err
}
