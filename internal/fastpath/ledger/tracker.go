package ledger

import (
	"eddy/internal/fastpath/learned"
)

// MaxTracked bounds the flows in one snapshot of a flow tracker.
const MaxTracked = 1000

// Tracked is a flow in a snapshot of a flow tracker.
type Tracked struct {
	learned.Where // of the flow; Time is the snapshot's begin
	Tracker       string
	Rank          int // from 1
	Metric        float64
	Record        *learned.FlowRecord
}

// tracking is a flow tracker at work. Its buckets are multiples of the lane's, as flows come when those are flushed.
type tracking struct {
	FlowTracker
	size  int64 // s
	start int64 // s: of the snapshot at hand; never: none
	best  best[*learned.FlowRecord]
}

func newTracking(t FlowTracker, lane int64) *tracking {
	size := max(int64(t.Bucket/second), lane)
	size = (size + lane - 1) / lane * lane
	if t.Count <= 0 {
		t.Count = 10
	}
	return &tracking{FlowTracker: t, size: size, start: never, best: best[*learned.FlowRecord]{limit: min(t.Count, MaxTracked)}}
}

// track offers a flow that is about to be flushed, with the bucket that begins at ts, to all trackers.
func (l *Ledger) track(ts int64, f *learned.FlowRecord) {
	for _, t := range l.trackers {
		if start := floor(ts, t.size); start != t.start {
			l.snapshot(t)
			t.start = start
		}
		if t.Metric == nil {
			continue
		}
		if v := t.Metric(f); v != 0 {
			t.best.offer(f, v)
		}
	}
}

// flushTrackers takes the snapshots whose time ends at or before a second.
func (l *Ledger) flushTrackers(end int64) {
	for _, t := range l.trackers {
		if t.start != never && t.start+t.size <= end {
			l.snapshot(t)
		}
	}
}

// snapshot ends a tracker's bucket: its flows are written between begin and end.
func (l *Ledger) snapshot(t *tracking) {
	if t.start == never {
		return
	}
	ts := t.start
	t.start = never
	if t.BeginFlush != nil {
		t.BeginFlush(ts)
	}
	for i, s := range t.best.take() {
		where := s.item.Where
		where.Time = ts * int64(second)
		l.write(&Tracked{Where: where, Tracker: t.Name, Rank: i + 1, Metric: s.value, Record: s.item})
	}
	if t.EndFlush != nil {
		t.EndFlush(ts)
	}
}
