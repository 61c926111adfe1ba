package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"eddy/internal/config"
)

func TestParseObserve(t *testing.T) {
	set := func(words ...string) config.Setting { return config.Setting{Keyword: words[0], Args: words[1:]} }
	for _, tt := range []struct {
		args string
		want observeFlags
	}{
		{"-r a.pcap x.lua dir/", observeFlags{settings: []config.Setting{set("read", "a.pcap"), set("lua-load", "x.lua"), set("lua-load", "dir/")}}},
		{"x.lua --read=- -i eth0", observeFlags{settings: []config.Setting{set("lua-load", "x.lua"), set("read", "-"), set("interface", "eth0")}}},
		{"--env a>b=c=d --hash md5,sha1", observeFlags{settings: []config.Setting{set("env", "a>b", "c=d"), set("hash", "md5", "sha1")}}},
		{"--timeout-udp 9s -c -q", observeFlags{settings: []config.Setting{set("timeout udp", "9s")}, check: true, quiet: true}},
		{"--json s.json --no-summary --summary -- -odd.lua x.pcap", observeFlags{settings: []config.Setting{set("lua-load", "-odd.lua"), set("lua-load", "x.pcap")},
			json: "s.json", silent: true, summary: true}},
		{"-f a.cfg --queues b.cfg x.lua", observeFlags{settings: []config.Setting{set("lua-load", "x.lua")}, files: []string{"a.cfg", "b.cfg"}}},
		{"-h", observeFlags{help: true}},
	} {
		got, err := parseObserve(strings.Fields(tt.args))
		if err != nil || !reflect.DeepEqual(*got, tt.want) {
			t.Errorf("%s\ngot  %+v %v\nwant %+v", tt.args, got, err, tt.want)
		}
	}
}

func TestParseObserveRefuses(t *testing.T) {
	for _, tt := range []struct{ args, text, hint string }{
		{"a.pcap", `"a.pcap" is not a plugin`, "did you mean -r a.pcap?"},
		{"A.PCAPNG.gz", `"A.PCAPNG.gz" is not a plugin`, "did you mean -r A.PCAPNG.gz?"},
		{"-", `"-" is not a plugin`, "did you mean -r - (a capture from standard input)?"},
		{"eddy.cfg", `"eddy.cfg" is not a plugin`, "a configuration with observe sections runs with: eddy -f eddy.cfg"},
		{"-r a.pcap -f sums.lua", `-f would read queues from the plugin "sums.lua"`, "-f FILE: Takes the queue sections"},
		{"-r", "-r wants an argument", "-r FILE: Reads capture files"},
		{"--eve --json s.json", "--eve wants an argument, and --json is a flag", "--eve FILE: Adds"},
		{"-r -q", "-r wants an argument, and -q is a flag", "-r FILE: Reads"},
		{"-r a.pcap --eve sums.lua", `--eve would write to the plugin "sums.lua"`, "--eve FILE: Adds"},
		{"-r a.pcap --json=sums.lua", `--json would write to the plugin "sums.lua"`, "--json FILE: Writes"},
		{"help", `"help" is not a plugin`, "eddy observe --help explains the flags"},
		{"-v", "unknown flag -v", "eddy -v prints the version"},
		{"-ra.pcap", "unknown flag -ra.pcap", "put a space between: -r a.pcap"},
		{"--engine 2", "unknown flag --engine", `did you mean "--engines"?`},
		{"--asyncmaxbytes=2", "unknown flag --asyncmaxbytes", `did you mean "--async-max-bytes"?`},
		{"-engines 2", "unknown flag -engines", `did you mean "--engines"?`},
		{"-z", "unknown flag -z", "eddy observe --help lists the flags"},
		{"--env x", `--env: it wants PATH=VALUE, not "x"`, ""},
		{"--check=yes", "--check takes no argument", ""},
	} {
		_, err := parseObserve(strings.Fields(tt.args))
		var usage *usageError
		if !errors.As(err, &usage) || usage.text != tt.text || !strings.HasPrefix(usage.hint, tt.hint) {
			t.Errorf("%s: got %+v", tt.args, err)
		}
	}
}

// TestCaptured holds that a capture is known by what is in it, whatever its name is.
func TestCaptured(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	for _, tt := range []struct {
		text string
		want bool
	}{
		{"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", true}, {"\xa1\xb2\x3c\x4d....", true}, {"\n\r\r\n\x1c", true}, {"\x1f\x8b\x08", true},
		{"TrisulPlugin = {}", false}, {"\n\r\r", false}, {"", false},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := mistaken(path) != ""; got != tt.want {
			t.Errorf("%q: %v", tt.text, got)
		}
	}
	if captured(t.TempDir()) || captured(path+".not") {
		t.Error("a folder and a missing file are no captures")
	}
}

// TestObserveHelp holds that each flag is there, explained, and fits on a terminal.
func TestObserveHelp(t *testing.T) {
	var b bytes.Buffer
	printObserveHelp(&b)
	for _, s := range observeSpecs() {
		if !strings.Contains(b.String(), s.long) || s.help == "" {
			t.Errorf("%s is not explained", s.long)
		}
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if len(line) > 110 {
			t.Errorf("too long: %s", line)
		}
	}
}

func TestProgressLine(t *testing.T) {
	for _, tt := range []struct {
		done, total int64
		width       int
		want        string
	}{
		{50e6, 200e6, 100, "25 %  1.00 M packets  500 k packets/s  25.0 MB/s  6.00 s left"},
		{199_999_999, 200e6, 100, "99 %  1.00 M packets  500 k packets/s  100 MB/s  0 ms left"},
		{200e6, 200e6, 100, "100 %  1.00 M packets  500 k packets/s  100 MB/s  finishing what plugins have scheduled"},
		{1e6, 0, 100, "observing  1.00 M packets  500 k packets/s  500 kB/s"},
		{0, 200e6, 100, "0 %  1.00 M packets  500 k packets/s  0 B/s"},
		{50e6, 200e6, 11, "25 %  1.00"},
	} {
		if got := progressLine(tt.done, tt.total, 1e6, 2*time.Second, tt.width); got != tt.want {
			t.Errorf("%d of %d: %q, want %q", tt.done, tt.total, got, tt.want)
		}
	}
}

func TestScreen(t *testing.T) {
	var b bytes.Buffer
	s := &screen{w: &b}
	print := func(text string) {
		if _, err := s.beside(&b).Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	print("a\n")
	s.show("1 %")
	s.show("2 %")
	print("half")
	s.show("not in the middle of a line")
	print(" a line\n")
	s.show("3 %")
	s.show("")
	const erase = "\r\x1b[K"
	if want := "a\n1 %" + erase + "2 %" + erase + "half a line\n3 %" + erase; b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}
