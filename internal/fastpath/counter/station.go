package counter

import (
	"encoding/binary"
	"math/rand/v2"

	"eddy/internal/fastpath/flow"
)

// stations counts the bytes of Ethernet addresses within a tick. Addresses are remembered from tick to tick, each with
// its place in the Local, so that one that is known costs a search among integers for a frame, and no key for a tick.
type stations struct {
	group *Group
	seed  uint64    // odd: nobody can choose addresses that all fall together
	index []uint64  // open addressing, a power of two: address<<16 | id; 0: free
	shift uint      // 64 - log2(len(index))
	list  []station // by id; that of id 0 is nobody's
	busy  []uint16  // ids of those that counted in this tick
	key   [18]byte  // one more than a key has
}

type station struct {
	sent, received float64
	address        uint64
	slot           Slot
}

// maxStations is what an id has room for. When there are more, all are forgotten.
const maxStations = 1<<16 - 1

const firstStations = 8 // bits

func (s *stations) init(g *Group) {
	s.group, s.seed = g, rand.Uint64()|1
	s.forget()
}

// forget leaves the list with nobody's entry, whose address is none of 48 bits.
func (s *stations) forget() {
	s.index, s.shift = make([]uint64, 1<<firstStations), 64-firstStations
	s.list = append(s.list[:0], station{address: 1 << 63})
}

// near remembers the stations of a flow's two ends, by the direction in which they send; 0 is nobody. They are looked at
// before a search begins, and may be wrong.
type near [2]uint16

// frame counts a frame's bytes, more than 0, for the addresses that it begins with: the destination, then the source.
func (s *stations) frame(l *Local, addresses []byte, bytes float64, n *near, dir flow.Dir) {
	first, last := binary.BigEndian.Uint64(addresses), binary.BigEndian.Uint64(addresses[4:])
	s.find(l, first>>16, &n[dir.Other()]).received += bytes
	s.find(l, last&(1<<48-1), &n[dir]).sent += bytes
}

// find gives the station with an address, which counts from now on in this tick. The pointer is good until the next
// call.
func (s *stations) find(l *Local, address uint64, n *uint16) *station {
	if id := *n; int(id) >= len(s.list) || s.list[id].address != address {
		*n = s.search(l, address)
	}
	st := &s.list[*n]
	if st.sent+st.received == 0 {
		s.busy = append(s.busy, *n)
	}
	return st
}

// search gives the id of an address.
func (s *stations) search(l *Local, address uint64) uint16 {
	mask := uint64(len(s.index) - 1)
	for i := address * s.seed >> s.shift; ; i = (i + 1) & mask {
		switch e := s.index[i]; {
		case e == 0:
			return s.add(l, address, i)
		case e>>16 == address:
			return uint16(e)
		}
	}
}

// add takes in an address whose search has ended at a free place of the index.
func (s *stations) add(l *Local, address, free uint64) uint16 {
	id := len(s.list)
	switch {
	case id > maxStations:
		s.tick(l)
		s.forget()
		return s.search(l, address)
	case id > len(s.index)/4*3: // searches stay short, and end
		s.grow()
		return s.search(l, address)
	}
	s.index[free] = address<<16 | uint64(id)
	s.list = append(s.list, station{address: address})
	return uint16(id)
}

func (s *stations) grow() {
	old := s.index
	s.index = make([]uint64, 2*len(old))
	s.shift--
	mask := uint64(len(s.index) - 1)
	for _, e := range old {
		if e == 0 {
			continue
		}
		i := e >> 16 * s.seed >> s.shift
		for s.index[i] != 0 {
			i = (i + 1) & mask
		}
		s.index[i] = e
	}
}

// tick moves what was counted into the Local.
func (s *stations) tick(l *Local) {
	for _, id := range s.busy {
		st := &s.list[id]
		cells, ok := l.At(s.group, st.slot)
		if !ok {
			st.slot = l.Slot(s.group, appendMAC(s.key[:0], st.address))
			cells, _ = l.At(s.group, st.slot)
		}
		cells[macSent] += st.sent
		cells[macReceived] += st.received
		st.sent, st.received = 0, 0
	}
	s.busy = s.busy[:0]
}
