package summary

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"eddy/internal/fastpath/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// full is a report in which everything happened.
func full() *report.Lane {
	first := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return &report.Lane{
		Name: "command", Engines: 2, Over: true, Elapsed: 1500 * time.Millisecond, First: first, Last: first.Add(962 * time.Second),
		Inputs:  []report.Input{{Name: "a.pcap", Packets: 1000}, {Name: "b\x1b[2J.pcap", Packets: 1345678, Error: "damaged at byte 77: a record of 4 GB"}},
		Packets: 1346678, Bytes: 912_345_678,
		Flows:   report.Flows{TCP: 12000, UDP: 345, Other: 6, Most: 800, Evicted: 9},
		Files:   report.Files{Whole: 2000, Truncated: 3, Bytes: 505_000_000, Kept: 1999},
		Learned: []report.Count{{Name: "HTTP requests", N: 2003}, {Name: "DNS messages", N: 12}},
		Groups: []report.Group{
			{Name: "Hosts", Meter: "Total", Unit: report.UnitBytes, Keys: 1234, Top: []report.Key{
				{Key: "C0.A8.01.02", Label: "192.168.1.2", Value: 900_000_000}, {Key: "08.08.08.08", Value: 1234},
				{Key: "3"}, {Key: "4"}, {Key: "5"}, {Key: "not shown"}}},
			{Name: "Nothing", Meter: "hits"},
			{Name: "Scores", Meter: "mean", Keys: 1, Top: []report.Key{{Key: "\u202eevil\r\n\xff", Value: 2.5}}},
		},
		Alerts:    []report.Count{{Name: "Weak TLS", N: 1200}, {Name: "b", N: 2}},
		Resources: []report.Count{{Name: "File hashes", N: 2000}},
		Async: []report.Async{{Plugin: "Hash files", Workers: 8, Scheduled: 2003, Done: 1998, Failed: 1, Results: 1996, Lost: 1,
			Refused: []report.Count{{Name: "100000 entries wait already", N: 5}}, Dropped: []report.Count{{Name: "schedule, hash.lua:12", N: 5}}}},
		Jobs: []report.Jobs{
			{Plugin: "Hash files", Pushed: 2003, Done: 1990, Dead: 3, Removed: 2, Left: 8, Results: 12, NotPushed: 5}, {Plugin: "fine", Pushed: 1, Done: 1},
		},
		Queues:   []report.Queue{{Name: "email", Disk: true, Ready: 7, Delayed: 1, Dead: 3}, {Name: "default", Retrying: 1}},
		Scripts:  []report.Script{{Plugin: "fine", File: "fine.lua"}, {Plugin: "Hash files", File: "hash.lua", Errors: 1, First: "hash.lua:12: attempt to index a nil value"}},
		Drops:    []report.Count{{Name: "packets, the kernel's ring was full", N: 17}},
		Problems: []report.Count{{Name: "truncated TCP header", N: 2}},
	}
}

// TestText compares the text with testdata; -update writes it.
func TestText(t *testing.T) {
	first := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, s := range map[string]Summary{
		"full":  Of(full(), 45_000_000),
		"quiet": Of(&report.Lane{Name: "live", Engines: 1, Elapsed: 3 * time.Second, Packets: 3, Bytes: 200, First: first, Last: first}, 0),
	} {
		var got bytes.Buffer
		if err := s.Text(&got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(want, got.Bytes()) {
			t.Errorf("%s is not what is written now (%v):\n%s", path, err, got.Bytes())
		}
	}
}

// TestJSON holds the names that programs read.
func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := Of(full(), 45_000_000).JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Packets          int     `json:"packets"`
		PacketsPerSecond float64 `json:"packets_per_second"`
		PeakRSS          int64   `json:"peak_rss_bytes"`
		First            string  `json:"first"`
		Flows            struct {
			TCP int `json:"tcp"`
		} `json:"flows"`
		Groups []struct {
			Name string `json:"name"`
			Top  []struct {
				Key   string  `json:"key"`
				Value float64 `json:"value"`
			} `json:"top"`
		} `json:"groups"`
		Async []struct {
			Refused []struct {
				Name string `json:"name"`
				N    int    `json:"n"`
			} `json:"refused"`
		} `json:"async"`
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Packets != 1346678 || got.PacketsPerSecond != 1346678/1.5 || got.PeakRSS != 45_000_000 || got.First != "2026-11-22T12:00:00Z" ||
		got.Flows.TCP != 12000 || len(got.Groups) != 3 || len(got.Groups[0].Top) != 6 || got.Groups[0].Top[0].Value != 900_000_000 ||
		got.Async[0].Refused[0].N != 5 {
		t.Errorf("got %+v", got)
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{Number(0), "0"}, {Number(999), "999"}, {Number(1000), "1,000"}, {Number(1234567), "1,234,567"},
		{Bytes(0), "0 B"}, {Bytes(999), "999 B"}, {Bytes(1000), "1.00 kB"}, {Bytes(12345), "12.3 kB"}, {Bytes(999_600), "1.00 MB"},
		{Bytes(123_456_789), "123 MB"}, {Short(42), "42"}, {Short(1_240_000), "1.24 M"},
		{Duration(0), "0 ms"}, {Duration(-time.Hour), "0 ms"}, {Duration(1700 * time.Microsecond), "2 ms"}, {Duration(1234 * time.Millisecond), "1.23 s"}, {Duration(42 * time.Second), "42.0 s"},
		{Duration(59960 * time.Millisecond), "1 min 0 s"}, {Duration(962 * time.Second), "16 min 2 s"}, {Duration(100 * time.Hour), "4 d 4 h"}, {Duration(25 * time.Hour), "25 h 0 min"},
		{name("a\x00\x1b[1m\xff\u202e"), `a\x00\x1b[1m\xff\u{202e}`}, {count(1, "task"), "1 task"}, {count(2000, "task"), "2,000 tasks"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestLine(t *testing.T) {
	r := full()
	const ended = "observe command: ended after 1.50 s, 1,346,678 packets, 912 MB, 12,351 flows, 2,003 files; dropped 17 packets, the kernel's ring was full"
	if got := Line(r, time.Now()); got != ended {
		t.Errorf("got %q", got)
	}
	r.Over, r.Began = false, r.First
	if got := Line(r, r.First.Add(90*time.Second)); got != "observe command: running for 1 min 30 s, 1,346,678 packets" {
		t.Errorf("got %q", got)
	}
}
