package ledger

import (
	"fmt"
	"testing"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// The voting rule of the monitors' pages: an item is dropped only if all instances say no; one without a filter says yes.
func TestVotes(t *testing.T) {
	for _, c := range []struct {
		votes string // of each instance: y, n, or - for none
		keep  bool
	}{
		{"", true}, {"-", true}, {"y", true}, {"n", false}, {"nn", false}, {"ny", true}, {"yn", true}, {"n-", true}, {"nnn", false},
	} {
		t.Run(c.votes, func(t *testing.T) {
			r := start(t, 1, func(r *rig, o *Options) {
				o.Output = r
				for _, v := range c.votes {
					alerts := Monitor[*learned.Alert]{Flush: func(a *learned.Alert) { r.say("flush alert") }}
					flows := FlowMonitor{}
					flows.Flush = func(*learned.FlowRecord) { r.say("flush flow") }
					counters := CounterMonitor{Group: r.group, Flush: func(int64, string, []float64) { r.say("flush counter") },
						TopperFlush: func(string, float64) { r.say("flush topper") }}
					if v != '-' {
						yes := v == 'y'
						alerts.Filter = func(*learned.Alert) bool { return yes }
						flows.Filter = func(*learned.FlowRecord) bool { return yes }
						counters.Filter = func(int64, string, []float64) (bool, []float64) { return yes, nil }
						counters.TopperFilter = func(string, float64) bool { return yes }
					}
					o.Hooks.Alert = append(o.Hooks.Alert, alerts)
					o.Hooks.Flow = append(o.Hooks.Flow, flows)
					o.Hooks.Counter = append(o.Hooks.Counter, counters)
				}
			})
			f := r.Feed(0, counter.Limits{})
			f.Advance(at(0))
			f.Record(&learned.Alert{Key: "A"})
			f.Flow(FlowEnd, flowOf(1, true))
			f.Local().AddString(r.group, "k", 0, 60)
			f.Close()
			lines := r.end()
			for _, kind := range []struct {
				name  string
				items int
			}{{"alert", 1}, {"flow", 1}, {"counter", 2}, {"topper", 1}} {
				out, flushed := len(with(lines, "out "+kind.name)), len(with(lines, "flush "+kind.name))
				wantOut, wantFlushed := kind.items, kind.items*len(c.votes)
				if !c.keep {
					wantOut, wantFlushed = 0, 0
				}
				if out != wantOut || flushed != wantFlushed {
					t.Errorf("%s: written %d, flushed %d; want %d, %d", kind.name, out, flushed, wantOut, wantFlushed)
				}
			}
		})
	}
}

// A monitor of another group has no vote, and hears nothing.
func TestGroups(t *testing.T) {
	const mine, other = "{AAAAAAAA-0000-0000-0000-000000000001}", "{AAAAAAAA-0000-0000-0000-000000000002}"
	r := start(t, 1, func(r *rig, o *Options) {
		o.Output = r
		m := monitor(r, "alert", alertName)
		m.Group = "{aaaaaaaa-0000-0000-0000-000000000001}"
		m.Filter = func(*learned.Alert) bool { return false }
		o.Hooks.Alert = []Monitor[*learned.Alert]{m}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0))
	f.Record(&learned.Alert{Group: mine, Key: "mine"})
	f.Record(&learned.Alert{Group: other, Key: "other"})
	f.Close()
	same(t, r.end(), `
		new alert mine
		out alert other
		begin alerts 60000
		end alerts 60000`)
}

func TestOverride(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		override := func(values ...float64) CounterMonitor {
			return CounterMonitor{Group: r.group, Filter: func(int64, string, []float64) (bool, []float64) { return true, values }}
		}
		o.Hooks.Counter = []CounterMonitor{override(-1, 7), override(-1, -1, 5), {Group: r.group,
			Flush: func(_ int64, key string, v []float64) { r.say("%s %v", key, v) }}}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0))
	f.Local().AddString(r.group, "k", 0, 60)
	f.Close()
	same(t, r.end(), `
		k [1 7]
		SYS:GROUP_TOTALS [1 7]`)
}

// TopperFlush is for all if one instance wants it, or has no opinion.
func TestBeginToppers(t *testing.T) {
	for _, c := range []struct {
		votes string
		told  bool
	}{{"-", true}, {"n", false}, {"nn", false}, {"ny", true}, {"n-", true}} {
		t.Run(c.votes, func(t *testing.T) {
			r := start(t, 1, func(r *rig, o *Options) {
				o.Output = r
				for _, v := range c.votes {
					m := CounterMonitor{Group: r.group, TopperFlush: func(key string, v float64) { r.say("topper %s", key) }}
					if v != '-' {
						m.BeginToppers = func(int64, int) bool { return v == 'y' }
					}
					o.Hooks.Counter = append(o.Hooks.Counter, m)
				}
			})
			f := r.Feed(0, counter.Limits{})
			f.Advance(at(0))
			f.Local().AddString(r.group, "k", 0, 60)
			f.Close()
			lines := r.end()
			want := 0
			if c.told {
				want = len(c.votes)
			}
			if got := len(with(lines, "topper")); got != want {
				t.Errorf("TopperFlush was called %d times, want %d", got, want)
			}
			if len(with(lines, "out topper")) != 1 {
				t.Error("the topper itself is to be written all the same")
			}
		})
	}
}

func TestToppers(t *testing.T) {
	guid := "{11111111-2222-3333-4444-000000000001}"
	r := start(t, 1, func(r *rig, o *Options) {
		g, err := o.Registry.Add(counter.Group{GUID: guid, Name: "both ends",
			Meters: []counter.Meter{{Type: counter.Counter, TopN: 3, BottomN: 4}}})
		if err != nil {
			t.Fatal(err)
		}
		o.Hooks.Counter = []CounterMonitor{{Group: g, TopperFlush: func(key string, v float64) { r.say("%s %v", key, v) }}}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0))
	for i, v := range []float64{5, 1, 9, 9, 0, 3, 2} {
		f.Local().AddString(r.Group(guid), fmt.Sprint("k", i), 0, v)
	}
	f.Close()
	same(t, r.end(), `
		k2 9
		k3 9
		k0 5
		k1 1
		k6 2
		k5 3`)
}
