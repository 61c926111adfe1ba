package flow

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"eddy/internal/fastpath/packet"
)

// check holds a table's laws: index, lists and flows agree.
func (t *Table) check() error {
	listed := 0
	for c := range numClasses {
		older := uint32(0)
		for id := t.ages.lists[c].oldest; id != 0; id = t.arena.at(id).links.younger {
			f := t.arena.at(id)
			listed++
			switch {
			case f.id != id || f.links.older != older || f.class != c:
				return fmt.Errorf("flow %d is wrongly linked", f.Serial)
			case t.Find(f.Key) != f || t.Find(Reverse(f.Key)) != f:
				return fmt.Errorf("flow %d can't be found", f.Serial)
			}
			older = id
		}
		if t.ages.lists[c].newest != older {
			return fmt.Errorf("class %d has a wrong end", c)
		}
	}
	visited := 0
	t.Each(func(*Flow) bool { visited++; return true })
	if listed != t.Len() || visited != t.Len() {
		return fmt.Errorf("%d flows, %d in lists, %d visited", t.Len(), listed, visited)
	}
	if t.Len() > t.max {
		return fmt.Errorf("%d flows, at most %d are allowed", t.Len(), t.max)
	}
	return nil
}

// drive sends packets that bytes describe through a table and holds its laws.
func drive(t *testing.T, table *Table, input []byte) {
	open := make(map[uint64]Count)
	var ended uint64
	end := func(f *Flow, why End) {
		sum, known := open[f.Serial]
		if !known {
			t.Fatalf("flow %d ends, but is not open", f.Serial)
		}
		if got := f.Count[0].Packets + f.Count[1].Packets; got != sum.Packets {
			t.Fatalf("flow %d has %d packets, %d were sent", f.Serial, got, sum.Packets)
		}
		delete(open, f.Serial)
		ended++
	}
	now := int64(0)
	for ; len(input) >= 4; input = input[4:] {
		flags, ports, step, number := input[0], input[1], input[2], input[3]
		now += int64(step%32) * int64(step%32) * 1e7
		p := tcp(0, flags&0x80 != 0, flags&0x3f, uint32(number%4), uint32(number/4%4), int(number%3))
		if flags&0x40 != 0 {
			p.Tuple.Proto = protoUDP
		}
		if p.SrcPort == 80 {
			p.DstPort = 1000 + uint16(ports)
		} else {
			p.SrcPort = 1000 + uint16(ports)
		}
		p.Time = now - int64(step/32)*1e8
		f, dir, isNew := table.Packet(p, end)
		if _, known := open[f.Serial]; known == isNew {
			t.Fatalf("flow %d is new: %v, but known: %v", f.Serial, isNew, known)
		}
		if got := f.Key; dir == ToServer && got != p.Tuple || dir == ToClient && got != Reverse(p.Tuple) {
			t.Fatalf("%v went to the flow %v", p.Tuple, got)
		}
		c := open[f.Serial]
		c.Packets++
		open[f.Serial] = c
		if ports == 7 {
			table.Expire(now, end)
		}
	}
	if err := table.check(); err != nil {
		t.Fatal(err)
	}
	if len(open) != table.Len() {
		t.Fatalf("%d flows, the model has %d", table.Len(), len(open))
	}
	table.Close(end)
	s := table.Stats()
	var sum uint64
	for _, n := range s.Ended {
		sum += n
	}
	if table.Len() != 0 || len(open) != 0 || sum != ended || s.TCP+s.UDP != ended {
		t.Fatalf("at the end %d flows, %d in the model, %d ended, %+v", table.Len(), len(open), ended, s)
	}
	if err := table.check(); err != nil {
		t.Fatal(err)
	}
}

func TestTableModel(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		input := make([]byte, 4*(50+r.IntN(4000)))
		for i := range input {
			input[i] = byte(r.Uint32())
		}
		drive(t, NewTable(Options{MaxFlows: 1 + r.IntN(300)}), input)
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte{packet.SYN, 1, 0, 1, packet.SYN | packet.ACK | 0x80, 1, 1, 2, packet.RST, 1, 1, 2, packet.SYN, 1, 1, 3})
	f.Fuzz(func(t *testing.T, input []byte) {
		drive(t, NewTable(Options{MaxFlows: 5}), input)
	})
}

// TestIndex compares the index with a map while it grows and shrinks; few different hashes make it crowded.
func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := newIndex()
	hashes := make(map[uint32]uint32) // by id
	find := func(hash, id uint32) bool {
		mask := uint32(len(x.slots) - 1)
		for i := hash & mask; x.slots[i].id != 0; i = (i + 1) & mask {
			if x.slots[i] == (slot{hash, id}) {
				return true
			}
		}
		return false
	}
	for step := range 40_000 {
		id := uint32(1 + r.IntN(3000))
		if hash, there := hashes[id]; there {
			x.remove(hash, id)
			delete(hashes, id)
		} else {
			hashes[id] = uint32(r.IntN(500)) << r.IntN(25)
			x.insert(hashes[id], id)
		}
		if step%1000 != 0 {
			continue
		}
		for id, hash := range hashes {
			if !find(hash, id) {
				t.Fatalf("step %d: %d is lost", step, id)
			}
		}
		if x.used != len(hashes) {
			t.Fatalf("step %d: %d used, %d expected", step, x.used, len(hashes))
		}
	}
}
