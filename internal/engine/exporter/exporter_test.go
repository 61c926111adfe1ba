package exporter

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/base/histogram"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/report"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	names "github.com/prometheus/common/model"
)

// full is a snapshot in which everything is there.
func full() *Snapshot {
	now := time.Unix(1_800_000_100, 0)
	var h histogram.Histogram
	h.Observe(3 * time.Microsecond)
	h.Observe(time.Hour)
	q := queue.Stats{
		Name: "email", Disk: true, Workers: 4, Busy: 3, Paused: true, Draining: true, StoreError: "the disk is full",
		Bounds: handoff.Bounds{Entries: 1000, Bytes: 1 << 20}, OldestReady: now.Add(-90 * time.Second), Uncommitted: 7, OldestGap: 20 * time.Millisecond,
		Pushed: 11, Duplicates: 12, Started: 13, Done: 14, Failed: 15, Retried: 16, TimedOut: 17, Died: 18, Dropped: 19, Deleted: 20,
		Used: handoff.Bounds{Entries: 25, Bytes: 26}, Loading: true, Away: true, Opened: 27, Handed: 28, Expired: 29, Commits: 30,
		Redelivered: 21, OwnerGone: 22, Popped: 23, RateWaits: 24,
		Wait: h.Snapshot(), Run: h.Snapshot(), Commit: h.Snapshot(),
		Handlers: []queue.HandlerStats{{Name: "send", Started: 5, Done: 3, Failed: 2, Total: 4 * time.Second, Max: 3 * time.Second}, {Name: "function", Started: 1}},
	}
	for i, st := range keptStates {
		q.Totals.Jobs[st], q.Totals.Bytes[st] = int64(31+i), int64(41+i)
	}
	for r := range q.Refused {
		q.Refused[r] = uint64(1 + r)
	}
	p := &proxy.Proxy{Name: "www", Model: &model.Proxy{Side: model.Frontend | model.Backend}}
	p.Front.Reqs.Store(51)
	p.Front.Status[2].Store(52)
	p.Back.Conns.Store(53)
	v := &proxy.Server{Name: "s1", Proxy: p}
	v.Up.Store(true)
	p.Servers = []*proxy.Server{v}
	return &Snapshot{
		At: now, Version: "1.2", Started: time.Unix(1_800_000_000, 0), Conns: 5, LogLinesDropped: 6,
		Queues:  []queue.Stats{q, {Name: "default"}},
		Tickets: []Tickets{{"haproxy", reentry.Counts{Issued: 10, Open: 1, Delivered: 2, Expired: 3, OwnerGone: 4, Late: 5}}},
		Lua: []Lua{{State: "shared", MemoryBytes: 61, LockWaits: 62, LockWait: 63 * time.Second,
			Kinds: []LuaKind{{"action", 64, 65 * time.Millisecond}, {"task", 66, 67 * time.Second}}}},
		Tasks:   []Task{{"mail.lua:14", "waiting", 3}, {"mail.lua:20", "waiting", 0}},
		Proxies: []*proxy.Proxy{p},
		Lanes: []*report.Lane{{Name: "uplink", Packets: 71, Drops: []report.Count{{Name: "packets, the kernel's ring was full", N: 72}},
			Scripts: []report.Script{{Plugin: "sha1", Errors: 73}}}},
	}
}

// page gives a page's metrics by name, as a reader of Prometheus' own sees them.
func page(t *testing.T, s *Snapshot) (text string, byName map[string]*dto.MetricFamily) {
	t.Helper()
	var b bytes.Buffer
	contentType, err := New(func() *Snapshot { return s }).Write(&b, "")
	if err != nil || !strings.HasPrefix(contentType, "text/plain; version=0.0.4") {
		t.Fatalf("%q, %v", contentType, err)
	}
	parser := expfmt.NewTextParser(names.LegacyValidation)
	byName, err = parser.TextToMetricFamilies(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), byName
}

