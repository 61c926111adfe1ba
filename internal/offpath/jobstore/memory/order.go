package memory

import (
	"slices"
	"sort"

	"eddy/internal/offpath/job"
)

// blockSize is how many heads a block has at most. A change costs a move within a block; what is put in at the end and taken
// from the front, as most is, costs none.
const blockSize = 256

// order keeps the heads of one state in order, in blocks that are in order too. Blocks that a snapshot shares are copied before
// they change. Its zero value is empty.
type order struct {
	blocks []*block // none is empty
	age    uint64   // grows with each snapshot
	spare  *block   // the last one that became empty: a queue that is short stays without allocations
}

type block struct {
	age  uint64 // blocks older than their order are shared with a snapshot
	buf  []job.Head
	from int // buf[:from] was taken out
}

func (b *block) heads() []job.Head { return b.buf[b.from:] }

func (b *block) last() job.Head { return b.buf[len(b.buf)-1] }

// room sees to it that a head can be added without a new array, if what was taken out left the room for it.
func (b *block) room() {
	if b.from > 0 && len(b.buf) == cap(b.buf) {
		n := copy(b.buf, b.buf[b.from:])
		b.buf, b.from = b.buf[:n], 0
	}
}

// snapshot is what an order had at a moment, beginning near the head behind which it is read. Any goroutine may read it.
type snapshot []*block

func compare(a, b job.Head) int {
	if a.State.Timed() && a.Due != b.Due {
		if a.Due < b.Due {
			return -1
		}
		return 1
	}
	switch {
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}

// find gives the first block that may hold h: the one whose last head is not before it; len(blocks) when all are.
func (o *order) find(h job.Head) int {
	if n := len(o.blocks); n > 0 && compare(o.blocks[n-1].last(), h) < 0 {
		return n
	}
	return sort.Search(len(o.blocks), func(i int) bool { return compare(o.blocks[i].last(), h) >= 0 })
}

// own gives block i for changing.
func (o *order) own(i int) *block {
	b := o.blocks[i]
	if b.age < o.age {
		b = &block{age: o.age, buf: append(make([]job.Head, 0, blockSize), b.heads()...)}
		o.blocks[i] = b
	}
	return b
}

// empty gives an empty block: a large one when there are others, for then there will be more.
func (o *order) empty() *block {
	b := o.spare
	switch {
	case b != nil:
		o.spare = nil
		b.age = o.age
	case len(o.blocks) == 0:
		b = &block{age: o.age}
	default:
		b = &block{age: o.age, buf: make([]job.Head, 0, blockSize)}
	}
	return b
}

func (o *order) put(h job.Head) {
	i := o.find(h)
	if i == len(o.blocks) { // behind all others
		if i == 0 || len(o.blocks[i-1].heads()) == blockSize {
			b := o.empty()
			b.buf = append(b.buf, h)
			o.blocks = append(o.blocks, b)
			return
		}
		b := o.own(i - 1)
		b.room()
		b.buf = append(b.buf, h)
		return
	}
	b := o.own(i)
	if len(b.heads()) == blockSize {
		upper := o.empty()
		upper.buf = append(upper.buf, b.heads()[blockSize/2:]...)
		b.buf = b.buf[:b.from+blockSize/2]
		o.blocks = slices.Insert(o.blocks, i+1, upper)
		if compare(b.last(), h) < 0 {
			b = upper
		}
	}
	b.room()
	at, _ := slices.BinarySearchFunc(b.heads(), h, compare)
	b.buf = slices.Insert(b.buf, b.from+at, h)
}

func (o *order) remove(h job.Head) {
	i := o.find(h)
	if i == len(o.blocks) {
		return
	}
	at, found := slices.BinarySearchFunc(o.blocks[i].heads(), h, compare)
	switch {
	case !found:
		return
	case len(o.blocks[i].heads()) == 1:
		if b := o.blocks[i]; b.age == o.age { // no snapshot has it
			b.buf, b.from = b.buf[:0], 0
			o.spare = b
		}
		o.blocks = slices.Delete(o.blocks, i, i+1)
		return
	}
	b := o.own(i)
	if at == 0 {
		b.from++
		return
	}
	b.buf = slices.Delete(b.buf, b.from+at, b.from+at+1)
}

// snapshot shares all blocks from the one on that may hold what is behind after; the zero Head is the beginning.
func (o *order) snapshot(after job.Head) snapshot {
	o.age++
	from := 0
	if after != (job.Head{}) && len(o.blocks) > 0 {
		after.State = o.blocks[0].last().State // their order is this state's
		from = o.find(after)
	}
	return slices.Clone(o.blocks[from:])
}

func (s snapshot) each(timed bool, after job.Head, f func(job.Head) bool) {
	begin := after == job.Head{}
	for _, b := range s {
		for _, h := range b.heads() {
			if !begin {
				if timed && h.Due == after.Due && h.ID <= after.ID || timed && h.Due < after.Due || !timed && h.ID <= after.ID {
					continue
				}
				begin = true
			}
			if !f(h) {
				return
			}
		}
	}
}
