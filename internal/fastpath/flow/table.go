package flow

import (
	"slices"
	"time"

	"eddy/internal/fastpath/packet"
)

// Options bounds a Table. The zero value is ready for use: 0 stands for the value given here. Timeouts count from a
// flow's latest packet, in capture time.
type Options struct {
	MaxFlows int // 500,000; a flow takes about 200 bytes here, and what the engine hangs on it
	Engine   int // whose table it is: makes serial numbers unique within the process

	TCPOpening   time.Duration // 1 min; nothing but SYNs so far
	TCPTimeout   time.Duration // 30 min; established: HTTP and SSH connections may rest for long
	TCPClosed    time.Duration // 30 s; how long a closed connection waits for stragglers
	UDPTimeout   time.Duration // 5 min
	OtherTimeout time.Duration // 1 min
}

// Stats counts what a table has done.
type Stats struct {
	TCP, UDP, Other uint64 // flows made
	Most            int    // flows at once
	Ended           [NumEnds]uint64
}

// Table keeps the flows of one engine and belongs to its goroutine. For a packet of a flow it knows it allocates
// nothing. The functions named ended are called exactly once for each flow; the flow can still be found then, and the
// function must not call the table's Packet, Expire or Close.
type Table struct {
	max     int
	timeout [numClasses]int64 // ns
	serial  uint64            // of the latest flow

	index index
	arena arena
	ages  ages
	vlans []uint32 // tags that flows had, in order of their first, for Find
	stats Stats
}

// maxVLANs bounds Table.vlans. Flows in further VLANs are found by their whole key only.
const maxVLANs = 1024

// NewTable makes an empty table.
func NewTable(o Options) *Table {
	t := &Table{
		max:    o.MaxFlows,
		serial: uint64(o.Engine) << 48,
		index:  newIndex(),
	}
	t.ages.arena = &t.arena
	if t.max <= 0 {
		t.max = 500_000
	}
	t.max = min(t.max, 1<<30) // ids and hashes have 32 bits
	for c, d := range [numClasses]struct{ set, usual time.Duration }{
		opening:     {o.TCPOpening, time.Minute},
		established: {o.TCPTimeout, 30 * time.Minute},
		closed:      {o.TCPClosed, 30 * time.Second},
		udp:         {o.UDPTimeout, 5 * time.Minute},
		other:       {o.OtherTimeout, time.Minute},
	} {
		if d.set <= 0 {
			d.set = d.usual
		}
		t.timeout[c] = int64(d.set)
	}
	return t
}

// Packet counts p in its flow, which it makes if it must. A flow that this ends (a new connection with the same tuple, a
// timeout that has passed, no room) is given to ended before. f is nil if p belongs to no flow: it is not IP, or its
// ports are not known.
func (t *Table) Packet(p *packet.Packet, ended func(*Flow, End)) (f *Flow, dir Dir, isNew bool) {
	if !hasFlow(p) {
		return nil, ToServer, false
	}
	hash := shorten(p.Tuple.Hash())
	f, dir = t.find(&p.Tuple, hash)
	if f != nil {
		if why, over := t.over(f, dir, p); over {
			t.end(f, why, ended)
			f = nil
		}
	}
	if f == nil {
		for t.index.used >= t.max {
			t.end(t.ages.victim(), Evicted, ended)
		}
		f, dir, isNew = t.add(p, hash)
	}
	f.count(dir, p)
	c := other
	switch p.Proto {
	case protoTCP:
		c = f.follow(dir, p)
	case protoUDP:
		c = udp
	}
	t.ages.touch(f, c, p.Time)
	return f, dir, isNew
}

// hasFlow reports whether p says between which ports it goes, as far as its protocol has ports.
func hasFlow(p *packet.Packet) bool {
	if p.Version == 0 || p.Fragment {
		return false
	}
	switch p.Problem {
	case packet.TruncatedTCP, packet.TruncatedUDP, packet.TruncatedSCTP, packet.TruncatedICMP, packet.BadTCPHeader:
		return false
	}
	return true
}

func shorten(hash uint64) uint32 { return uint32(hash ^ hash>>32) }

