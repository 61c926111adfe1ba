package ledger

import (
	"testing"
	"time"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// The order of everything that the hooks hear in a bucket, as the pages of the monitors have it.
func TestOrder(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		o.Output = r
		flows := FlowMonitor{Monitor: monitor(r, "flow", flowName)}
		flows.Update = func(f *learned.FlowRecord) { r.say("update flow %d", f.Serial) }
		flows.Terminate = func(f *learned.FlowRecord) { r.say("terminate flow %d", f.Serial) }
		o.Hooks = Hooks{
			Engine: []EngineMonitor{{
				BeginFlush: func(ts int64) { r.say("begin %d", ts) },
				EndFlush:   func(ts int64) { r.say("end %d", ts) },
			}},
			Flow:      []FlowMonitor{flows},
			Counter:   []CounterMonitor{r.counters()},
			Alert:     []Monitor[*learned.Alert]{monitor(r, "alert", alertName)},
			Resource:  []Monitor[*learned.Resource]{monitor(r, "resource", resourceName)},
			Document:  []Monitor[*learned.Document]{monitor(r, "document", documentName)},
			Tracker:   []FlowTracker{{Name: "big", Count: 1, Metric: func(f *learned.FlowRecord) float64 { return float64(f.Serial) }}},
			OnMessage: []func(string, string){func(id, text string) { r.say("message %q %q", id, text) }},
		}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0.5))
	f.Flow(FlowNew, flowOf(1, false))
	f.Flow(FlowUpdate, flowOf(1, false))
	f.Flow(FlowEnd, flowOf(1, true))
	f.Flow(FlowSnapshot, flowOf(2, false))
	f.Record(&learned.Alert{Key: "A"})
	f.Record(&learned.Resource{URI: "R"})
	f.Record(&learned.Document{Text: "D"})
	f.Record(&learned.DNS{})
	f.Message("", "hello")
	f.Local().AddString(r.group, "k", 0, 120)
	f.Advance(at(1.5))
	f.Local().AddString(r.group, "k", 0, 480)
	f.Close()
	lines := r.end()
	same(t, lines, `
		message "" "hello"
		new flow 1
		update flow 1
		terminate flow 1
		new alert A
		new resource R
		new document D
		out *learned.DNS
		new key 60000 k
		update 60000 k [120 0]
		update 60001 k [480 0]
		begin 60000
		begin flows 60000
		filter flow 1
		flush flow 1
		out flow 1
		filter flow 2
		flush flow 2
		end flows 60000
		out tracked big 1. flow 2 2
		begin alerts 60000
		filter alert A
		flush alert A
		out alert A
		end alerts 60000
		begin resources 60000
		filter resource R
		flush resource R
		out resource R
		end resources 60000
		begin documents 60000
		filter document D
		flush document D
		out document D
		end documents 60000
		begin counters 60000
		filter k
		out counter 60000 k [{Bytes 10} {Level 0}]
		flush 60000 k [10 0]
		filter SYS:GROUP_TOTALS
		out counter 60000 SYS:GROUP_TOTALS [{Bytes 10} {Level 0}]
		flush 60000 SYS:GROUP_TOTALS [10 0]
		end counters 60000
		begin toppers 60000 0
		filter topper k
		out topper 0 1. k 10
		topper k 10
		end toppers 0
		end 60000`)
}

