package packet

import (
	"slices"
	"unsafe"
)

// maxPieces bounds the fragments of a datagram: as many as the longest has over the smallest link that IPv4 may meet
// (68 bytes, RFC 791).
const maxPieces = maxDatagram/(68-ipv4Len) + 1

// assembly keeps the datagrams that wait for fragments.
type assembly struct {
	max     int64 // bytes
	timeout int64 // ns
	held    int64 // the sum of the datagrams' costs
	byKey   map[fragKey]*datagram
	// The datagrams in the order in which their first fragments came.
	oldest, newest *datagram
	out            []byte // the last datagram that was completed
}

// fragKey says what fragments belong together.
type fragKey struct {
	src, dst       [16]byte
	id, vlan       uint32
	proto, version uint8
}

// datagram is one that waits for fragments.
type datagram struct {
	key          fragKey
	since        int64 // when its first fragment came
	older, newer *datagram
	cost         int64 // bytes that count as held

	bytes  []byte  // headers and fragments, in the order in which they came
	pieces []piece // by place, without overlap
	size   int     // bytes of all pieces
	end    int     // length of what was fragmented; 0 until the last fragment has come

	// What the walk knew at the fragment with offset 0, for the frame that is put together.
	headed   bool
	headAt   int // where its headers stand in bytes
	prefix   int // how many bytes they have
	ip, next int // as in walk
	layers   [MaxLayers]Layer
	nlayers  uint8
	tuple    Tuple
}

// piece is a fragment.
type piece struct {
	off  int // within the datagram
	size int
	at   int // within datagram.bytes
}

func (a *assembly) start(max, timeout int64) {
	a.max, a.timeout = max, timeout
	a.byKey = make(map[fragKey]*datagram)
}

// datagram finds the datagram of a key or begins one.
func (a *assembly) datagram(key fragKey, now int64) *datagram {
	if g := a.byKey[key]; g != nil {
		return g
	}
	g := &datagram{key: key, since: now, older: a.newest}
	if a.newest != nil {
		a.newest.newer = g
	} else {
		a.oldest = g
	}
	a.newest = g
	a.byKey[key] = g
	return g
}

// drop forgets a datagram.
func (a *assembly) drop(g *datagram) {
	if g.older != nil {
		g.older.newer = g.newer
	} else {
		a.oldest = g.newer
	}
	if g.newer != nil {
		g.newer.older = g.older
	} else {
		a.newest = g.older
	}
	a.held -= g.cost
	delete(a.byKey, g.key)
}

// account counts what a datagram has come to take. When that is too much, the oldest give way; it is false when g
// itself had to.
func (a *assembly) account(g *datagram, problems *[NumProblems]uint64) bool {
	const entry = int64(unsafe.Sizeof(datagram{}) + unsafe.Sizeof(fragKey{}) + 2*unsafe.Sizeof(g))
	cost := entry + int64(cap(g.bytes)) + int64(cap(g.pieces))*int64(unsafe.Sizeof(piece{}))
	a.held += cost - g.cost
	g.cost = cost
	for a.held > a.max {
		victim := a.oldest
		a.drop(victim)
		if victim == g {
			return false // its packet is counted by Decode
		}
		problems[FragmentLimit]++
	}
	return true
}

// expire gives up what has waited too long. Another capture may follow whose time lies before; then too.
func (a *assembly) expire(now int64, problems *[NumProblems]uint64) {
	for g := a.oldest; g != nil && (now-g.since > a.timeout || g.since-now > a.timeout); g = a.oldest {
		a.drop(g)
		problems[FragmentLimit]++
	}
}

// head keeps the headers of the fragment with offset 0, of which the walk has decoded all.
func (g *datagram) head(w *walk, prefix int) {
	g.headed = true
	g.headAt, g.prefix = len(g.bytes), prefix
	g.bytes = append(g.bytes, w.data[:prefix]...)
	g.ip, g.next = w.ip, w.next
	g.layers, g.nlayers, g.tuple = w.p.Layers, w.p.NLayers, w.p.Tuple
	if g.tuple.Version == 6 {
		g.nlayers-- // the fragment header
	}
}

// fit says how a fragment goes with those that are there.
type fit uint8

const (
	added     fit = iota
	duplicate     // nothing new
	overlaps      // some bytes are there already, or fragments contradict each other
)

// add takes a fragment. Overlapping fragments make the datagram worthless, as IPv6 demands (RFC 5722) and Linux does
// for IPv4 too; one that lies within another is a duplicate.
func (g *datagram) add(off int, data []byte, more bool) fit {
	end := off + len(data)
	last := 0
	if n := len(g.pieces); n > 0 {
		last = g.pieces[n-1].off + g.pieces[n-1].size
	}
	switch {
	case !more && (g.end != 0 && g.end != end || last > end):
		return overlaps
	case more && g.end != 0 && end > g.end:
		return overlaps
	}
	i := len(g.pieces) // fragments mostly come in order
	for i > 0 && g.pieces[i-1].off >= off {
		i--
	}
	if i > 0 {
		before := &g.pieces[i-1]
		switch reach := before.off + before.size; {
		case reach >= end:
			return duplicate
		case reach > off:
			return overlaps
		}
	}
	if i < len(g.pieces) {
		behind := &g.pieces[i]
		switch {
		case behind.off == off && behind.size >= len(data):
			return duplicate
		case behind.off < end:
			return overlaps
		}
	}
	if len(g.pieces) == maxPieces {
		return overlaps
	}
	if !more {
		g.end = end
	}
	g.pieces = slices.Insert(g.pieces, i, piece{off: off, size: len(data), at: len(g.bytes)})
	g.bytes = append(g.bytes, data...)
	g.size += len(data)
	return added
}

// complete tells whether all fragments are there.
func (g *datagram) complete() bool { return g.end != 0 && g.size == g.end }
