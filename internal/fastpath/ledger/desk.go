package ledger

import "eddy/internal/fastpath/counter"

// desk has the monitors of one kind of records.
type desk[R any] struct {
	monitors []Monitor[R]
	groupOf  func(R) string // nil: the kind has no groups
}

func newDesk[R any](monitors []Monitor[R], groupOf func(R) string) desk[R] {
	for i := range monitors {
		if monitors[i].Group != "" {
			monitors[i].Group, _ = counter.NormalGUID(monitors[i].Group)
		}
	}
	return desk[R]{monitors, groupOf}
}

// attached says whether a monitor is attached to a record's group.
func (d *desk[R]) attached(m *Monitor[R], r R) bool {
	return m.Group == "" || d.groupOf == nil || m.Group == d.groupOf(r)
}

// tell says that a record is new.
func (d *desk[R]) tell(r R) {
	for i := range d.monitors {
		if m := &d.monitors[i]; m.New != nil && d.attached(m, r) {
			m.New(r)
		}
	}
}

// holds says whether someone wants to see a record at its bucket's end.
func (d *desk[R]) holds(r R) bool {
	for i := range d.monitors {
		if m := &d.monitors[i]; (m.Filter != nil || m.Flush != nil) && d.attached(m, r) {
			return true
		}
	}
	return false
}

// flush has the records of a bucket looked at, and keep those that pass. What monitors change in a record before that is
// what is kept. The records are no longer needed when it returns.
func (d *desk[R]) flush(ts int64, records []R, keep func(R)) {
	for i := range d.monitors {
		if begin := d.monitors[i].BeginFlush; begin != nil {
			begin(ts)
		}
	}
	for _, r := range records {
		if !d.vote(r) {
			continue
		}
		for i := range d.monitors {
			if m := &d.monitors[i]; m.Flush != nil && d.attached(m, r) {
				m.Flush(r)
			}
		}
		keep(r)
	}
	for i := range d.monitors {
		if end := d.monitors[i].EndFlush; end != nil {
			end(ts)
		}
	}
}

// vote says whether a record is kept: if one is for it, or nobody was asked. All are asked, as a filter may count.
func (d *desk[R]) vote(r R) bool {
	keep, asked := false, false
	for i := range d.monitors {
		m := &d.monitors[i]
		if !d.attached(m, r) {
			continue
		}
		asked = true
		if m.Filter == nil || m.Filter(r) {
			keep = true
		}
	}
	return keep || !asked
}
