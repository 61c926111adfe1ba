package ledger

import (
	"math"

	"eddy/internal/fastpath/learned"
)

// maxGap is the longest time without any packet, in seconds, whose every second and bucket the hooks see pass. Over a
// longer gap (captures of different days in one file) the clock jumps.
const maxGap = 3600

// settle lets time pass up to a second that all engines have reached. In each second the metronome comes first, then
// the flush of the buckets that end with it.
func (l *Ledger) settle(until int64) {
	l.started = true
	for l.settled < until {
		next := l.settled + 1
		jump := until-next > maxGap
		if jump {
			next = l.firstEnd(until)
		}
		l.settled = next
		l.tick(next)
		l.flushEnding(next, !jump)
	}
	l.tally.Last = l.settled
}

// firstEnd gives when the next bucket with something in it ends, or until if that is sooner.
func (l *Ledger) firstEnd(until int64) int64 {
	first := l.lane.firstEnd(until)
	for _, c := range l.others {
		first = c.firstEnd(first)
	}
	return first
}

// tick moves the metronome.
func (l *Ledger) tick(ts int64) {
	l.tally.Ticks++
	for _, hook := range l.options.Hooks.Metronome {
		hook(ts, l.tally.Ticks, 1)
	}
}

// flushEnding flushes the buckets that end at a time: the lane's first. Those that nothing was put into are passed over
// unless empty is true.
func (l *Ledger) flushEnding(end int64, empty bool) {
	if iv := l.lane.ending(end, empty); iv != nil {
		l.flushLane(iv)
		l.add(end)
	}
	for _, c := range l.others {
		if iv := c.ending(end, empty); iv != nil {
			l.flushGroups(c, iv)
			l.add(end)
		}
	}
}

// flushLane flushes one of the lane's own buckets: between the engine monitors' begin and end come flows, alerts,
// resources, documents, and then the counter groups in the order in which they were registered.
func (l *Ledger) flushLane(iv *interval) {
	for _, m := range l.options.Hooks.Engine {
		if m.BeginFlush != nil {
			m.BeginFlush(iv.start)
		}
	}
	l.flushFlows(iv)
	l.flushTrackers(iv.end)
	l.flushRecords(iv)
	l.flushGroups(&l.lane, iv)
	for _, m := range l.options.Hooks.Engine {
		if m.EndFlush != nil {
			m.EndFlush(iv.start)
		}
	}
	l.tally.Flushes++
	l.completed = iv.start
}

func (l *Ledger) flushFlows(iv *interval) {
	for _, f := range iv.flows {
		l.track(iv.start, f)
	}
	l.flows.flush(iv.start, iv.flows, l.keepFlow)
	clear(iv.flows)
	iv.flows = iv.flows[:0]
}

// heldBytes bounds the texts in the records of one bucket that wait for its end, in bytes; beyond it they are flushed
// early.
const heldBytes = 64 << 20

// flushRecords flushes the records of all kinds but flows.
func (l *Ledger) flushRecords(iv *interval) {
	flushHeld(l, &l.alerts, iv, &iv.alerts)
	flushHeld(l, &l.resources, iv, &iv.resources)
	flushHeld(l, &l.documents, iv, &iv.documents)
	iv.bytes = 0
}

// flushHeld flushes the records of one kind, at a bucket's end or before it, if they have become too many.
func flushHeld[R learned.Record](l *Ledger, d *desk[R], iv *interval, list *[]R) {
	d.flush(iv.start, *list, func(r R) { l.write(r) })
	clear(*list)
	*list = (*list)[:0]
}

// flushGroups flushes the counter groups of a calendar, and gives their books back.
func (l *Ledger) flushGroups(c *calendar, iv *interval) {
	for _, g := range l.options.Registry.All() {
		a := l.account(g)
		if a.calendar != c {
			continue
		}
		var b *book
		if g.ID < len(iv.books) {
			b = iv.books[g.ID]
		}
		l.flushGroup(a, iv, b)
		if b != nil {
			l.free.put(b)
		}
	}
	iv.books = nil
}

// finish flushes everything when nothing more will come. What hooks add meanwhile gets a bucket of its own; what they
// add while that one is flushed is lost and counted.
func (l *Ledger) finish() {
	l.addNow()
	l.flushOpen()
	l.added.closed = true
	l.addNow()
	l.flushOpen()
	l.flushTrackers(math.MaxInt64)
}

// flushOpen flushes the buckets that are open, but not those that are opened by additions at the end of the last.
func (l *Ledger) flushOpen() {
	last := l.lane.lastEnd(math.MinInt64)
	for _, c := range l.others {
		last = c.lastEnd(last)
	}
	for end := l.firstEnd(math.MaxInt64); end <= last; end = l.firstEnd(math.MaxInt64) {
		l.settled = end
		l.flushEnding(end, false)
	}
}
