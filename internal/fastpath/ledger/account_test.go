package ledger

import (
	"fmt"
	"testing"
	"time"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

func TestNewKeys(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		o.Hooks.Counter = []CounterMonitor{{Group: r.group, NewKey: func(ts int64, key string) { r.say("%d %s", ts-base, key) }}}
	})
	f := r.Feed(0, counter.Limits{})
	for _, s := range []struct {
		at  float64
		key string
	}{{0, "a"}, {0.5, "b"}, {1, "a"}, {61, "a"}, {62, "c"}, {200, "b"}} {
		f.Advance(at(s.at))
		f.Local().AddString(r.group, s.key, 0, 1)
	}
	f.Close()
	same(t, r.end(), `
		0 a
		0 b
		62 c`)
}

// The filter forgets when it is full, and mistakes few keys for known ones.
func TestNewKeysFilter(t *testing.T) {
	var n newKeys
	mistaken := 0
	for i := range bloomKeys {
		if !n.add(fmt.Sprint("key ", i)) {
			mistaken++
		}
		if n.add(fmt.Sprint("key ", i)) {
			t.Fatalf("key %d is new a second time", i)
		}
	}
	if mistaken > bloomKeys/400 {
		t.Errorf("%d of %d new keys were taken for known ones", mistaken, bloomKeys)
	}
	for i := range bloomKeys { // fills it to the brim, so that it starts anew
		n.add(fmt.Sprint("more ", i))
	}
	if !n.add("key 0") {
		t.Error("an old key is still known after the filter was filled twice")
	}
}

// A bucket has no more keys than it may; the rest is counted together.
func TestTooManyKeys(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		o.Keys = 3
		o.Hooks.Counter = []CounterMonitor{{Group: r.group, Flush: func(ts int64, key string, v []float64) { r.say("%s %v", key, v[0]) }}}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0))
	for i := range 5 {
		f.Local().AddString(r.group, fmt.Sprint("k", i), 0, 60)
	}
	f.Advance(at(1))
	f.Local().AddString(r.group, "k0", 0, 60)
	f.Close()
	same(t, r.end(), `
		k0 2
		k1 1
		k2 1
		(other) 2
		SYS:GROUP_TOTALS 6`)
	if s := r.Summary(1); s.Overflow != 2 {
		t.Errorf("overflow is %d, want 2", s.Overflow)
	}
}

// Records that would have to wait in too great a number are flushed before their bucket's end.
func TestHeldIsBounded(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		o.Held = 2
		o.Hooks.Resource = []Monitor[*learned.Resource]{{
			BeginFlush: func(ts int64) { r.say("begin") },
			Flush:      func(x *learned.Resource) { r.say("flush %s", x.URI) },
			EndFlush:   func(ts int64) { r.say("end") },
		}}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0))
	for i := range 3 {
		f.Record(&learned.Resource{URI: fmt.Sprint(i)})
	}
	f.Close()
	same(t, r.end(), `
		begin
		flush 0
		flush 1
		end
		begin
		flush 2
		end`)
}

func TestFlowTracker(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		o.Output = r
		o.Hooks.Tracker = []FlowTracker{{
			Name: "big", Bucket: 90 * time.Second, Count: 2, // rounded up to two of the lane's buckets
			Metric: func(f *learned.FlowRecord) float64 {
				if f.Serial == 13 {
					return 0
				}
				return float64(f.Serial)
			},
			BeginFlush: func(ts int64) { r.say("begin %d", ts-base) },
			EndFlush:   func(ts int64) { r.say("end %d", ts-base) },
		}}
	})
	f := r.Feed(0, counter.Limits{})
	for i, serial := range []uint64{3, 13, 7, 5, 4} {
		f.Advance(at(float64(i) * 30))
		f.Flow(FlowEnd, flowOf(serial, true))
	}
	f.Advance(at(250))
	f.Flow(FlowSnapshot, flowOf(9, false))
	f.Close()
	same(t, with(r.end(), "begin", "end", "out tracked"), `
		begin 0
		out tracked big 1. flow 7 7
		out tracked big 2. flow 5 5
		end 0
		begin 120
		out tracked big 1. flow 4 4
		end 120
		begin 240
		out tracked big 1. flow 9 9
		end 240`)
}

func TestSummary(t *testing.T) {
	r := start(t, 2, nil)
	for e := range 2 {
		f := r.Feed(e, counter.Limits{})
		for i := range 3 {
			f.Advance(at(float64(i) * 60))
			f.Local().AddString(r.group, "a", 0, 1000)
			f.Local().AddString(r.group, fmt.Sprint("k", i), 0, 100)
			f.Local().AddString(r.Group(counter.Hosts), "C0.A8.01.02", 0, 60)
			f.Local().AddString(r.group, "a", 9, 1)
		}
		f.Record(&learned.KeyInfo{Group: testGUID, Key: "a", Label: "the first"})
		f.Record(&learned.Alert{Key: "SIG"})
		f.Record(&learned.TLS{Cipher: 0x1301})
		f.Close()
	}
	r.end()
	s := r.Summary(2)
	if s.Alerts != 2 || s.Lost.Meters != 6 || s.First != base {
		t.Errorf("%+v", s)
	}
	tops := map[string]string{}
	for _, top := range s.Top {
		tops[top.Group.Name] = fmt.Sprint(top.Meter, top.Total, top.Keys, top.About)
	}
	for name, want := range map[string]string{
		"Test":              "0 6600 [{a the first 6000} {k0  200}] false",
		"Hosts":             "0 360 [{C0.A8.01.02 192.168.1.2 360}] false",
		"Alert Signatures":  "0 2 [{SIG  2}] false",
		"TLS Cipher Suites": "1 2 [{1301  2}] false",
	} {
		if tops[name] != want {
			t.Errorf("%s: %s, want %s", name, tops[name], want)
		}
	}
}

func TestHeavyForgets(t *testing.T) {
	var h heavy
	for i := range 3 * maxHeavy {
		h.add(fmt.Sprint("light ", i), 1)
		if i%1000 == 0 {
			h.add("heavy", 50)
		}
	}
	if top := h.top(1); len(top) != 1 || top[0].Key != "heavy" || top[0].Total != 50*float64((3*maxHeavy+999)/1000) {
		t.Errorf("top is %v", top)
	}
	if len(h.sums) >= maxHeavy || !h.forgot {
		t.Errorf("%d keys are kept", len(h.sums))
	}
}

func TestWants(t *testing.T) {
	registry, _ := testRegistry(t)
	monitors := func(m FlowMonitor) Hooks { return Hooks{Flow: []FlowMonitor{m}} }
	filter := FlowMonitor{}
	filter.Filter = func(*learned.FlowRecord) bool { return true }
	for _, c := range []struct {
		name string
		o    Options
		want Wants
	}{
		{"nobody", Options{}, Wants{}},
		{"an output", Options{Output: &broken{}}, Wants{End: true}},
		{"updates", Options{Hooks: monitors(FlowMonitor{Update: func(*learned.FlowRecord) {}})}, Wants{Update: true}},
		{"a filter", Options{Hooks: monitors(filter)}, Wants{End: true}},
		{"a tracker", Options{Hooks: Hooks{Tracker: []FlowTracker{{}}}}, Wants{End: true}},
	} {
		c.o.Registry = registry
		if got := New(c.o).Wants(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
