package handoff

import "time"

// entry is an item in a queue.
type entry[T any] struct {
	item  T
	keys  Keys
	bytes int64
	at    time.Time
	done  bool // it was taken, and is done

	before int         // in so many of its lanes another entry is before it
	links  [2]links[T] // in order.all and order.now
}

type links[T any] struct{ prev, next *entry[T] }

// order knows who is next. Every entry that waits is in all, by age. Those that may be taken are in now: entries with none
// before them in any of their lanes.
//
// Entries enter all their lanes at once, so that all lanes agree on who is older and no two entries wait for each other.
// Every operation takes constant time.
type order[T any] struct {
	all, now list[T]
	lanes    map[string]*lane[T] // by key; none is empty
}

// lane has the entries of a key by age: the first may be taken already, and stays until it is done.
type lane[T any] struct{ entries []*entry[T] }

func newOrder[T any]() order[T] {
	return order[T]{all: list[T]{which: 0}, now: list[T]{which: 1}, lanes: map[string]*lane[T]{}}
}

// waiting is how many entries wait.
func (o *order[T]) waiting() int { return o.all.n }

// oldest is the entry that waits longest, or nil.
func (o *order[T]) oldest() *entry[T] { return o.all.first }

// ready says that an entry may be taken.
func (o *order[T]) ready() bool { return o.now.n > 0 }

// add appends a new entry, and says whether it may be taken at once.
func (o *order[T]) add(e *entry[T]) bool {
	o.all.push(e)
	for key := range e.keys.each() {
		l := o.lanes[key]
		if l == nil {
			l = &lane[T]{}
			o.lanes[key] = l
		}
		if len(l.entries) > 0 {
			e.before++
		}
		l.entries = append(l.entries, e)
	}
	if e.before > 0 {
		return false
	}
	o.now.push(e)
	return true
}

// take removes the next entry that may be taken, or gives nil. It keeps its place in its lanes until leave.
func (o *order[T]) take() *entry[T] {
	e := o.now.first
	if e != nil {
		o.now.remove(e)
		o.all.remove(e)
	}
	return e
}

// removeOldest takes the entry that waits longest out.
func (o *order[T]) removeOldest() *entry[T] {
	e := o.all.first
	o.all.remove(e)
	if e.before == 0 {
		o.now.remove(e)
	}
	o.leave(e)
	return e
}

// leave takes an entry out of its lanes: one that was taken, or the oldest of those that wait. So there is nothing before it
// in a lane, or else the only thing there that can be older, an entry that was taken.
func (o *order[T]) leave(e *entry[T]) {
	for key := range e.keys.each() {
		l := o.lanes[key]
		second := l.entries[0] != e
		if second {
			l.entries[1] = l.entries[0]
		}
		l.entries[0] = nil
		l.entries = l.entries[1:]
		if second {
			continue
		}
		if len(l.entries) == 0 {
			delete(o.lanes, key)
			continue
		}
		first := l.entries[0]
		if first.before--; first.before == 0 {
			o.now.push(first)
		}
	}
}

// list is a doubly linked list through one of the two links of its entries.
type list[T any] struct {
	which       int
	first, last *entry[T]
	n           int
}

func (l *list[T]) push(e *entry[T]) {
	at := &e.links[l.which]
	at.prev, at.next = l.last, nil
	if l.last == nil {
		l.first = e
	} else {
		l.last.links[l.which].next = e
	}
	l.last = e
	l.n++
}

func (l *list[T]) remove(e *entry[T]) {
	at := &e.links[l.which]
	if at.prev == nil {
		l.first = at.next
	} else {
		at.prev.links[l.which].next = at.next
	}
	if at.next == nil {
		l.last = at.prev
	} else {
		at.next.links[l.which].prev = at.prev
	}
	*at = links[T]{}
	l.n--
}
