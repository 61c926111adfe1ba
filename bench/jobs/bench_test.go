package main

import (
	"context"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"eddy/bench/jobs/load"
)

func results(rates ...float64) (all []load.Result) {
	for _, r := range rates {
		all = append(all, load.Result{Rate: r, P50: 1500 * time.Nanosecond, P99: 25 * time.Millisecond, Mean: time.Duration(r)})
	}
	return all
}

func TestQueueTable(t *testing.T) {
	one, end := measures()[0], measures()[3]
	subjects := []*subject{
		{title: "eddy", safe: "synced", results: map[measure][]load.Result{one: results(3000, 1000, 2000), end: results(500, 500, 500)}},
		{title: "other", safe: "hoped for", results: map[measure][]load.Result{one: results(100, 100, 100)}},
	}
	got := queueTable(subjects, []string{"Other 1.2"}, []string{"third: third is not installed"})
	for _, want := range []string{
		"Jobs of 1 KiB; Other 1.2;",
		"| eddy | synced | 2,000 | 1.50 µs, 25 ms | | | 500 |\n",
		"| other | hoped for | 100 | 1.50 µs, 25 ms | | | |\n",
		"Left out: third: third is not installed.",
		"| other | **20×** (10 to 30) | | | |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestLaneTable(t *testing.T) {
	cases := laneCases()
	for i, c := range cases {
		c.rounds = results(float64(100+i), float64(200+2*i), float64(300+3*i))
		c.cpu = []float64{50, 40 + float64(i), 50}
	}
	got := laneTable(settings{rate: 2000, length: 3 * time.Second}, cases)
	for _, want := range []string{"at 2,000 requests a second", "drops it | 200 ns | 1.50 µs | 25 ms | 50 ns | | | | |\n",
		"| a job each, memory | 204 ns | 1.50 µs | 25 ms | 50 ns | **1.020** (1.02 to 1.02) |"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestSpan(t *testing.T) {
	for ns, want := range map[float64]string{0: "0 ns", 999: "999 ns", 1234: "1.23 µs", 123456: "123 µs", 1.5e6: "1.50 ms", 15e6: "15 ms", 2.5e9: "2.50 s"} {
		if got := span(ns); got != want {
			t.Errorf("%v: %s, want %s", ns, got, want)
		}
	}
}

func TestBenchLines(t *testing.T) {
	got := benchLines("goos: linux\nBenchmarkPush/memory-2   \t 1000000\t       900.5 ns/op\t  10 B/op\nBenchmarkPush/memory-2 \t 100\t 800 ns/op\nBenchmarkPushDisk-2 \t 1 \t 7 ns/op\nPASS\n")
	if want := []benchLine{{"BenchmarkPush/memory", []float64{900.5, 800}}, {"BenchmarkPushDisk", []float64{7}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestResidentOf(t *testing.T) {
	all, private := residentOf("Name:\teddy\nVmRSS:\t  10240 kB\nRssAnon:\t    5120 kB\nRssFile:\t 4096 kB\nRssShmem:\t    1024 kB\n")
	if all != 10240<<10 || private != 6144<<10 {
		t.Errorf("%d, %d", all, private)
	}
}

// TestPace sends requests to the server behind the lane.
func TestPace(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				answerRequests(c)
			}()
		}
	}()
	l := requests{address: ln.Addr().String(), rate: 1000, length: 100 * time.Millisecond}
	r, err := l.measure(t.Context())
	if err != nil || r.N < 90 || r.N > 100 || r.P99 < r.P50 || r.P50 <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
	ln.Close()
	if _, err := l.measure(context.Background()); err == nil {
		t.Error("nobody listens, and that was fine")
	}
}

func TestMissingService(t *testing.T) {
	s := &service{program: "no-such-program"}
	if _, err := s.find(); err == nil || err.Error() != "no-such-program is not installed" {
		t.Errorf("said %v", err)
	}
}

func TestFolderSize(t *testing.T) {
	if n, err := folderSize("load"); err != nil || n < 1000 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := folderSize(filepath.Join("load", "none")); err == nil {
		t.Error("a folder that is missing has a size")
	}
}
