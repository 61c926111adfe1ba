package ledger

import (
	"math"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// additions are what metric hooks add: they wait until the hook, and the flush that it is part of, is over.
type additions struct {
	batch  Batch // records and messages
	spare  Batch // the memory of the ones before
	local  *counter.Local
	closed bool   // the last bucket is being flushed
	lost   uint64 // came when closed, or when there was no room
}

// maxAdded bounds the records and messages that hooks add before they are taken.
const maxAdded = 100_000

func (a *additions) room() bool {
	if a.closed || a.batch.items() >= maxAdded {
		a.lost++
		return false
	}
	return true
}

func (a *additions) empty() bool { return a.batch.items() == 0 && a.local.Rows() == 0 }

// UpdateCounter adds a sample to a meter of a counter group (engine:update_counter). It is for metric hooks: on the
// ledger's goroutine only, as are the methods that follow.
func (l *Ledger) UpdateCounter(guid, key string, meter int, value float64) {
	if l.added.closed {
		l.added.lost++
		return
	}
	if g := l.added.local.Group(guid); g != nil {
		l.added.local.AddString(g, key, meter, value)
	}
}

// Add adds an alert, a resource, a key's label or any other record (engine:add_alert and its kin). False: there was no
// room, which is counted.
func (l *Ledger) Add(r learned.Record) bool {
	if !l.added.room() {
		return false
	}
	l.added.batch.Records = append(l.added.batch.Records, r)
	return true
}

// Post sends a message to the metric hooks (engine:post_message_backend); id may be "".
func (l *Ledger) Post(id, text string) bool {
	if !l.added.room() {
		return false
	}
	l.added.batch.Messages = append(l.added.batch.Messages, Message{id, text})
	return true
}

// Timestamp gives the begin of the last bucket that was flushed, in ns since 1970 (engine:timestamp); before the first
// one, that of the bucket in progress.
func (l *Ledger) Timestamp() int64 {
	if l.tally.Flushes > 0 {
		return l.completed * int64(second)
	}
	if l.settled == math.MaxInt64 {
		return 0
	}
	return floor(l.settled, l.lane.size) * int64(second)
}

// Group finds a counter group.
func (l *Ledger) Group(guid string) *counter.Group { return l.options.Registry.ByGUID(guid) }

// add puts what hooks have added into the buckets of a second. What hooks add because of it waits for the next time, so
// that an alert monitor that adds alerts can't keep the ledger busy for ever.
func (l *Ledger) add(t int64) {
	a := &l.added
	if a.empty() {
		return
	}
	a.batch, a.spare = a.spare, a.batch
	a.local.Flush(&a.spare.Counters)
	l.content(t, &a.spare)
	a.spare.reset()
}

// addNow is add outside of a batch and of a flush.
func (l *Ledger) addNow() {
	if !l.added.empty() {
		l.add(l.present())
	}
}
