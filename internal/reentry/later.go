package reentry

import (
	"container/heap"
	"time"
)

// later are the open tickets whose work does not begin yet. The inbox's lock guards it.
type later struct {
	order byDue // with tickets that have ended meanwhile, until their time comes
	n     int   // those that are open
}

// add takes a ticket in.
func (l *later) add(t *Ticket, due int64) {
	l.waiting() // so that order does not grow with what is over
	t.later, t.due = true, due
	l.n++
	heap.Push(&l.order, t)
}

// drop is for a ticket that ends.
func (l *later) drop(t *Ticket) {
	if t.later {
		t.later = false
		l.n--
	}
}

// waiting is how many tickets there are.
func (l *later) waiting() int {
	if len(l.order) == 0 {
		return 0
	}
	for now := time.Now().UnixNano(); len(l.order) > 0 && (l.order[0].due <= now || !l.order[0].later); {
		l.drop(heap.Pop(&l.order).(*Ticket))
	}
	return l.n
}

// byDue is a heap.
type byDue []*Ticket

func (b byDue) Len() int           { return len(b) }
func (b byDue) Less(i, j int) bool { return b[i].due < b[j].due }
func (b byDue) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byDue) Push(t any)        { *b = append(*b, t.(*Ticket)) }
func (b *byDue) Pop() any {
	old := *b
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*b = old[:len(old)-1]
	return t
}
