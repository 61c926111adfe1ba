package ledger

import (
	"math"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// take works through a batch: hooks hear of what is new, everything goes into its bucket, and buckets that all engines
// have passed are flushed.
func (l *Ledger) take(b *Batch) {
	defer l.pool.put(b)
	if uint(b.Engine) >= uint(len(l.clock.reached)) {
		return
	}
	l.tally.Batches++
	l.tally.Lost.Add(b.Lost)
	if b.Time != never && !l.started {
		t := b.Tick / int64(second)
		l.settled = min(l.settled, t)
		if l.tally.First == 0 || t < l.tally.First {
			l.tally.First = t
		}
	}
	if !b.empty() {
		t := l.place(b)
		l.content(t, b)
		l.add(t)
	}
	l.clock.advance(b.Engine, b.Time, b.Last)
	if low, ok := l.clock.low(); ok {
		l.settle(floor(low, int64(second)) / int64(second))
	}
	for len(l.lane.open) > maxOpen {
		l.tally.Forced++
		l.settle(l.lane.open[0].end)
	}
}

// maxOpen bounds how many buckets engines may be apart.
const maxOpen = 64

// place gives the second that a batch belongs to. What comes for a bucket that is flushed goes into the oldest that is
// not: an open bucket never ends at or before l.settled.
func (l *Ledger) place(b *Batch) int64 {
	t, present := b.Tick/int64(second), l.present()
	if b.Time == never {
		return present
	}
	if t < present {
		l.tally.Late++
	}
	return max(t, present)
}

// present gives the second up to which everything is flushed. For what is learned before any engine has seen a packet
// that is the beginning of time.
func (l *Ledger) present() int64 {
	if l.settled == math.MaxInt64 {
		l.settled = 0
	}
	return l.settled
}

// content puts what is in a batch into the buckets of a second.
func (l *Ledger) content(t int64, b *Batch) {
	iv := l.lane.at(t)
	for _, m := range b.Messages {
		for _, hook := range l.options.Hooks.OnMessage {
			hook(m.ID, m.Text)
		}
	}
	for i := range b.Flows {
		l.flow(iv, b.Flows[i])
	}
	for _, r := range b.Records {
		l.record(iv, r)
	}
	l.counts(t, &b.Counters)
	l.fromRecs.Flush(&l.scratch.delta)
	l.counts(t, &l.scratch.delta)
}

// flow takes a change of a flow.
func (l *Ledger) flow(iv *interval, c FlowChange) {
	hooks := l.options.Hooks.Flow
	switch c.Event {
	case FlowNew:
		l.flows.tell(c.Flow)
		return
	case FlowUpdate:
		for i := range hooks {
			if hooks[i].Update != nil {
				hooks[i].Update(c.Flow)
			}
		}
		return
	case FlowEnd:
		for i := range hooks {
			if hooks[i].Terminate != nil {
				hooks[i].Terminate(c.Flow)
			}
		}
	}
	if !l.flows.holds(c.Flow) && len(l.trackers) == 0 {
		l.keepFlow(c.Flow)
		return
	}
	iv.flows = append(iv.flows, c.Flow)
	if len(iv.flows) >= l.options.Held {
		l.flushFlows(iv)
	}
}

// keepFlow writes a flow that has ended; one that goes on will be written later.
func (l *Ledger) keepFlow(f *learned.FlowRecord) {
	if f.Over {
		l.write(f)
	}
}

// record takes one record: who monitors its kind hears of it, and it waits for the bucket's end if someone will look
// at it then, or is written at once.
func (l *Ledger) record(iv *interval, r learned.Record) {
	l.builtin.Count(r)
	switch r := r.(type) {
	case *learned.Alert:
		l.tally.Alerts++
		r.Group, _ = counter.NormalGUID(r.Group)
		hold(l, &l.alerts, iv, &iv.alerts, r)
	case *learned.Resource:
		l.tally.Resources++
		r.Group, _ = counter.NormalGUID(r.Group)
		l.tallyResource(r.Group)
		hold(l, &l.resources, iv, &iv.resources, r)
	case *learned.Document:
		l.tally.Documents++
		r.Group, _ = counter.NormalGUID(r.Group)
		hold(l, &l.documents, iv, &iv.documents, r)
	case *learned.KeyInfo:
		l.labels.learn(r)
		l.write(r)
	default:
		l.write(r)
	}
}

func hold[R learned.Record](l *Ledger, d *desk[R], iv *interval, list *[]R, r R) {
	d.tell(r)
	if !d.holds(r) {
		l.write(r)
		return
	}
	*list = append(*list, r)
	iv.bytes += weight(r)
	switch {
	case iv.bytes >= heldBytes:
		l.flushRecords(iv)
	case len(*list) >= l.options.Held:
		flushHeld(l, d, iv, list)
	}
}

// counts adds what was counted in one second to the groups' books.
func (l *Ledger) counts(t int64, d *counter.Delta) {
	for i := range d.Groups {
		g := &d.Groups[i]
		l.countGroup(t, g)
	}
}

func (l *Ledger) countGroup(t int64, d *counter.GroupDelta) {
	a := l.account(d.Group)
	b := l.book(a.calendar.at(t), d.Group)
	for i, key := range d.Keys {
		row, known := b.find(key)
		if !known && !b.room(key, l.options.Keys) {
			l.tally.Overflow++
			key = counter.Other
			row, known = b.find(key)
		}
		if !known {
			row = b.add(key)
			a.newKey(t, key)
		}
		d.Group.Merge(b.row(row), d.Row(i))
		a.update(l, t, key, d.Row(i))
	}
}
