package queue

import (
	"math/bits"

	"eddy/internal/offpath/job"
)

// order knows whose turn it is: of the jobs that are ready, those with the highest priority, and of these the oldest (by ID).
//
// Jobs of one key stand in a line, by age. Only the first of a line can be taken, and while it runs or waits for another attempt
// the others wait. So a job that is in a line counts with its priority only when it is the first. An older one that comes to a
// line later, as its delay is over, goes before those that do not run.
//
// A job takes the size of its head, 40 bytes; the first one of a line some 40 more.
type order struct {
	lists [256]*heads // by priority, the highest first; what may be taken
	some  [4]uint64   // has a bit for each list that is not empty
	lines map[uint64]line
	// behind has what waits behind the first of a line: Ready ones, and Retrying ones that keep their place.
	behind map[uint64]*heads
	ready  int    // how many Ready jobs there are
	all    *heads // all Ready ones, where somebody wants to know the oldest; nil: nobody does
}

// line is the first job of a key.
type line struct {
	id       job.ID
	priority int8
	state    job.State // Ready: it may be taken; Running: it was; Retrying
}

func newOrder(byAge bool) order {
	o := order{lines: make(map[uint64]line), behind: make(map[uint64]*heads)}
	if byAge {
		o.all = &heads{}
	}
	return o
}

// put adds a job that is Ready, or a Retrying one with a key, which keeps a place in its line. It may be new, have been taken,
// or have been here as Retrying.
func (o *order) put(h job.Head) {
	if h.KeyHash == 0 {
		o.offer(h)
		return
	}
	l, some := o.lines[h.KeyHash]
	switch {
	case !some:
		o.lead(h)
	case l.id == h.ID:
		if b := o.behind[h.KeyHash]; b != nil && b.first().ID < h.ID {
			o.hide(h)
			o.next(h.KeyHash)
		} else {
			o.lead(h)
		}
	default:
		if b := o.behind[h.KeyHash]; b.get(h.ID) != nil { // a place that it kept
			o.unhide(h.KeyHash, h.ID)
		}
		if l.state == job.Running || l.id < h.ID {
			o.hide(h)
			return
		}
		o.hide(o.unlead(h.KeyHash, l))
		o.lead(h)
	}
}

// take gives the job whose turn it is; false: there is none. A job with a key keeps the others of its key waiting until it is
// put again, or leaves.
func (o *order) take() (job.Head, bool) {
	i := o.highest()
	if i < 0 {
		return job.Head{}, false
	}
	h := o.lists[i].pop()
	o.gone(i, h)
	if h.KeyHash != 0 {
		o.lines[h.KeyHash] = line{id: h.ID, priority: h.Priority, state: job.Running}
	}
	return h, true
}

// peek gives the job that take would give; nil: there is none. It is good until the next change.
func (o *order) peek() *job.Head {
	if i := o.highest(); i >= 0 {
		return o.lists[i].first()
	}
	return nil
}

// leave says that a job that was taken does not come back: the next of its key has its turn.
func (o *order) leave(h job.Head) {
	if h.KeyHash != 0 && o.lines[h.KeyHash].id == h.ID {
		o.next(h.KeyHash)
	}
}

// remove takes out a job that was put in and not taken; false: it is not there.
func (o *order) remove(h job.Head) bool {
	if h.KeyHash == 0 {
		_, ok := o.withdraw(h.Priority, h.ID)
		return ok
	}
	l, some := o.lines[h.KeyHash]
	switch {
	case !some || l.id == h.ID && l.state == job.Running:
		return false
	case l.id == h.ID:
		o.unlead(h.KeyHash, l)
		o.next(h.KeyHash)
		return true
	}
	return o.unhide(h.KeyHash, h.ID)
}

// oldest gives the oldest job that is Ready, whether or not it is its turn, when the order was made for that; nil: none.
func (o *order) oldest() *job.Head { return o.all.first() }

// rank is the place of a priority in lists.
func rank(priority int8) int { return 127 - int(priority) }

func (o *order) highest() int {
	for w, word := range o.some {
		if word != 0 {
			return w*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// offer puts a job where it may be taken.
func (o *order) offer(h job.Head) {
	i := rank(h.Priority)
	if o.lists[i] == nil {
		o.lists[i] = &heads{}
	}
	o.lists[i].put(h)
	o.some[i/64] |= 1 << (i % 64)
	o.ready++
	if o.all != nil {
		o.all.put(h)
	}
}

// withdraw takes back what offer put in.
func (o *order) withdraw(priority int8, id job.ID) (job.Head, bool) {
	i := rank(priority)
	h, ok := o.lists[i].remove(id)
	if ok {
		o.gone(i, h)
	}
	return h, ok
}

// gone notes that a job left a list.
func (o *order) gone(i int, h job.Head) {
	if o.lists[i].n == 0 {
		o.some[i/64] &^= 1 << (i % 64)
	}
	o.ready--
	if o.all != nil {
		o.all.remove(h.ID)
	}
}

// lead makes a job the first of its line.
func (o *order) lead(h job.Head) {
	o.lines[h.KeyHash] = line{id: h.ID, priority: h.Priority, state: h.State}
	if h.State == job.Ready {
		o.offer(h)
	}
}

// unlead takes the first of a line, which does not run, out; the line has to have another first then.
func (o *order) unlead(key uint64, l line) job.Head {
	if l.state == job.Ready {
		h, _ := o.withdraw(l.priority, l.id)
		return h
	}
	return job.Head{ID: l.id, State: l.state, Priority: l.priority, KeyHash: key}
}

// next makes the oldest of those behind the first of their line.
func (o *order) next(key uint64) {
	b := o.behind[key]
	if b == nil {
		delete(o.lines, key)
		return
	}
	h := *b.first()
	o.unhide(key, h.ID)
	o.lead(h)
}

// hide puts a job behind the first of its line.
func (o *order) hide(h job.Head) {
	b := o.behind[h.KeyHash]
	if b == nil {
		b = &heads{}
		o.behind[h.KeyHash] = b
	}
	b.put(h)
	if h.State == job.Ready {
		o.ready++
		if o.all != nil {
			o.all.put(h)
		}
	}
}

// unhide takes back what hide put in.
func (o *order) unhide(key uint64, id job.ID) bool {
	b := o.behind[key]
	h, ok := b.remove(id)
	if !ok {
		return false
	}
	if b.n == 0 {
		delete(o.behind, key)
	}
	if h.State == job.Ready {
		o.ready--
		if o.all != nil {
			o.all.remove(id)
		}
	}
	return true
}
