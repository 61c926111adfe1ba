package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/bench/observe/traffic"
)

func TestMemoryOf(t *testing.T) {
	got := memoryOf("Name:\teddy\nVmHWM:\t   20480 kB\nVmRSS:\t  10240 kB\nRssAnon:\t    5120 kB\nRssFile:\t 4096 kB\nRssShmem:\t    1024 kB\n")
	if want := (memory{peak: 20480 << 10, private: 6144 << 10}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	m, err := measure(t.Context(), dir, []string{"/bin/sh", "-c", "echo x > y"})
	if err != nil || m.wall <= 0 {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "y")); err != nil {
		t.Error("it ran elsewhere")
	}
	if _, err := measure(t.Context(), dir, []string{"/bin/sh", "-c", "echo no way >&2; exit 3"}); err == nil || !strings.Contains(err.Error(), "no way") {
		t.Errorf("got %v", err)
	}
}

// The captures on the disk, small ones, are what their lists say.
func TestMakeCaptures(t *testing.T) {
	dir := t.TempDir()
	c, err := makeCaptures(dir, 3, 500)
	if err != nil {
		t.Fatal(err)
	}
	for path, size := range c.bytes {
		if info, err := os.Stat(path); err != nil || info.Size() != size {
			t.Errorf("%s: %v, said %d bytes", path, err, size)
		}
	}
	list, err := os.ReadFile(filepath.Join(dir, "downloads.tsv"))
	if err != nil || strings.Count(string(list), "\n") != 3 || !strings.Contains(string(list), c.files[2].SHA1) {
		t.Errorf("%v:\n%s", err, list)
	}
	if c.mixed.Packets != 500 || len(c.files) != 3 {
		t.Errorf("got %+v, %d files", c.mixed, len(c.files))
	}
}

func TestChecks(t *testing.T) {
	one, two := strings.Repeat("1", 40), strings.Repeat("2", 40)
	c := &captures{
		files: []traffic.File{{URI: "/1", SHA1: one}, {URI: "/2", SHA1: two}},
		mixed: traffic.Mixed{IP: 7, Conversations: 2},
	}
	fileinfo := func(name, state, sha1 string) string {
		return `{"event_type":"fileinfo","fileinfo":{"filename":"` + name + `","state":"` + state + `","sha1":"` + sha1 + `"}}` + "\n"
	}
	flow := func(there, back string) string {
		return `{"event_type":"flow","flow":{"pkts_toserver":` + there + `,"pkts_toclient":` + back + `}}` + "\n"
	}
	for _, tt := range []struct {
		name  string
		check check
		eve   string
		want  found
	}{
		{"all files", checkFileinfo, fileinfo("/1", "CLOSED", one) + fileinfo("/2", "CLOSED", two), found{2, 2, "files"}},
		{"wrong hash, cut file", checkFileinfo, fileinfo("/1", "CLOSED", two) + fileinfo("/2", "TRUNCATED", two), found{0, 2, "files"}},
		{"resources", checkResources, `{"event_type":"resource","resource":{"uri":"SHA1:` + two + `"}}` + "\n" + fileinfo("/1", "CLOSED", one), found{1, 2, "files"}},
		{"all flows", checkFlows, flow("3", "1") + flow("2", "1"), found{2, 2, "flows"}},
		{"a flow too many", checkFlows, flow("3", "1") + flow("2", "0") + flow("1", "0"), found{3, 2, "flows"}},
		{"a packet is missing", checkFlows, flow("3", "1") + flow("2", "0"), found{6, 7, "packets in flows"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "eve.json"), []byte(tt.eve), 0o644); err != nil {
				t.Fatal(err)
			}
			if got, err := tt.check(c, dir); err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestCheckFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "files", "a9"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "files", "a9", "x"), []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := &captures{files: []traffic.File{{SHA1: "a9993e364706816aba3e25717850c26c9cd0d89d"}, {SHA1: "0"}}} // FIPS 180's example
	if got, err := checkFolder("files")(c, dir); err != nil || got != (found{1, 2, "files"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := checkFolder("none")(c, dir); err == nil {
		t.Error("a folder that is missing was fine")
	}
}

func TestReport(t *testing.T) {
	ms := func(walls ...int) (all []measurement) {
		for _, w := range walls {
			all = append(all, measurement{time.Duration(w) * time.Millisecond, time.Second, memory{50e6, 20e6}})
		}
		return all
	}
	e := &subject{name: "eddy", rounds: ms(300, 200, 100), starts: []float64{0.1}, found: found{2000, 2000, "files"}}
	p := &subject{name: "Suricata", rounds: ms(900, 1000, 1100), starts: []float64{0.5}, found: found{1999, 2000, "files"}}
	cmp := &comparison{
		rows:   []row{{"hashing", e, p}, {"alone", e, nil}},
		plain:  &subject{rounds: ms(300, 300, 300)},
		hooked: &subject{rounds: ms(400, 600, 500)},
	}
	if err := cmp.wrong(); err != nil {
		t.Error(err)
	}
	cmp.hooked.found.of++
	if err := cmp.wrong(); err == nil {
		t.Error("a wrong answer was fine")
	}
	got := cmp.report(settings{rounds: 3, engines: "1"}, &captures{mixed: traffic.Mixed{Packets: 1_000_000}})
	for _, want := range []string{
		"| hashing | Suricata | **5.00×** | 3.00 to 11.00 | 5.00× | 0.20 s, 1.00 s | 1.00 s, 1.00 s | 50.0 MB (20.0 MB), 50.0 MB (20.0 MB) | all 2,000 files, 1,999 of 2,000 files |",
		"| alone | | | | | 0.20 s | 1.00 s | 50.0 MB (20.0 MB) | all 2,000 files |",
		"costs 200 ns a packet",
		"no peer",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestSuricataConfig(t *testing.T) {
	dir := t.TempDir()
	args, err := suricata("/usr/bin/suricata", "x", suricataFlows, nil).args(dir, "c.pcap")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(dir, "suricata.yaml"))
	if err != nil || strings.Contains(string(config), "@") || !strings.Contains(string(config), "types: [flow]") || !strings.Contains(string(config), "depth: 0") {
		t.Errorf("%v:\n%s", err, config)
	}
	if line := strings.Join(args, " "); !strings.Contains(line, "--runmode single -k none") || !strings.HasSuffix(line, "-r c.pcap") {
		t.Errorf("got %s", line)
	}
}