// What the list says is what is exported, in every detail, and nothing else is.
func TestList(t *testing.T) {
	_, got := page(t, full())
	listed := map[string]bool{}
	for _, m := range Metrics() {
		if listed[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		listed[m.Name] = true
		f := got[m.Name]
		if f == nil {
			t.Errorf("%s is listed and not exported", m.Name)
			continue
		}
		if kind := strings.ToLower(f.GetType().String()); kind != string(m.Type) {
			t.Errorf("%s is exported as a %s, and listed as a %s", m.Name, kind, m.Type)
		}
		if f.GetHelp() != m.Help {
			t.Errorf("%s: help %q", m.Name, f.GetHelp())
		}
		for _, one := range f.Metric {
			var labels []string
			for _, l := range one.Label {
				labels = append(labels, l.GetName())
			}
			want := slices.Sorted(slices.Values(m.Labels))
			if !slices.Equal(labels, want) {
				t.Errorf("%s has the labels %v, want %v", m.Name, labels, want)
			}
		}
	}
	for name := range got {
		if !listed[name] && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s is exported and not listed", name)
		}
	}
	if got["go_goroutines"] == nil {
		t.Error("nothing of the Go runtime")
	}
}

// Names follow Prometheus' guide: a prefix, units at the end, _total for counters and nothing else.
func TestNames(t *testing.T) {
	for _, m := range Metrics() {
		switch total := strings.HasSuffix(m.Name, "_total"); {
		case !strings.HasPrefix(m.Name, "eddy_"), m.Name != strings.ToLower(m.Name):
			t.Errorf("%s: no name for a metric of ours", m.Name)
		case total != (m.Type == Counter):
			t.Errorf("%s is a %s", m.Name, m.Type)
		case m.Type == Histogram && !strings.HasSuffix(m.Name, "_seconds"):
			t.Errorf("%s has no unit", m.Name)
		case !strings.HasSuffix(m.Help, ".") || len(m.Help) < 10:
			t.Errorf("%s: help %q", m.Name, m.Help)
		}
		for _, bad := range []string{"_ms", "_millis", "_nanoseconds", "_kb", "_percent", "_count_total"} {
			if strings.Contains(m.Name, bad) {
				t.Errorf("%s has %s", m.Name, bad)
			}
		}
	}
}

