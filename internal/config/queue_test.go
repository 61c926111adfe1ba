package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/model"
)

// TestQueueSection checks that every keyword of the section reaches the model, and what stands there without it.
func TestQueueSection(t *testing.T) {
	c := load(t, "queue.cfg")
	if g := c.Global; g.StateDir != "/var/lib/eddy" || !g.Lua.FifoDisk || g.Logs[0].Format != "json" {
		t.Errorf("state-dir %q, fifo on disk %v, log format %q", g.StateDir, g.Lua.FifoDisk, g.Logs[0].Format)
	}
	if p := c.Proxies[0]; p.Timeouts.Client != 5*time.Second || p.Retries != 2 {
		t.Errorf("listen %+v", p)
	}
	byDefault := model.Queue{Workers: 4, MaxJobs: 100_000, MaxBytes: 256 << 20, MaxSize: 1 << 20, WhenFull: "reject",
		Retries: 8, BackoffMin: time.Second, BackoffMax: 10 * time.Minute, Timeout: time.Minute, KeepDead: 7 * 24 * time.Hour}
	small, reports := byDefault, byDefault
	small.MaxBytes, small.MaxSize, small.MaxJobs = 256<<10, 256<<10, 2000 // the size of one job shrinks with the queue
	small.RateEvents, small.RatePer, small.RateBurst, small.Retries, small.Timeout, small.KeepDead = 1000, time.Hour, 1, 0, 0, 0
	reports.Disk, reports.RateEvents, reports.RatePer, reports.RateBurst = true, 20, time.Minute, 1
	reports.Retries, reports.BackoffMin, reports.BackoffMax, reports.WhenFull = 3, 5*time.Second, 5*time.Second, "drop-newest"
	want := []model.Queue{
		{Disk: true, SyncOS: true, Workers: 16, MaxJobs: 1_000_000, MaxBytes: 1 << 30, MaxSize: 64 << 10, WhenFull: "drop-oldest",
			RateEvents: 50, RatePer: time.Second, RateBurst: 100, Retries: 5, BackoffMin: 500 * time.Millisecond, BackoffMax: time.Hour,
			Timeout: 30 * time.Second, UniqueFor: time.Hour, KeepDead: 90 * 24 * time.Hour},
		byDefault, small, reports,
	}
	if len(c.Queues) != len(want) {
		t.Fatalf("%d queues", len(c.Queues))
	}
	for i, name := range []string{"email", "default", "small.one_2-x", "reports"} {
		want[i].Name, want[i].Pos = name, c.Queues[i].Pos
		if !reflect.DeepEqual(*c.Queues[i], want[i]) {
			t.Errorf("got  %+v\nwant %+v", *c.Queues[i], want[i])
		}
	}
	if at := c.Queues[0].Pos.String(); at != "queue.cfg:8:1" {
		t.Errorf("the section stands at %s", at)
	}
}

// TestQueuesAlone checks what counts as a configuration that starts nothing.
func TestQueuesAlone(t *testing.T) {
	for text, want := range map[string]bool{
		"queue a\n":                                  true,
		"queue a\n store disk\n":                     false, // an earlier process may have left jobs
		"global\n lua-load x.lua\nqueue a\n":         false,
		"queue a\nlisten l\n bind :1\n":              false,
		"global\n stats socket /run/s\n\nqueue a\n ": false,
	} {
		c, list := LoadBytes("t.cfg", []byte(text), Options{ReadFile: func(string, int64) ([]byte, error) { return nil, nil }})
		if c == nil {
			t.Fatal(list.All())
		}
		said := strings.Contains(fmt.Sprint(list.All()), "starts nothing")
		if c.Idle() != want || said != want {
			t.Errorf("%q: idle %v, said so %v", text, c.Idle(), said)
		}
	}
}

// TestTooManyQueues holds their bound.
func TestTooManyQueues(t *testing.T) {
	var b strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&b, "queue q%d\n", i)
	}
	c, list := LoadBytes("t.cfg", []byte(b.String()), Options{})
	if all := list.All(); c != nil || len(all) != 1 || all[0].Text != "more than 1000 queue sections" {
		t.Errorf("said %v", all)
	}
}
