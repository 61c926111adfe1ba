package cli

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestParseFlags(t *testing.T) {
	tests := []struct {
		args string
		want flags
	}{
		{"-f a.cfg", flags{files: []string{"a.cfg"}}},
		{"-c -f a.cfg -f b -- c d -e", flags{check: true, files: []string{"a.cfg", "b", "c", "d", "-e"}}},
		{"-D -p /run/p -f x -sf 12 34 -st 56", flags{daemon: true, pidFile: "/run/p", files: []string{"x"}, finish: []int{12, 34}, terminate: []int{56}}},
		{"-sf -f x", flags{files: []string{"x"}}},
		{"-f x -sf", flags{files: []string{"x"}}},
		{"-Ws -db -q -f x", flags{master: true, systemd: true, foreground: true, quiet: true, files: []string{"x"}}},
		{"-q -V", flags{verbose: true}},
		{"-V -q", flags{quiet: true}},
		{"-d", flags{foreground: true, debug: true, verbose: true}},
		{"-n 10 -N 20 -m 30 -L me -C /d", flags{maxConn: 10, perProxy: 20, memory: 30, localPeer: "me", dir: "/d"}},
		{"-dW -dD", flags{zeroWarn: true, diag: true}},
		{"-v", flags{version: 1}},
		{"-v -vv", flags{version: 2}},
		{"--version", flags{version: 1}},
		{"-h", flags{help: true}},
		{"--help", flags{help: true}},
		{"-4", flags{}},
		{"-dM0x50 -de", flags{notes: []string{"-dM0x50 (memory poisoning) has no effect in eddy", "-de (epoll) has no effect in eddy"}}},
		{"-x /s", flags{notes: []string{"-x is not needed: -sf and -st take the listening sockets of the processes that they name"}}},
	}
	for _, tt := range tests {
		got, err := parseFlags(strings.Fields(tt.args))
		if err != nil || !reflect.DeepEqual(*got, tt.want) {
			t.Errorf("%s\ngot  %+v %v\nwant %+v", tt.args, got, err, tt.want)
		}
	}
}

func TestParseFlagsRefuses(t *testing.T) {
	tests := []struct{ args, text, hint string }{
		{"a.cfg", `"a.cfg" is not a flag`, "to read it as a configuration: -f a.cfg"},
		{"-f", "-f wants an argument", "-f FILE: read this configuration"},
		{"-fa.cfg", "unknown flag -fa.cfg", "put a space between: -f a.cfg"},
		{"-qc", "unknown flag -qc", "flags stand alone: -q -c"},
		{"-ws", "unknown flag -ws", `did you mean "-Ws"?`},
		{"--hepl", "unknown flag --hepl", `did you mean "--help"?`},
		{"--check", "unknown flag --check", "eddy --help lists the flags"},
		{"-k", "unknown flag -k", "eddy --help lists the flags"},
		{"--completely-different", "unknown flag --completely-different", "eddy --help lists the flags"},
		{"-n many", `-n: it wants a number from 1 up, not "many"`, ""},
		{"-m 0", `-m: it wants a number from 1 up, not "0"`, ""},
		{"-sf abc", `-sf: "abc" is not a process id`, "give the numbers from the pid file"},
		{"-", `"-" is not a flag`, ""},
	}
	for _, tt := range tests {
		_, err := parseFlags(strings.Fields(tt.args))
		var usage *usageError
		if !errors.As(err, &usage) || usage.text != tt.text || !strings.HasPrefix(usage.hint, tt.hint) {
			t.Errorf("%s: got %+v", tt.args, err)
		}
	}
}

// The help names every flag that it should, and its lines fit a terminal.
func TestHelp(t *testing.T) {
	var b bytes.Buffer
	printHelp(&b)
	for _, s := range specs() {
		if s.help != "" && !strings.Contains(b.String(), "\n  "+s.name+" ") {
			t.Errorf("%s is missing", s.name)
		}
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > 110 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}

func TestColours(t *testing.T) {
	env := func(pairs ...string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1], true
				}
			}
			return "", false
		}
	}
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminal to be had here:", err)
	}
	defer tty.Close()
	if !newConsole(nil, tty, env("TERM", "xterm")).colour {
		t.Error("no colours on a terminal")
	}
	if newConsole(nil, tty, env("TERM", "xterm", "NO_COLOR", "1")).colour {
		t.Error("colours despite NO_COLOR")
	}
	if newConsole(nil, tty, env("TERM", "dumb")).colour {
		t.Error("colours on a dumb terminal")
	}
	if newConsole(nil, new(bytes.Buffer), env("TERM", "xterm")).colour {
		t.Error("colours in a pipe")
	}
}