// A bucket is flushed when all engines have passed its end, and not before.
func TestEnginesAtDifferentTimes(t *testing.T) {
	r := start(t, 3, func(r *rig, o *Options) {
		o.Hooks.Counter = []CounterMonitor{{Group: r.group, Flush: func(ts int64, key string, v []float64) {
			r.say("flush %d %s %v", ts, key, v[0])
		}}}
		o.Hooks.OnMessage = []func(string, string){func(_, text string) { r.say("%s", text) }}
	})
	feeds := []*Feed{r.Feed(0, counter.Limits{}), r.Feed(1, counter.Limits{}), r.Feed(2, counter.Limits{})}
	count := func(engine int, seconds float64) {
		feeds[engine].Advance(at(seconds))
		feeds[engine].Local().AddString(r.group, "k", 0, 60)
	}
	// One goroutine plays all engines, so that the order is known.
	count(0, 10)
	count(0, 70)
	count(0, 200) // the first engine is two buckets ahead
	count(1, 20)
	feeds[0].Message("", "two engines have not come to the first bucket's end")
	feeds[0].Advance(at(201))
	count(2, 59)
	count(1, 61)
	feeds[1].Message("", "one engine has not")
	feeds[1].Advance(at(62))
	feeds[2].Advance(at(60)) // an idle engine tells the time
	feeds[2].Message("", "all have")
	feeds[2].Advance(at(61))
	feeds[1].Close() // an engine that has ended holds nobody up
	feeds[2].Advance(at(130))
	feeds[2].Message("", "the third one is in the third bucket")
	feeds[2].Close()
	feeds[0].Close()
	same(t, r.end(), `
		two engines have not come to the first bucket's end
		one engine has not
		flush 60000 k 3
		flush 60000 SYS:GROUP_TOTALS 3
		all have
		flush 60060 k 2
		flush 60060 SYS:GROUP_TOTALS 2
		the third one is in the third bucket
		flush 60180 k 1
		flush 60180 SYS:GROUP_TOTALS 1`)
	if s := r.Summary(3); s.Late != 0 || s.Forced != 0 {
		t.Errorf("late %d, forced %d", s.Late, s.Forced)
	}
}

// What comes for a bucket that is flushed is counted in the next one, and said to be late.
func TestLate(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		o.Hooks.Alert = []Monitor[*learned.Alert]{{
			BeginFlush: func(ts int64) { r.say("begin %d", ts) },
			Flush:      func(a *learned.Alert) { r.say("flush %s", a.Key) },
		}}
	})
	r.Give(&Batch{Tick: at(61), Time: at(61.5)})
	r.Give(&Batch{Tick: at(125), Time: at(125), Records: []learned.Record{&learned.Alert{Key: "in time"}}})
	r.Give(&Batch{Tick: at(30), Time: at(30.5), Records: []learned.Record{&learned.Alert{Key: "late"}}})
	same(t, r.end(), `
		begin 60060
		begin 60120
		flush in time
		flush late`)
	if s := r.Summary(1); s.Late != 1 {
		t.Errorf("late is %d, want 1", s.Late)
	}
}

// Engines that are too far apart don't hold everything.
func TestForced(t *testing.T) {
	r := start(t, 2, nil)
	fast := r.Feed(0, counter.Limits{})
	for i := range maxOpen + 10 {
		fast.Advance(at(60 * float64(i)))
		fast.Record(&learned.Alert{Key: "A"})
	}
	fast.Close()
	slow := r.Feed(1, counter.Limits{})
	slow.Advance(at(0))
	slow.Record(&learned.Alert{Key: "B"})
	slow.Close()
	r.end()
	if s := r.Summary(1); s.Forced != 10 || s.Late != 1 || s.Flushes != maxOpen+10 || s.Alerts != maxOpen+11 {
		t.Errorf("%+v", s)
	}
}

