package counter

// Delta is what a Local has counted since its last Flush. Its memory is used again by the next Flush into it.
type Delta struct {
	Groups []GroupDelta
}

// GroupDelta has the cells of one group's keys, in the order in which they came: those of Keys[i] are
// Cells[i*stride : (i+1)*stride].
type GroupDelta struct {
	Group *Group
	Keys  []string
	Cells []float64
}

// Row gives the cells of key i.
func (d *GroupDelta) Row(i int) []float64 {
	n := d.Group.Stride()
	return d.Cells[i*n : (i+1)*n]
}

// Rows counts the keys of all groups.
func (d *Delta) Rows() int {
	n := 0
	for i := range d.Groups {
		n += len(d.Groups[i].Keys)
	}
	return n
}

// next gives an empty entry whose slices are those of an earlier use.
func (d *Delta) next() *GroupDelta {
	n := len(d.Groups)
	if n < cap(d.Groups) {
		d.Groups = d.Groups[:n+1]
	} else {
		d.Groups = append(d.Groups, GroupDelta{})
	}
	g := &d.Groups[n]
	g.Keys, g.Cells = g.Keys[:0], g.Cells[:0]
	return g
}
