package ledger

import (
	"slices"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// account is what the ledger keeps of a counter group from bucket to bucket.
type account struct {
	group    *counter.Group
	calendar *calendar
	monitors []CounterMonitor // attached to this group
	keys     *newKeys         // nil: nobody wants to hear of new keys
	updates  bool             // someone wants Update
	carried  map[string]*carried
	top      heavy // the greatest keys of the whole run
	topMeter int   // the meter that top is about; -1: not known yet
}

// carried is what a key of a group that carries brings from bucket to bucket.
type carried struct {
	cells []float64
	idle  int // buckets since it was counted last
}

// maxIdle is how many buckets a growing counter's last sample is remembered without a new one.
const maxIdle = 16

// account gives the account of a group, which scripts may add at any time.
func (l *Ledger) account(g *counter.Group) *account {
	for g.ID >= len(l.accounts) {
		l.accounts = append(l.accounts, nil)
	}
	a := l.accounts[g.ID]
	if a == nil {
		a = &account{group: g, calendar: l.calendar(int64(g.Bucket / second)), topMeter: -1}
		for _, m := range l.options.Hooks.Counter {
			if m.Group == nil || m.Group.GUID != g.GUID {
				continue
			}
			a.monitors = append(a.monitors, m)
			a.updates = a.updates || m.Update != nil
			if m.NewKey != nil && a.keys == nil {
				a.keys = &newKeys{}
			}
		}
		if g.Carries() {
			a.carried = make(map[string]*carried)
		}
		l.accounts[g.ID] = a
	}
	return a
}

// calendar gives the calendar of a bucket size in seconds; 0: the lane's.
func (l *Ledger) calendar(size int64) *calendar {
	if size == 0 || size == l.lane.size {
		return &l.lane
	}
	for _, c := range l.others {
		if c.size == size {
			return c
		}
	}
	c := &calendar{size: size}
	l.others = append(l.others, c)
	return c
}

// newKey tells of a key that has just got its row in the bucket.
func (a *account) newKey(t int64, key string) {
	if a.keys == nil || key == counter.Other || !a.keys.add(key) {
		return
	}
	for i := range a.monitors {
		if hook := a.monitors[i].NewKey; hook != nil {
			hook(t, key)
		}
	}
}

// update tells what a second has added to a key.
func (a *account) update(l *Ledger, t int64, key string, cells []float64) {
	if !a.updates {
		return
	}
	l.scratch.values = a.group.Values(l.scratch.values[:0], cells, 1)
	for i := range a.monitors {
		if hook := a.monitors[i].Update; hook != nil {
			hook(t, key, l.scratch.values)
		}
	}
}

// carry completes a bucket's book with what its keys bring from earlier ones, and with the keys that have a value though
// they were not counted. limit bounds the keys that are carried.
func (a *account) carry(b *book, limit int) {
	for i, key := range b.keys {
		c := a.carried[key]
		if c == nil {
			c = &carried{cells: make([]float64, a.group.Stride())}
			if len(a.carried) < limit {
				a.carried[key] = c
			}
		}
		c.idle = 0
		a.group.Carry(b.row(i), c.cells)
	}
	var missing []string
	for key, c := range a.carried {
		if _, counted := b.find(key); counted {
			continue
		}
		c.idle++
		if a.group.Running(c.cells) {
			missing = append(missing, key)
		} else if c.idle > maxIdle {
			delete(a.carried, key)
		}
	}
	slices.Sort(missing)
	for _, key := range missing {
		a.group.Carry(b.row(b.add(key)), a.carried[key].cells)
	}
}

// flushGroup flushes one group's bucket: begin, its keys, the totals, end, toppers. b is nil if nothing was counted.
func (l *Ledger) flushGroup(a *account, iv *interval, b *book) {
	if b == nil && len(a.carried) > 0 {
		b = l.book(iv, a.group)
	}
	if b != nil && a.carried != nil {
		a.carry(b, l.options.Keys)
	}
	for i := range a.monitors {
		if begin := a.monitors[i].BeginFlush; begin != nil {
			begin(iv.start)
		}
	}
	if b != nil && len(b.keys) > 0 {
		totals := make([]float64, a.group.Stride())
		for i, key := range b.keys {
			l.flushKey(a, iv, key, b.row(i))
			a.group.AddTotals(totals, b.row(i))
		}
		l.flushKey(a, iv, counter.Totals, totals)
		a.sumUp(b, totals)
	}
	for i := range a.monitors {
		if end := a.monitors[i].EndFlush; end != nil {
			end(iv.start)
		}
	}
	if b != nil && len(b.keys) > 0 {
		l.flushToppers(a, iv, b)
	}
}

// sumUp adds a bucket to the totals of the run.
func (a *account) sumUp(b *book, totals []float64) {
	if a.topMeter < 0 {
		a.topMeter = primary(a.group, totals)
	}
	if a.topMeter < 0 {
		return
	}
	for i, key := range b.keys {
		a.top.add(key, a.group.Value(b.row(i), a.topMeter, 1))
	}
}

// flushKey has one key voted on, writes it if it is kept, and then shows it to the monitors.
func (l *Ledger) flushKey(a *account, iv *interval, key string, cells []float64) {
	if l.options.Output == nil && len(a.monitors) == 0 {
		return
	}
	values := a.group.Values(l.scratch.values[:0], cells, float64(iv.end-iv.start))
	l.scratch.values = values
	if !a.vote(iv.start, key, values) {
		return
	}
	l.writeCounter(a.group, iv, key, values)
	for i := range a.monitors {
		if flush := a.monitors[i].Flush; flush != nil {
			flush(iv.start, key, values)
		}
	}
}

// vote asks all monitors about a key, and takes over what they put in the place of values: each monitor sees what the
// ones before it have changed.
func (a *account) vote(ts int64, key string, values []float64) bool {
	keep := len(a.monitors) == 0
	for i := range a.monitors {
		filter := a.monitors[i].Filter
		if filter == nil {
			keep = true
			continue
		}
		yes, override := filter(ts, key, values)
		keep = keep || yes
		for meter := range min(len(override), len(values)) {
			if override[meter] >= 0 {
				values[meter] = override[meter]
			}
		}
	}
	return keep
}

func (l *Ledger) writeCounter(g *counter.Group, iv *interval, key string, values []float64) {
	if l.options.Output == nil {
		return
	}
	c := &l.scratch.counter
	c.Where = learned.Where{Time: iv.start * int64(second)}
	c.Group, c.Name, c.Key, c.Label = g.GUID, g.Name, key, l.labels.of(g, key)
	c.Interval = (iv.end - iv.start) * int64(second)
	c.Meters = c.Meters[:0]
	for i, v := range values {
		c.Meters = append(c.Meters, learned.Meter{Name: g.Meters[i].Name, Value: v})
	}
	l.write(c)
}