func TestMetronomeAndGaps(t *testing.T) {
	var ticks []int64
	r := start(t, 1, func(r *rig, o *Options) {
		o.Hooks.Engine = []EngineMonitor{{BeginFlush: func(ts int64) { r.say("begin %d", ts) }}}
		o.Hooks.Metronome = []func(int64, int, int){func(ts int64, count, interval int) {
			if count != len(ticks)+1 || interval != 1 {
				t.Errorf("tick %d is said to be number %d of %d s", len(ticks)+1, count, interval)
			}
			ticks = append(ticks, ts)
		}}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(58.2))
	f.Advance(at(61.2))      // three seconds, and the end of a bucket
	f.Advance(at(200))       // every second of a silence
	f.Advance(at(86400.5))   // a day later: nothing of what is between
	f.Advance(at(86402.001)) // and on
	f.Advance(at(86300))     // time does not go back
	f.Close()
	same(t, r.end(), `
		begin 60000
		begin 60060
		begin 60120`)
	want := []int64{base + 59, base + 60, base + 61}
	for s := int64(62); s <= 200; s++ {
		want = append(want, base+s)
	}
	want = append(want, base+86400, base+86401, base+86402)
	if len(ticks) != len(want) {
		t.Fatalf("%d ticks, want %d; the last are %v", len(ticks), len(want), ticks[max(0, len(ticks)-4):])
	}
	for i := range want {
		if ticks[i] != want[i] {
			t.Fatalf("tick %d is at %d, want %d", i, ticks[i], want[i])
		}
	}
}

// Groups with buckets of their own are flushed when those end.
func TestOwnBuckets(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		for _, b := range []struct {
			guid   string
			bucket time.Duration
		}{
			{"{11111111-2222-3333-4444-000000000001}", time.Second},
			{"{11111111-2222-3333-4444-000000000002}", 2 * time.Minute},
		} {
			g, err := o.Registry.Add(counter.Group{GUID: b.guid, Name: b.bucket.String(), Bucket: b.bucket,
				Meters: []counter.Meter{{Type: counter.RateCounter}}})
			if err != nil {
				t.Fatal(err)
			}
			o.Hooks.Counter = append(o.Hooks.Counter, CounterMonitor{Group: g, Flush: func(ts int64, key string, v []float64) {
				if key != counter.Totals {
					r.say("%s from %d: %v", g.Name, ts-base, v[0])
				}
			}})
		}
		o.Hooks.Engine = []EngineMonitor{{EndFlush: func(ts int64) { r.say("lane from %d", ts-base) }}}
	})
	f := r.Feed(0, counter.Limits{})
	for _, s := range []float64{0, 0.9, 1, 59, 60, 119, 120} {
		f.Advance(at(s))
		f.Local().AddString(r.Group("{11111111-2222-3333-4444-000000000001}"), "k", 0, 1)
		f.Local().AddString(r.Group("{11111111-2222-3333-4444-000000000002}"), "k", 0, 240)
	}
	f.Close()
	same(t, r.end(), `
		1s from 0: 2
		1s from 1: 1
		lane from 0
		1s from 59: 1
		1s from 60: 1
		lane from 60
		1s from 119: 1
		2m0s from 0: 12
		1s from 120: 1
		lane from 120
		2m0s from 120: 2`)
}

// A running counter keeps its value over buckets in which nothing is counted.
func TestRunningCounter(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		g, err := o.Registry.Add(counter.Group{GUID: "{11111111-2222-3333-4444-000000000001}", Name: "running",
			Meters: []counter.Meter{{Type: counter.RunningCounter}}})
		if err != nil {
			t.Fatal(err)
		}
		o.Hooks.Counter = []CounterMonitor{{Group: g, Flush: func(ts int64, key string, v []float64) {
			r.say("%d %s %v", ts-base, key, v[0])
		}}}
	})
	f := r.Feed(0, counter.Limits{})
	add := func(s float64, key string, v float64) {
		f.Advance(at(s))
		f.Local().AddString(r.Group("{11111111-2222-3333-4444-000000000001}"), key, 0, v)
	}
	add(0, "a", 3)
	add(1, "b", 1)
	add(61, "a", -1)
	add(130, "b", -1)
	add(131, "a", -2)
	add(190, "c", 1)
	f.Close()
	same(t, r.end(), `
		0 a 3
		0 b 1
		0 SYS:GROUP_TOTALS 4
		60 a 2
		60 b 1
		60 SYS:GROUP_TOTALS 3
		120 b 0
		120 a 0
		120 SYS:GROUP_TOTALS 0
		180 c 1
		180 SYS:GROUP_TOTALS 1`)
}
