package ledger

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig runs a ledger and keeps what its hooks and its output see, a line each. The lines may be read after end.
type rig struct {
	*Ledger
	t     *testing.T
	lines []string
	group *counter.Group
	ended chan error
}

// The group that tests count into: meter 0 is a rate with two toppers, meter 1 a gauge.
const testGUID = "{11111111-2222-3333-4444-555555555555}"

func testRegistry(t testing.TB) (*counter.Registry, *counter.Group) {
	t.Helper()
	r := counter.NewRegistry()
	g, err := r.Add(counter.Group{GUID: testGUID, Name: "Test", Meters: []counter.Meter{
		{ID: 0, Type: counter.RateCounter, TopN: 2, Name: "Bytes"},
		{ID: 1, Type: counter.Gauge, Name: "Level"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r, g
}

// start makes a rig. fill may add hooks and change options; it is called before the ledger runs.
func start(t *testing.T, engines int, fill func(r *rig, o *Options)) *rig {
	t.Helper()
	r := &rig{t: t, ended: make(chan error, 1)}
	o := Options{Engines: engines}
	o.Registry, r.group = testRegistry(t)
	if fill != nil {
		fill(r, &o)
	}
	r.Ledger = New(o)
	go func() { r.ended <- r.Run(context.Background()) }()
	return r
}

// end closes the ledger and gives the lines.
func (r *rig) end() []string {
	r.t.Helper()
	r.Close(context.Background())
	if err := <-r.ended; err != nil {
		r.t.Error(err)
	}
	return r.lines
}

func (r *rig) say(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// Write makes the rig an output.
func (r *rig) Write(rec learned.Record) error {
	switch rec := rec.(type) {
	case *learned.FlowRecord:
		r.say("out flow %d", rec.Serial)
	case *learned.Alert:
		r.say("out alert %s", rec.Key)
	case *learned.Resource:
		r.say("out resource %s", rec.URI)
	case *learned.Document:
		r.say("out document %s", rec.Text)
	case *learned.Counter:
		if rec.Group == testGUID {
			r.say("out counter %d %s %v", rec.Time/1e9, rec.Key, rec.Meters)
		}
	case *Topper:
		if rec.Group.GUID == testGUID {
			r.say("out topper %d %d. %s %v", rec.Meter, rec.Rank, rec.Key, rec.Value)
		}
	case *Tracked:
		r.say("out tracked %s %d. flow %d %v", rec.Tracker, rec.Rank, rec.Serial, rec.Metric)
	default:
		r.say("out %T", rec)
	}
	return nil
}

// counters gives a monitor of the test group that says all that it hears.
func (r *rig) counters() CounterMonitor {
	return CounterMonitor{
		Group:      r.group,
		NewKey:     func(ts int64, key string) { r.say("new key %d %s", ts, key) },
		Update:     func(ts int64, key string, values []float64) { r.say("update %d %s %v", ts, key, values) },
		BeginFlush: func(ts int64) { r.say("begin counters %d", ts) },
		Filter: func(ts int64, key string, values []float64) (bool, []float64) {
			r.say("filter %s", key)
			return true, nil
		},
		Flush:        func(ts int64, key string, values []float64) { r.say("flush %d %s %v", ts, key, values) },
		EndFlush:     func(ts int64) { r.say("end counters %d", ts) },
		BeginToppers: func(ts int64, meter int) bool { r.say("begin toppers %d %d", ts, meter); return true },
		TopperFilter: func(key string, v float64) bool { r.say("filter topper %s", key); return true },
		TopperFlush:  func(key string, v float64) { r.say("topper %s %v", key, v) },
		EndToppers:   func(meter int) { r.say("end toppers %d", meter) },
	}
}

// monitor gives a monitor of records that says all that it hears.
func monitor[R any](r *rig, kind string, name func(R) string) Monitor[R] {
	return Monitor[R]{
		New:        func(x R) { r.say("new %s %s", kind, name(x)) },
		BeginFlush: func(ts int64) { r.say("begin %ss %d", kind, ts) },
		Filter:     func(x R) bool { r.say("filter %s %s", kind, name(x)); return true },
		Flush:      func(x R) { r.say("flush %s %s", kind, name(x)) },
		EndFlush:   func(ts int64) { r.say("end %ss %d", kind, ts) },
	}
}

func flowName(f *learned.FlowRecord) string   { return fmt.Sprint(f.Serial) }
func alertName(a *learned.Alert) string       { return a.Key }
func resourceName(x *learned.Resource) string { return x.URI }
func documentName(d *learned.Document) string { return d.Text }

// at gives a capture time: seconds and a bit after a whole minute.
func at(seconds float64) int64 { return 60_000*1e9 + int64(seconds*1e9) }

// base is at(0) in seconds.
const base = 60_000

func flowOf(serial uint64, over bool) *learned.FlowRecord {
	f := &learned.FlowRecord{Over: over}
	f.Serial = serial
	f.Count[flow.ToServer].Bytes = serial * 100
	return f
}

// same compares lines.
func same(t *testing.T, got []string, want string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	for i := range max(len(got), len(lines)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(lines) {
			w = lines[i]
		}
		if g != w {
			t.Fatalf("line %d is %q, want %q; all:\n%s", i+1, g, w, strings.Join(got, "\n"))
		}
	}
}

// with gives the lines that begin with one of the words.
func with(lines []string, words ...string) []string {
	var found []string
	for _, line := range lines {
		for _, w := range words {
			if strings.HasPrefix(line, w) {
				found = append(found, line)
				break
			}
		}
	}
	return found
}
