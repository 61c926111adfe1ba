package ledger

import (
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// Topper is one of the keys with the greatest or smallest values of a meter in a bucket. It is used again once the call
// that took it has returned.
type Topper struct {
	learned.Where // Time is the bucket's begin
	Group         *counter.Group
	Meter         int
	Key           string
	Value         float64
	Rank          int  // from 1
	Bottom        bool // among the smallest
}

// flushToppers picks the toppers of a bucket, meter by meter: first the TopN greatest, the greatest first, then the
// BottomN smallest that are not among them, the smallest first. Keys whose value is 0 are neither.
func (l *Ledger) flushToppers(a *account, iv *interval, b *book) {
	if l.options.Output == nil && len(a.monitors) == 0 {
		return
	}
	seconds := float64(iv.end - iv.start)
	for meter := range a.group.Meters {
		m := &a.group.Meters[meter]
		if m.TopN <= 0 && m.BottomN <= 0 {
			continue
		}
		tell := a.beginToppers(iv.start, meter)
		top, bottom := &l.scratch.top, &l.scratch.bottom
		top.limit, bottom.limit = m.TopN, m.BottomN
		for i := range b.keys {
			if v := a.group.Value(b.row(i), meter, seconds); v != 0 && b.keys[i] != counter.Other {
				top.offer(i, v)
				bottom.offer(i, -v)
			}
		}
		best := top.take()
		for i, s := range best {
			l.flushTopper(a, tell, Topper{Where: iv.where(), Group: a.group, Meter: meter, Key: b.keys[s.item], Value: s.value, Rank: i + 1})
		}
		rank := 0
		for _, s := range bottom.take() {
			if !has(best, s.item) {
				rank++
				l.flushTopper(a, tell, Topper{Where: iv.where(), Group: a.group, Meter: meter, Key: b.keys[s.item], Value: -s.value,
					Rank: rank, Bottom: true})
			}
		}
		for i := range a.monitors {
			if end := a.monitors[i].EndToppers; end != nil {
				end(meter)
			}
		}
	}
}

func (iv *interval) where() learned.Where { return learned.Where{Time: iv.start * int64(second)} }

func has(list []scored[int], row int) bool {
	for i := range list {
		if list[i].item == row {
			return true
		}
	}
	return false
}

// beginToppers asks whether TopperFlush is wanted for a meter: if one says so, or has no opinion, all get it.
func (a *account) beginToppers(ts int64, meter int) (tell bool) {
	for i := range a.monitors {
		if begin := a.monitors[i].BeginToppers; begin == nil || begin(ts, meter) {
			tell = true
		}
	}
	return tell
}

// flushTopper has one topper voted on, writes it if it is kept, and shows it to the monitors if they want it.
func (l *Ledger) flushTopper(a *account, tell bool, t Topper) {
	keep := len(a.monitors) == 0
	for i := range a.monitors {
		if filter := a.monitors[i].TopperFilter; filter == nil || filter(t.Key, t.Value) {
			keep = true
		}
	}
	if !keep {
		return
	}
	l.scratch.topper = t
	l.write(&l.scratch.topper)
	if !tell {
		return
	}
	for i := range a.monitors {
		if flush := a.monitors[i].TopperFlush; flush != nil {
			flush(t.Key, t.Value)
		}
	}
}