// over reports whether f had ended before p came. A timeout is looked at here too, so that flows don't depend on how
// often Expire is called.
func (t *Table) over(f *Flow, dir Dir, p *packet.Packet) (why End, over bool) {
	if p.Time-f.Last > t.timeout[f.class] {
		return Idle, true
	}
	return Reused, p.Proto == protoTCP && f.superseded(dir, p)
}

func (t *Table) find(k *Key, hash uint32) (*Flow, Dir) {
	slots := t.index.slots
	mask := uint32(len(slots) - 1)
	for i := hash & mask; slots[i].id != 0; i = (i + 1) & mask {
		if slots[i].hash != hash {
			continue
		}
		f := t.arena.at(slots[i].id)
		if dir, same := f.direction(k); same {
			return f, dir
		}
	}
	return nil, ToServer
}

func (t *Table) add(p *packet.Packet, hash uint32) (f *Flow, dir Dir, isNew bool) {
	f = t.arena.take()
	f.Key = p.Tuple
	if !clientSends(p) {
		f.Key, dir = Reverse(f.Key), ToClient
	}
	t.serial++
	f.Serial = t.serial
	f.Start, f.Last = p.Time, p.Time
	f.State = Init | ZIsServer
	if !AIsSource(f.Key) {
		f.State = Init | AIsServer
	}
	t.index.insert(hash, f.id)
	if v := f.Key.VLAN; v != 0 && len(t.vlans) < maxVLANs && !slices.Contains(t.vlans, v) {
		t.vlans = append(t.vlans, v)
	}

	t.stats.Most = max(t.stats.Most, t.index.used)
	switch p.Proto {
	case protoTCP:
		t.stats.TCP++
	case protoUDP:
		t.stats.UDP++
	default:
		t.stats.Other++
	}
	return f, dir, true
}

// end gives f to ended and forgets it.
func (t *Table) end(f *Flow, why End, ended func(*Flow, End)) {
	if f.Key.Proto == protoTCP {
		switch {
		case f.Closed():
			why = Closed
		case f.State&SeenFIN != 0:
			f.State |= Incomplete
		}
	}
	if why == Idle {
		f.State |= TimedOut
	}
	t.stats.Ended[why]++
	ended(f, why)
	t.index.remove(shorten(f.Key.Hash()), f.id)
	t.ages.unlink(f)
	t.arena.giveBack(f)
}

// Expire ends the flows that have been idle for longer than their timeout at the capture time now; some up to a second
// later. It is meant to be called about once a second and takes time for the flows that it ends only.
func (t *Table) Expire(now int64, ended func(*Flow, End)) {
	for c := range numClasses {
		for range t.index.used {
			f := t.ages.oldest(c)
			if f == nil {
				break
			}
			idle := now - f.Last
			if idle < 0 { // time jumped; nobody shall wait behind this flow
				t.ages.unlink(f)
				t.ages.touch(f, c, now)
				continue
			}
			if idle <= t.timeout[c] {
				break
			}
			t.end(f, Idle, ended)
		}
	}
}

// Close ends all flows, in the order of their latest packets within each class. The table is empty then, and usable.
func (t *Table) Close(ended func(*Flow, End)) {
	for c := range numClasses {
		for f := t.ages.oldest(c); f != nil; f = t.ages.oldest(c) {
			t.end(f, Finish, ended)
		}
	}
}

// Len is the number of flows.
func (t *Table) Len() int { return t.index.used }

// Stats tells what the table has done so far.
func (t *Table) Stats() Stats { return t.stats }

// Find gives the flow with the key k in either direction, or nil. A key without VLAN, such as ParseID gives, finds a
// flow in any VLAN if there is none without.
func (t *Table) Find(k Key) *Flow {
	f, _ := t.find(&k, shorten(k.Hash()))
	if f != nil || k.VLAN != 0 {
		return f
	}
	for _, k.VLAN = range t.vlans {
		if f, _ := t.find(&k, shorten(k.Hash())); f != nil {
			return f
		}
	}
	return nil
}

// Each calls visit for every flow, in no order, until it answers false. visit must not call Packet, Expire or Close.
func (t *Table) Each(visit func(*Flow) bool) {
	for _, s := range t.index.slots {
		if s.id != 0 && !visit(t.arena.at(s.id)) {
			return
		}
	}
}
