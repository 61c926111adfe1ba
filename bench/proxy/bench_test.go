package main

import (
	"strings"
	"testing"
	"time"
)

const wrkSays = `Running 2s test @ http://127.0.0.1:1/a
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.15ms  300.10us   6.00ms   90.50%
    Req/Sec    55.11k     2.10k   60.00k    75.00%
  Latency Distribution
     50%    1.10ms
     75%    1.20ms
     90%    1.40ms
     99%  930.00us
  110220 requests in 2.00s, 12.00MB read
Requests/sec:  55101.50
Transfer/sec:      6.00MB
`

func TestParseWrk(t *testing.T) {
	got, err := parseWrk(wrkSays)
	want := measurement{rate: 55101.5, p50: 1100 * time.Microsecond, p99: 930 * time.Microsecond, requests: 110220}
	if err != nil || got != want {
		t.Errorf("got %+v %v", got, err)
	}
	for _, bad := range []string{"", wrkSays + "  Socket errors: connect 1, read 0, write 0, timeout 0\n", wrkSays + "  Non-2xx or 3xx responses: 5\n"} {
		if _, err := parseWrk(bad); err == nil {
			t.Errorf("accepted:\n%s", bad)
		}
	}
}

func TestReport(t *testing.T) {
	m := func(rate float64) measurement {
		return measurement{rate: rate, p50: time.Millisecond, p99: 2 * time.Millisecond, cpuPerReq: 10}
	}
	b := &bench{settings: settings{rounds: 3, length: time.Second, conns: 64, idle: 10000, haproxy: "/nonexistent"}}
	got := b.report([]row{
		{c: &benchCase{letter: "A", title: "x"}, rounds: [2][]measurement{{m(30000), m(20000), m(1000)}, {m(10000), m(10000), m(10000)}}},
		{c: &benchCase{letter: "E", idle: true}, before: [2]int64{1e6, 2e6}, after: [2]int64{5e7, 6e7}},
	})
	for _, want := range []string{"| A: x | **2.00×** | 0.10 to 3.00 | 20,000 | 10,000 | 1ms, 1ms | 2ms, 2ms | 10.0 µs, 10.0 µs |",
		"E: 10,000 idle keep-alive connections: eddy holds 50.0 MB (1.0 MB before them), HAProxy 60.0 MB (2.0 MB)."} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