func TestValues(t *testing.T) {
	text, _ := page(t, full())
	for _, want := range []string{
		`eddy_build_info{goversion="go1.`,
		"eddy_start_time_seconds 1.8e+09\n",
		"eddy_connections 5\n",
		"eddy_log_lines_dropped_total 6\n",
		`eddy_queue_info{queue="email",store="disk"} 1`,
		`eddy_queue_info{queue="default",store="memory"} 1`,
		`eddy_queue_jobs{queue="email",state="ready"} 31`,
		`eddy_queue_jobs{queue="email",state="dead"} 35`,
		`eddy_queue_jobs{queue="default",state="dead"} 0`,
		`eddy_queue_bytes{queue="email",state="retrying"} 44`,
		`eddy_queue_ready_oldest_seconds{queue="email"} 90`,
		`eddy_queue_ready_oldest_seconds{queue="default"} 0`,
		`eddy_queue_uncommitted_oldest_seconds{queue="email"} 0.02`,
		`eddy_queue_store_failing{queue="email"} 1`,
		`eddy_queue_store_failing{queue="default"} 0`,
		`eddy_queue_refused_total{queue="email",reason="max_jobs"} 6`, // 2 of the queue, 4 of what it shares
		`eddy_queue_refused_total{queue="email",reason="too_large"} 6`,
		`eddy_queue_refused_total{queue="default",reason="closed"} 0`,
		`eddy_queue_dead_total{queue="email"} 18`,
		`eddy_queue_run_seconds_bucket{queue="email",le="2e-06"} 0`,
		`eddy_queue_run_seconds_bucket{queue="email",le="4e-06"} 1`,
		`eddy_queue_run_seconds_bucket{queue="email",le="67.108864"} 1`,
		`eddy_queue_run_seconds_bucket{queue="email",le="+Inf"} 2`,
		`eddy_queue_run_seconds_sum{queue="email"} 3600.000003`,
		`eddy_queue_run_seconds_count{queue="email"} 2`,
		`eddy_handler_run_seconds_total{handler="send",queue="email"} 4`,
		`eddy_handler_started_total{handler="function",queue="email"} 1`,
		`eddy_tickets_ended_total{fate="owner_gone",owner="haproxy"} 4`,
		`eddy_lua_computed_seconds_total{kind="action",state="shared"} 0.065`,
		`eddy_lua_lock_wait_seconds_total{state="shared"} 63`,
		`eddy_lua_tasks{status="waiting"} 2`,
		`eddy_lua_task_restarts_total{task="mail.lua:14"} 3`,
		`eddy_proxy_requests_total{proxy="www",side="frontend"} 51`,
		`eddy_proxy_responses_total{code="2xx",proxy="www",side="frontend"} 52`,
		`eddy_proxy_connections{proxy="www",side="backend"} 53`,
		`eddy_server_up{proxy="www",server="s1"} 1`,
		`eddy_lane_running{lane="uplink"} 1`,
		`eddy_lane_drops_total{lane="uplink",reason="packets, the kernel's ring was full"} 72`,
		`eddy_lane_script_errors_total{lane="uplink",plugin="sha1"} 73`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s", want)
		}
	}
	var sum uint64
	for name, ticket := range map[string]uint64{"issued": 10, "open": 1, "delivered": 2, "expired": 3, "owner_gone": 4} {
		if name == "issued" {
			sum += ticket
		} else {
			sum -= ticket
		}
	}
	if sum != 0 {
		t.Errorf("the fates don't add up: %d", sum)
	}
}

// Whichever handlers are the busiest from page to page: a series stays, and no counter goes back.
func TestHandlersKeepTheirSeries(t *testing.T) {
	s := &Snapshot{Queues: []queue.Stats{{Name: "email"}}}
	for i := range 3 * maxHandlers {
		s.Queues[0].Handlers = append(s.Queues[0].Handlers, queue.HandlerStats{Name: fmt.Sprint("h", i), Started: uint64(1000 - i), Done: uint64(900 - i), Failed: 100})
	}
	e := New(func() *Snapshot { return s })
	before := map[string]float64{}
	for page := range 5 {
		var b bytes.Buffer
		if _, err := e.Write(&b, ""); err != nil {
			t.Fatal(err)
		}
		now := map[string]float64{}
		for line := range strings.Lines(b.String()) {
			if name, value, _ := strings.Cut(strings.TrimSpace(line), "} "); strings.HasPrefix(name, "eddy_handler_") && strings.Contains(name, "_total") {
				now[name], _ = strconv.ParseFloat(value, 64)
			}
		}
		for name, value := range before {
			if after, ok := now[name]; !ok || after < value {
				t.Fatalf("page %d: %s went from %v to %v, %v", page, name, value, after, ok)
			}
		}
		if before = now; len(now) != 4*(maxHandlers+1) {
			t.Fatalf("page %d has %d series", page, len(now))
		}
		for i := range s.Queues[0].Handlers { // the last become the first
			h := &s.Queues[0].Handlers[i]
			h.Started += uint64(i * 100 * (page + 1))
			h.Failed += uint64(i * 100 * (page + 1))
		}
	}
}

