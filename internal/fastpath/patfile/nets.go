package patfile

import (
	"net/netip"
	"slices"
)

// nets finds the narrowest network that holds an address: one look-up for each prefix length that occurs.
type nets struct {
	v4, v6 family
}

type family struct {
	bits  []int // descending
	table map[netip.Prefix][]*Entry
}

func (n *nets) of(a netip.Addr) *family {
	if a.Is4() {
		return &n.v4
	}
	return &n.v6
}

func (n *nets) add(p netip.Prefix, e *Entry) {
	f := n.of(p.Addr())
	if f.table == nil {
		f.table = map[netip.Prefix][]*Entry{}
	}
	f.table[p] = append(f.table[p], e)
	if !slices.Contains(f.bits, p.Bits()) {
		f.bits = append(f.bits, p.Bits())
		slices.SortFunc(f.bits, func(a, b int) int { return b - a })
	}
}

func (n *nets) remove(p netip.Prefix, e *Entry) {
	f := n.of(p.Addr())
	rest := slices.DeleteFunc(f.table[p], func(o *Entry) bool { return o == e })
	if len(rest) == 0 {
		delete(f.table, p)
		return
	}
	f.table[p] = rest
}

func (n *nets) find(a netip.Addr) *Entry {
	if a.Is4() {
		if e := n.v4.find(a); e != nil {
			return e
		}
		return n.v6.find(netip.AddrFrom16(a.As16()))
	}
	if e := n.v6.find(a); e != nil {
		return e
	}
	if v4, ok := embedded4(a); ok {
		return n.v4.find(v4)
	}
	return nil
}

func (f *family) find(a netip.Addr) *Entry {
	for _, bits := range f.bits {
		p, err := a.Prefix(bits)
		if err != nil {
			continue
		}
		if es := f.table[p]; es != nil {
			return es[0]
		}
	}
	return nil
}

// embedded4 takes the IPv4 address out of ::a.b.c.d, ::ffff:a.b.c.d and 2002:a.b.c.d::.
func embedded4(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	if b[0] == 0x20 && b[1] == 0x02 {
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	for _, z := range b[:10] {
		if z != 0 {
			return netip.Addr{}, false
		}
	}
	if b[10] == 0xff && b[11] == 0xff || b[10] == 0 && b[11] == 0 {
		return netip.AddrFrom4([4]byte(b[12:])), true
	}
	return netip.Addr{}, false
}
