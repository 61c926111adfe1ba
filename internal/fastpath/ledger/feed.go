package ledger

import (
	"time"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// second is a tick: the time that counters are collected for before they are handed over.
const second = time.Second

// Feed is one engine's way to the ledger: it collects what the engine learns and hands it over in batches, one for each
// tick of capture time, or more when a tick is rich. It belongs to the engine's goroutine.
type Feed struct {
	ledger *Ledger
	local  *counter.Local
	engine int
	batch  *Batch
	tick   int64 // ns, whole seconds; what is added now belongs to it
	now    int64 // ns: the latest time that Advance was given
	begun  bool  // Advance was called
	bytes  int   // of texts in the batch
}

// The size at which a batch is handed over before its tick has ended.
const (
	batchItems = 1024
	batchRows  = 16384
	batchBytes = 1 << 20 // of texts in records and messages
)

// Feed gives the way in for an engine; engines are numbered from 0 to Options.Engines-1, and each has one.
func (l *Ledger) Feed(engine int, limits counter.Limits) *Feed {
	f := &Feed{ledger: l, local: counter.NewLocal(l.options.Registry, limits), engine: engine, now: never}
	f.batch = l.pool.take()
	return f
}

// Local counts for the engine. What is counted belongs to the tick of the last Advance.
func (f *Feed) Local() *counter.Local { return f.local }

// Due says whether Advance(now) will end a tick: the moment to bring in what is counted by the tick (Traffic.Tick).
func (f *Feed) Due(now int64) bool { return f.begun && now >= f.tick+int64(second) }

// Advance tells that the engine has come to a time: call it before each packet, and now and then while there is none.
// Where ticks end, what was collected is handed over; in a replay that waits while the ledger has no room. Time does not
// go back: an earlier now is taken for the latest one.
func (f *Feed) Advance(now int64) {
	switch {
	case !f.begun:
		f.begun, f.now, f.tick = true, now, floor(now, int64(second))
	case now >= f.tick+int64(second):
		f.now = now
		f.give(false)
		f.tick = floor(now, int64(second))
	case now > f.now:
		f.now = now
	}
	f.spill()
}

// Record hands on what was learned; the record belongs to the ledger from then on.
func (f *Feed) Record(r learned.Record) {
	f.batch.Records = append(f.batch.Records, r)
	f.bytes += weight(r)
	f.spill()
}

// Flow tells of a flow; the record belongs to the ledger from then on.
func (f *Feed) Flow(event FlowEvent, r *learned.FlowRecord) {
	f.batch.Flows = append(f.batch.Flows, FlowChange{event, r})
	f.spill()
}

// Message posts a message to the metric hooks; id may be "".
func (f *Feed) Message(id, text string) {
	f.batch.Messages = append(f.batch.Messages, Message{id, text})
	f.bytes += len(id) + len(text)
	f.spill()
}

// Close hands over what is left and says that the engine has ended.
func (f *Feed) Close() { f.give(true) }

// spill hands over a batch that has become large.
func (f *Feed) spill() {
	if f.batch.items() >= batchItems || f.bytes >= batchBytes || f.local.Rows() >= batchRows {
		f.give(false)
	}
}

func (f *Feed) give(last bool) {
	b := f.batch
	b.Engine, b.Tick, b.Time, b.Last = f.engine, f.tick, f.now, last
	if last {
		b.Lost = f.local.Lost()
	}
	f.local.Flush(&b.Counters)
	f.ledger.Give(b)
	f.batch, f.bytes = f.ledger.pool.take(), 0
}

// floor gives the multiple of step at or before t.
func floor(t, step int64) int64 {
	q := t / step
	if t%step < 0 {
		q--
	}
	return q * step
}
