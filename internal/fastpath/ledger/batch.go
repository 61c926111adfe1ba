package ledger

import (
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// FlowEvent says why a flow is told of.
type FlowEvent uint8

// The events. Snapshot is for flows that live longer than SnapshotInterval: they are flushed as they are.
const (
	FlowNew FlowEvent = iota
	FlowUpdate
	FlowSnapshot
	FlowEnd
)

// SnapshotInterval is how often a living flow is flushed ("by default every 300 seconds", sg_monitor), in nanoseconds.
const SnapshotInterval = 300 * int64(second)

// FlowChange tells of a flow. The record belongs to the ledger from then on.
type FlowChange struct {
	Event FlowEvent
	Flow  *learned.FlowRecord
}

// Message is what a packet hook posted to the metric hooks.
type Message struct{ ID, Text string }

// Batch is what one engine has learned in a tick, or in a part of one. Feed makes it; the ledger takes it over.
type Batch struct {
	Engine int
	Tick   int64        // ns, whole seconds: the tick that everything in here belongs to
	Time   int64        // ns: how far the engine has come; it sends nothing of an earlier tick any more. never: it has not begun
	Last   bool         // the engine has ended
	Lost   counter.Lost // with Last: what the engine could not count

	Records  []learned.Record // alerts, resources, documents, files, ...; no flows, no counters
	Flows    []FlowChange
	Counters counter.Delta
	Messages []Message
}

// items counts what is in a batch beside its counters.
func (b *Batch) items() int {
	return len(b.Records) + len(b.Flows) + len(b.Messages)
}

// empty says whether a batch only tells the time.
func (b *Batch) empty() bool { return b.items() == 0 && len(b.Counters.Groups) == 0 }

// reset empties a batch for its next use.
func (b *Batch) reset() {
	clear(b.Records)
	clear(b.Flows)
	clear(b.Messages)
	*b = Batch{
		Records:  b.Records[:0],
		Flows:    b.Flows[:0],
		Counters: counter.Delta{Groups: b.Counters.Groups[:0]},
		Messages: b.Messages[:0],
	}
}

// pool keeps batches for their next use.
type pool struct{ free chan *Batch }

func (p *pool) take() *Batch {
	select {
	case b := <-p.free:
		return b
	default:
		return &Batch{}
	}
}

func (p *pool) put(b *Batch) {
	b.reset()
	select {
	case p.free <- b:
	default:
	}
}