// Nothing that names may be makes a page that Prometheus can't read, and nobody can make it grow without bounds.
func TestHostileNames(t *testing.T) {
	s := full()
	var handlers []queue.HandlerStats
	for i := range 5000 {
		handlers = append(handlers, queue.HandlerStats{Name: fmt.Sprintf("h%d\"\n{\xff", i), Started: uint64(i), Max: time.Duration(i)})
	}
	s.Queues[0].Handlers = handlers
	s.Queues = append(s.Queues, s.Queues[0]) // one name twice
	s.Tickets = append(s.Tickets, s.Tickets[0], Tickets{Owner: strings.Repeat("é", 1000)})
	for i := range 20_000 {
		s.Tasks = append(s.Tasks, Task{Where: fmt.Sprint(i)})
	}
	text, got := page(t, s)
	n := 0
	var rest, most float64
	for _, m := range got["eddy_handler_started_total"].Metric {
		if labelOf(m, "queue") == "email" {
			n++
		}
		if labelOf(m, "handler") == otherHandlers {
			rest = m.GetCounter().GetValue()
		}
		most = max(most, m.GetCounter().GetValue())
	}
	if n != maxHandlers+1 || rest != 2*4899*4900/2 {
		t.Errorf("%d handlers, of the others %v attempts, at most %v", n, rest, most)
	}
	for _, m := range got["eddy_tickets_issued_total"].Metric {
		if owner := labelOf(m, "owner"); len(owner) > maxLabel+3 || owner == "haproxy" && m.GetCounter().GetValue() != 20 {
			t.Errorf("%q: %v", owner, m.GetCounter().GetValue())
		}
	}
	if n := len(got["eddy_lua_task_restarts_total"].Metric); n != maxSeries {
		t.Errorf("%d tasks", n)
	}
	if len(text) > 3<<20 {
		t.Errorf("the page has %d bytes", len(text))
	}
}

func labelOf(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func TestFormats(t *testing.T) {
	e := New(full)
	for accept, want := range map[string]string{
		"":                         "text/plain; version=0.0.4",
		"*/*":                      "text/plain; version=0.0.4",
		"text/html":                "text/plain; version=0.0.4",
		"nonsense;;,\x00":          "text/plain; version=0.0.4",
		"text/plain;version=0.0.4": "text/plain; version=0.0.4",
		"application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5": "application/openmetrics-text; version=1.0.0",
	} {
		var b bytes.Buffer
		got, err := e.Write(&b, accept)
		if err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, %v", accept, got, err)
		}
		if ends := strings.HasSuffix(b.String(), "# EOF\n"); ends != strings.Contains(want, "openmetrics") {
			t.Errorf("%q ends with %q", accept, b.String()[b.Len()-30:])
		}
	}
}

// A queue without jobs, and a process without anything, have a page too; the collector keeps its promises.
func TestEmptyAndPedantic(t *testing.T) {
	for _, s := range []*Snapshot{{}, full()} {
		r := prometheus.NewPedanticRegistry()
		if err := r.Register(newCollector(func() *Snapshot { return s })); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Gather(); err != nil {
			t.Error(err)
		}
	}
}

// Many may ask at the same time.
func TestAtTheSameTime(t *testing.T) {
	busy := 0 // the race detector looks
	e := New(func() *Snapshot { busy++; return full() })
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			var b bytes.Buffer
			if _, err := e.Write(&b, ""); err != nil || b.Len() == 0 {
				t.Errorf("%d bytes, %v", b.Len(), err)
			}
		})
	}
	asking.Wait()
	if busy != 8 {
		t.Errorf("%d snapshots", busy)
	}
}

// Every refusal and every state that is kept has a label.
func TestEveryReasonHasALabel(t *testing.T) {
	for r := handoff.Accepted + 1; r < handoff.NumRefusals; r++ {
		if reason(r) == "other" {
			t.Errorf("%v", r)
		}
	}
	for st := job.Ready; st <= job.Gone; st++ {
		if st.Kept() != slices.Contains(keptStates[:], st) {
			t.Errorf("%v", st)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	s := full()
	for i := range 20 {
		q := s.Queues[0]
		q.Name = fmt.Sprint("queue", i)
		s.Queues = append(s.Queues, q)
	}
	e := New(func() *Snapshot { return s })
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if _, err := e.Write(&out, ""); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len()), "bytes/page")
}
