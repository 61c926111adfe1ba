package flow

// index finds a flow's number by hash: open addressing with linear probing. It has no pointers, so the garbage
// collector does not look into it, and it keeps the hashes, so that neither growing nor most of the comparing touches a
// flow.
type index struct {
	slots []slot // a power of two
	used  int
}

type slot struct{ hash, id uint32 } // id 0: free

const firstSlots = 1 << 10

func newIndex() index { return index{slots: make([]slot, firstSlots)} }

// insert adds an id that is not there yet. At most three quarters of the slots are in use, so that each search ends.
func (x *index) insert(hash, id uint32) {
	if x.used >= len(x.slots)/4*3 {
		x.grow()
	}
	x.put(slot{hash, id})
	x.used++
}

func (x *index) put(s slot) {
	mask := uint32(len(x.slots) - 1)
	i := s.hash & mask
	for x.slots[i].id != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.id != 0 {
			x.put(s)
		}
	}
}

// remove takes out an id that is there, and closes the gap: what stands behind it and would not be found across a free
// slot moves up.
func (x *index) remove(hash, id uint32) {
	mask := uint32(len(x.slots) - 1)
	gap := hash & mask
	for x.slots[gap].id != id {
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; x.slots[i].id != 0; i = (i + 1) & mask {
		home := x.slots[i].hash & mask
		if (i-home)&mask >= (i-gap)&mask { // its search passes the gap
			x.slots[gap] = x.slots[i]
			gap = i
		}
	}
	x.slots[gap] = slot{}
	x.used--
}
