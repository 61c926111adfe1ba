package memory

import (
	"slices"
	"sort"

	"eddy/internal/offpath/job"
)

// blockSize is how many heads a block has at most. A change costs a move within a block; what is put in at the end, as most
// is, costs nothing.
const blockSize = 256

// order keeps the heads of one state in order, in blocks that are in order too. Blocks that a snapshot shares are copied before
// they change. Its zero value is empty.
type order struct {
	blocks []*block
	age    uint64 // grows with each snapshot
}

type block struct {
	age   uint64 // blocks older than their order are shared with a snapshot
	heads []job.Head
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
	if n := len(o.blocks); n > 0 {
		last := o.blocks[n-1].heads
		if compare(last[len(last)-1], h) < 0 {
			return n
		}
	}
	return sort.Search(len(o.blocks), func(i int) bool {
		heads := o.blocks[i].heads
		return compare(heads[len(heads)-1], h) >= 0
	})
}

// own gives block i for changing.
func (o *order) own(i int) *block {
	b := o.blocks[i]
	if b.age < o.age {
		b = &block{age: o.age, heads: append(make([]job.Head, 0, blockSize), b.heads...)}
		o.blocks[i] = b
	}
	return b
}

func (o *order) put(h job.Head) {
	i := o.find(h)
	if i == len(o.blocks) { // behind all others
		if i == 0 || len(o.blocks[i-1].heads) == blockSize {
			o.blocks = append(o.blocks, &block{age: o.age, heads: append(make([]job.Head, 0, blockSize), h)})
			return
		}
		b := o.own(i - 1)
		b.heads = append(b.heads, h)
		return
	}
	b := o.own(i)
	if len(b.heads) == blockSize {
		upper := &block{age: o.age, heads: append(make([]job.Head, 0, blockSize), b.heads[blockSize/2:]...)}
		b.heads = b.heads[:blockSize/2]
		o.blocks = slices.Insert(o.blocks, i+1, upper)
		if compare(b.heads[len(b.heads)-1], h) < 0 {
			b = upper
		}
	}
	at, _ := slices.BinarySearchFunc(b.heads, h, compare)
	b.heads = slices.Insert(b.heads, at, h)
}

func (o *order) remove(h job.Head) {
	i := o.find(h)
	if i == len(o.blocks) {
		return
	}
	at, found := slices.BinarySearchFunc(o.blocks[i].heads, h, compare)
	if !found {
		return
	}
	if len(o.blocks[i].heads) == 1 {
		o.blocks = slices.Delete(o.blocks, i, i+1)
		return
	}
	b := o.own(i)
	b.heads = slices.Delete(b.heads, at, at+1)
}

// snapshot shares all blocks from the one on that may hold what is behind after; the zero Head is the beginning.
func (o *order) snapshot(after job.Head) snapshot {
	o.age++
	from := 0
	if after != (job.Head{}) && len(o.blocks) > 0 {
		after.State = o.blocks[0].heads[0].State // their order is this state's
		from = o.find(after)
	}
	return slices.Clone(o.blocks[from:])
}

func (s snapshot) each(timed bool, after job.Head, f func(job.Head) bool) {
	begin := after == job.Head{}
	for _, b := range s {
		for _, h := range b.heads {
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
