package ledger

import (
	"testing"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// What a hook adds while a bucket is flushed belongs to the next one; after the last there is one more for it.
func TestAdditionsDuringAFlush(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		o.Hooks.Counter = []CounterMonitor{{Group: r.group, Flush: func(ts int64, key string, v []float64) {
			if key == counter.Totals {
				return
			}
			r.say("flush %d %s %v", ts, key, v[0])
			r.UpdateCounter(testGUID, "added", 0, 60)
			r.UpdateCounter("{00000000-0000-0000-0000-00000000000A}", "nowhere", 0, 1)
		}}}
		o.Hooks.Engine = []EngineMonitor{{EndFlush: func(ts int64) { r.say("end %d, timestamp %d", ts, r.Timestamp()/1e9) }}}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0))
	f.Local().AddString(r.group, "k", 0, 60)
	f.Advance(at(60))
	f.Advance(at(61))
	f.Close()
	same(t, r.end(), `
		flush 60000 k 1
		end 60000, timestamp 60060
		flush 60060 added 1
		end 60060, timestamp 60000
		flush 60120 added 1
		end 60120, timestamp 60060`)
	s := r.Summary(1)
	if s.Unflushed != 2 || s.Lost.Unknown != 2 {
		t.Errorf("unflushed %d, unknown %d; want 2 and 2", s.Unflushed, s.Lost.Unknown)
	}
}

// An alert monitor that adds an alert for each alert gets them bit by bit, not for ever.
func TestAdditionsThatCauseAdditions(t *testing.T) {
	alerts := 0
	r := start(t, 1, func(r *rig, o *Options) {
		o.Hooks.Alert = []Monitor[*learned.Alert]{{New: func(a *learned.Alert) {
			alerts++
			r.Add(&learned.Alert{Key: a.Key + "+"})
			r.Post("", a.Key)
		}}}
		o.Hooks.OnMessage = []func(string, string){func(_, text string) { r.say("%s", text) }}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0))
	f.Record(&learned.Alert{Key: "A"})
	f.Close()
	r.end()
	if alerts < 2 || alerts > 10 {
		t.Errorf("%d alerts", alerts)
	}
	if len(r.lines) == 0 || r.lines[0] != "A" {
		t.Errorf("messages: %q", r.lines)
	}
	if s := r.Summary(1); s.Alerts != uint64(alerts) || s.Unflushed == 0 {
		t.Errorf("%d alerts in the summary, %d hooked; %d unflushed", s.Alerts, alerts, s.Unflushed)
	}
}

// Hooks may change records; what they made of them is written.
func TestHooksChangeRecords(t *testing.T) {
	r := start(t, 1, func(r *rig, o *Options) {
		o.Output = r
		o.Hooks.Alert = []Monitor[*learned.Alert]{{Flush: func(a *learned.Alert) { a.Key += "!" }}}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0))
	f.Record(&learned.Alert{Key: "A"})
	f.Close()
	same(t, with(r.end(), "out alert"), "out alert A!")
}
