package queue

import (
	"slices"
	"sort"

	"eddy/internal/offpath/job"
)

// blockSize is how many heads a block of heads has at most.
const blockSize = 256

// heads are heads of jobs by ID, in blocks that are in order too. What is put in at the end and taken from the front, as most
// is, costs no move; what is in between costs one within a block. A head takes its own size and hardly more.
type heads struct {
	blocks []*block // none is empty
	n      int
	spare  *block // the last one that became empty: a queue that is short stays without allocations
}

type block struct {
	buf  []job.Head
	from int // buf[:from] was taken
}

func (b *block) live() []job.Head { return b.buf[b.from:] }

func (b *block) last() job.ID { return b.buf[len(b.buf)-1].ID }

// pack moves what is left to the front.
func (b *block) pack() {
	n := copy(b.buf, b.buf[b.from:])
	b.buf, b.from = b.buf[:n], 0
}

// first gives the head with the smallest ID; nil: there is none. It is good until the next change.
func (l *heads) first() *job.Head {
	if l == nil || l.n == 0 {
		return nil
	}
	b := l.blocks[0]
	return &b.buf[b.from]
}

// find gives the block that has to hold id, and its place there.
func (l *heads) find(id job.ID) (at, place int, found bool) {
	at = sort.Search(len(l.blocks), func(i int) bool { return l.blocks[i].last() >= id })
	if at == len(l.blocks) {
		return at, 0, false
	}
	place, found = slices.BinarySearchFunc(l.blocks[at].live(), id, func(h job.Head, id job.ID) int {
		switch {
		case h.ID < id:
			return -1
		case h.ID > id:
			return 1
		}
		return 0
	})
	return at, place, found
}

// get gives the head of a job, for changing what is not its ID; nil: it is not there.
func (l *heads) get(id job.ID) *job.Head {
	if l == nil {
		return nil
	}
	at, place, found := l.find(id)
	if !found {
		return nil
	}
	return &l.blocks[at].live()[place]
}

// each calls f for all heads, the smallest ID first, until it gives false.
func (l *heads) each(f func(job.Head) bool) {
	for _, b := range l.blocks {
		for _, h := range b.live() {
			if !f(h) {
				return
			}
		}
	}
}

// put adds a head, or replaces that of the same job.
func (l *heads) put(h job.Head) {
	if n := len(l.blocks); n == 0 || l.blocks[n-1].last() < h.ID {
		l.append(h)
		return
	}
	at, place, found := l.find(h.ID)
	b := l.blocks[at]
	if found {
		b.live()[place] = h
		return
	}
	l.n++
	switch {
	case len(b.buf) < blockSize:
	case b.from > 0:
		b.pack()
	default:
		const half = blockSize / 2
		upper := l.take()
		upper.buf = append(upper.buf, b.buf[half:]...)
		b.buf = b.buf[:half]
		l.blocks = slices.Insert(l.blocks, at+1, upper)
		if place > half {
			b, place = upper, place-half
		}
	}
	b.buf = slices.Insert(b.buf, b.from+place, h)
}

// append adds a head that is behind all others.
func (l *heads) append(h job.Head) {
	l.n++
	if n := len(l.blocks); n > 0 {
		b := l.blocks[n-1]
		if len(b.buf) == blockSize && b.from >= blockSize/2 {
			b.pack()
		}
		if len(b.buf) < blockSize {
			b.buf = append(b.buf, h)
			return
		}
	}
	b := l.take()
	b.buf = append(b.buf, h)
	l.blocks = append(l.blocks, b)
}

// take gives an empty block: a large one when there are others, for then there will be more.
func (l *heads) take() *block {
	if b := l.spare; b != nil {
		l.spare = nil
		return b
	}
	if len(l.blocks) == 0 {
		return &block{}
	}
	return &block{buf: make([]job.Head, 0, blockSize)}
}

// drop takes an empty block out.
func (l *heads) drop(at int) {
	b := l.blocks[at]
	b.buf, b.from = b.buf[:0], 0
	l.spare = b
	if at == 0 && len(l.blocks) > 1 {
		l.blocks[0] = nil
		l.blocks = l.blocks[1:]
		return
	}
	l.blocks = slices.Delete(l.blocks, at, at+1)
}

// pop takes the first head out; there has to be one.
func (l *heads) pop() job.Head {
	b := l.blocks[0]
	h := b.buf[b.from]
	b.from++
	l.n--
	if b.from == len(b.buf) {
		l.drop(0)
	}
	return h
}

// remove takes the head of a job out; false: it is not there.
func (l *heads) remove(id job.ID) (job.Head, bool) {
	if l == nil || l.n == 0 {
		return job.Head{}, false
	}
	if f := l.first(); f.ID == id {
		return l.pop(), true
	}
	at, place, found := l.find(id)
	if !found {
		return job.Head{}, false
	}
	b := l.blocks[at]
	h := b.live()[place]
	l.n--
	b.buf = slices.Delete(b.buf, b.from+place, b.from+place+1)
	if b.from == len(b.buf) {
		l.drop(at)
	}
	return h, true
}
