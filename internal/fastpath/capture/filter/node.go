package filter

// node is a condition on frames.
type node interface {
	// branch emits code that goes to yes where the condition holds, else to no.
	branch(g *generator, yes, no label)
}

type constant bool

type andNode struct{ left, right node }

type orNode struct{ left, right node }

type notNode struct{ of node }

// test compares a number in the frame with a constant.
type test struct {
	base base
	off  uint32 // in bytes from base
	size uint32 // 1, 2 or 4 bytes
	mask uint32 // 0: all bits
	op   uint16 // opJeq, opJgt, opJge or opJset
	k    uint32
}

// base is what an offset counts from.
type base struct {
	// hop: the IPv4 header at byte net is to be jumped over, whatever its length.
	hop bool
	net uint32
}

func (c constant) branch(g *generator, yes, no label) {
	g.emit(opLoadImm, 0)
	if !c {
		yes, no = no, yes
	}
	g.branchIf(opJeq, 0, yes, no)
}

func (n andNode) branch(g *generator, yes, no label) {
	both := g.label()
	n.left.branch(g, both, no)
	g.place(both)
	n.right.branch(g, yes, no)
}

func (n orNode) branch(g *generator, yes, no label) {
	other := g.label()
	n.left.branch(g, yes, other)
	g.place(other)
	n.right.branch(g, yes, no)
}

func (n notNode) branch(g *generator, yes, no label) { n.of.branch(g, no, yes) }

func (n test) branch(g *generator, yes, no label) {
	g.load(n.base, n.off, n.size)
	if n.mask != 0 {
		g.emit(opAnd, n.mask)
	}
	g.branchIf(n.op, n.k, yes, no)
}

// load emits a load of size bytes.
func (g *generator) load(b base, off, size uint32) {
	op := loadOp(size)
	if b.hop {
		g.emit(opLoadXMsh, b.net)
		op += opLoadIndW - opLoadAbsW
	}
	g.emit(op, b.net+off)
}

// loadOp gives the operation that loads size bytes from a constant place.
func loadOp(size uint32) uint16 {
	switch size {
	case 1:
		return opLoadAbsB
	case 2:
		return opLoadAbsH
	default:
		return opLoadAbsW
	}
}

// all is true when every condition is.
func all(nodes ...node) node {
	sum := node(constant(true))
	for _, n := range nodes {
		switch {
		case n == constant(true):
		case n == constant(false) || sum == constant(false):
			sum = constant(false)
		case sum == constant(true):
			sum = n
		default:
			sum = andNode{sum, n}
		}
	}
	return sum
}

// some is true when one of the conditions is.
func some(nodes ...node) node {
	sum := node(constant(false))
	for _, n := range nodes {
		switch {
		case n == constant(false):
		case n == constant(true) || sum == constant(true):
			sum = constant(true)
		case sum == constant(false):
			sum = n
		default:
			sum = orNode{sum, n}
		}
	}
	return sum
}
