package main

import (
	"embed"
	"os"
	"path/filepath"
)

// plugins are the scripts that eddy runs.
//
//go:embed plugins/*.lua
var plugins embed.FS

// subject is a program with its arguments: one thing to measure.
type subject struct {
	name string
	// args gives the command line that reads a capture and writes into a folder, which is the process's working folder.
	args  func(dir, capture string) ([]string, error)
	check check

	capture string
	rounds  []measurement
	starts  []float64 // seconds with the capture of a single packet
	found   found     // of the last round that was not all right, or else of all
}

// row is a line of the report: eddy beside a peer.
type row struct {
	title string
	eddy  *subject
	peer  *subject // nil: it is not installed
}

// comparison is all that is measured.
type comparison struct {
	subjects []*subject
	rows     []row
	plain    *subject // the small packets without a script
	hooked   *subject // and with one for every packet
}

// compare says what is measured. A peer that is not installed has the program "".
func compare(s settings, c *captures) *comparison {
	cmp := &comparison{}
	add := func(capture string, subject *subject) *subject {
		if subject != nil {
			subject.capture = capture
			cmp.subjects = append(cmp.subjects, subject)
		}
		return subject
	}
	native := add(c.downloads, eddy(s, "eddy --hash sha1", "", checkFileinfo, "--eve-types", "fileinfo", "--hash", "sha1"))
	builtin := add(c.downloads, eddy(s, "eddy, T.util.filehash", "filehash.lua", checkResources, "--eve-types", "resource"))
	process := add(c.downloads, eddy(s, "eddy, io.popen", "sha1sum.lua", checkResources, "--eve-types", "resource"))
	keep := add(c.downloads, eddy(s, "eddy --keep", "", checkFolder("files"), "--hash", "sha256", "--keep", "files")) // in its working folder
	cmp.plain = add(c.small, eddy(s, "eddy, flows", "", checkFlows, "--eve-types", "flow"))
	cmp.hooked = add(c.small, eddy(s, "eddy, onpacket", "onpacket.lua", checkFlows, "--eve-types", "flow"))

	var hashing, storing, flows, bodies *subject
	if s.suricata != "" {
		hashing = add(c.downloads, suricata(s.suricata, "Suricata, fileinfo", suricataFileinfo, checkFileinfo))
		storing = add(c.downloads, suricata(s.suricata, "Suricata, file-store", suricataStore, checkFolder("files")))
		flows = add(c.small, suricata(s.suricata, "Suricata, flow", suricataFlows, checkFlows))
	}
	if s.tcpflow != "" {
		bodies = add(c.downloads, tcpflow(s.tcpflow))
	}
	cmp.rows = []row{
		{"SHA-1 of every file, natively", native, hashing},
		{"SHA-1 of every file, Lua with `T.async` and `T.util.filehash`", builtin, hashing},
		{"SHA-1 of every file, Lua with `T.async` and `io.popen(\"sha1sum …\")`", process, hashing},
		{"every file kept in a folder, named by SHA-256", keep, storing},
		{"every file kept in a folder", keep, bodies},
		{"accounting of the small packets", cmp.plain, flows},
	}
	return cmp
}

// eddy is a subject; plugin is one of plugins, or "".
func eddy(s settings, name, plugin string, c check, flags ...string) *subject {
	return &subject{name: name, check: c, args: func(dir, capture string) ([]string, error) {
		args := append([]string{s.eddy, "observe", "-q", "--engines", s.engines, "--eve", filepath.Join(dir, "eve.json")}, flags...)
		args = append(args, "-r", capture)
		if plugin == "" {
			return args, nil
		}
		text, err := plugins.ReadFile("plugins/" + plugin)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, plugin)
		return append(args, path), os.WriteFile(path, text, 0o644)
	}}
}

// tcpflow is a subject: it writes both directions of every connection, and the bodies of HTTP beside them.
func tcpflow(program string) *subject {
	return &subject{name: "tcpflow", check: checkFolder("files"), args: func(dir, capture string) ([]string, error) {
		return []string{program, "-q", "-e", "http", "-o", filepath.Join(dir, "files"), "-r", capture}, nil
	}}
}
