package ledger

import (
	"time"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// Hooks are the metric hooks of a lane, one entry for each instance of a script. All functions are called on the
// ledger's goroutine, one after the other; each may be nil, and then costs nothing. Times ts are seconds since 1970 and
// stand at the begin of the bucket that they are about; a metronome's are the second that has come.
//
// Hooks may change the records that they are given: the ledger owns them by then. They keep none of them. They may call
// the ledger's methods for additions (Ledger.UpdateCounter and its kin): what is added while a bucket is flushed
// belongs to the bucket that follows.
//
// Votes. Where several instances have a Filter for one item, it is kept unless all of them say no; an instance without
// a Filter, but with another function of the same kind, says yes (sg_monitor, "Voting considerations").
type Hooks struct {
	Engine    []EngineMonitor
	Flow      []FlowMonitor
	Counter   []CounterMonitor
	Alert     []Monitor[*learned.Alert]
	Resource  []Monitor[*learned.Resource]
	Document  []Monitor[*learned.Document]
	Tracker   []FlowTracker
	Metronome []func(ts int64, count, interval int) // of all kinds alike: once for each second of capture time
	// OnMessage has what a script posted to the metric hooks; id may be "".
	OnMessage []func(id, text string)
}

// EngineMonitor is an engine_monitor.
type EngineMonitor struct {
	BeginFlush func(ts int64) // before anything of the bucket is flushed
	EndFlush   func(ts int64) // after all of it
}

// Monitor is an alert_monitor, a resource_monitor or an fts_monitor that is attached to one group, by what it is given.
// At a bucket's end comes BeginFlush, for each record Filter and (if it is kept) Flush, then EndFlush.
type Monitor[R any] struct {
	Group      string // GUID; "": all
	New        func(r R)
	BeginFlush func(ts int64)
	Filter     func(r R) (keep bool)
	Flush      func(r R)
	EndFlush   func(ts int64)
}

// FlowMonitor is an sg_monitor; its Group stays "". A flow is flushed when it has ended, and every five minutes while it
// lives.
type FlowMonitor struct {
	Monitor[*learned.FlowRecord]
	Update    func(f *learned.FlowRecord) // at most once a second and flow; engines tell only if someone asks
	Terminate func(f *learned.FlowRecord)
}

// CounterMonitor is a cg_monitor that is attached to one counter group. values are its meters' values, meter 0 first;
// they are valid during the call.
type CounterMonitor struct {
	Group *counter.Group

	NewKey func(ts int64, key string)                   // a key that was not seen recently; ts: the second it came in
	Update func(ts int64, key string, values []float64) // what one second (of one engine) has added

	// At the end of the group's bucket: BeginFlush, for each key Filter and (if it is kept) Flush, EndFlush; then for
	// each meter that has toppers BeginToppers, for each topper TopperFilter and TopperFlush, EndToppers.
	BeginFlush func(ts int64)
	Filter     func(ts int64, key string, values []float64) (keep bool, override []float64) // override[i] >= 0 replaces meter i
	Flush      func(ts int64, key string, values []float64)
	EndFlush   func(ts int64)

	BeginToppers func(ts int64, meter int) (want bool) // false from all: TopperFlush is not called for this meter
	TopperFilter func(key string, value float64) (keep bool)
	TopperFlush  func(key string, value float64)
	EndToppers   func(meter int)
}

// FlowTracker is a flow_tracker: the flows with the greatest metrics of each bucket of its own.
type FlowTracker struct {
	Name        string
	Description string
	Bucket      time.Duration // whole seconds; 0: the lane's
	Count       int           // flows in a snapshot; 0: 10, at most MaxTracked

	// Metric is called for each flow that is flushed; 0: not interesting.
	Metric     func(f *learned.FlowRecord) float64
	BeginFlush func(ts int64)
	EndFlush   func(ts int64)
}
