package filter

import "slices"

// comparison compares two numbers that are computed from the frame.
type comparison struct {
	op          uint16 // opJeq, opJgt or opJge
	negate      bool
	left, right value
}

// value is a number that is computed from the frame. Code for it leaves it in A; cells of memory from the given one on
// are free.
type value interface {
	compute(g *generator, cell uint32)
	// needs gives what must hold of a frame that has the value.
	needs() node
}

type literal uint32

type frameLen struct{}

// part is bytes of the frame: size bytes at an offset from base.
type part struct {
	base  base
	off   value
	size  uint32
	guard node
}

type negative struct{ of value }

type calculation struct {
	op          uint16
	left, right value
}

func (c *comparison) branch(g *generator, yes, no label) {
	needs := all(c.left.needs(), c.right.needs())
	if needs != constant(true) {
		compare := g.label()
		needs.branch(g, compare, no)
		g.place(compare)
	}
	if c.negate {
		yes, no = no, yes
	}
	if k, ok := c.right.(literal); ok {
		c.left.compute(g, 0)
		g.branchIf(c.op, uint32(k), yes, no)
		return
	}
	g.both(c.left, c.right, 0)
	g.branchIf(c.op|byX, 0, yes, no)
}

// both leaves one value in A and another in X.
func (g *generator) both(a, x value, cell uint32) {
	if cell >= memory {
		g.fail("too many numbers are needed at once")
		return
	}
	a.compute(g, cell)
	g.emit(opStore, cell)
	x.compute(g, cell+1)
	g.emit(opTax, 0)
	g.emit(opLoadMem, cell)
}

func (v literal) compute(g *generator, _ uint32) { g.emit(opLoadImm, uint32(v)) }

func (frameLen) compute(g *generator, _ uint32) { g.emit(opLoadLen, 0) }

func (v negative) compute(g *generator, cell uint32) {
	v.of.compute(g, cell)
	g.emit(opNeg, 0)
}

func (v calculation) compute(g *generator, cell uint32) {
	if k, ok := v.right.(literal); ok {
		v.left.compute(g, cell)
		g.emit(v.op, uint32(k))
		return
	}
	g.both(v.left, v.right, cell)
	g.emit(v.op|byX, 0)
}

func (v part) compute(g *generator, cell uint32) {
	if k, ok := v.off.(literal); ok {
		g.load(v.base, uint32(k), v.size)
		return
	}
	v.off.compute(g, cell)
	if v.base.hop {
		g.emit(opLoadXMsh, v.base.net)
		g.emit(opAdd|byX, 0)
	}
	g.emit(opTax, 0)
	g.emit(loadOp(v.size)+opLoadIndW-opLoadAbsW, v.base.net)
}

func (literal) needs() node       { return constant(true) }
func (frameLen) needs() node      { return constant(true) }
func (v negative) needs() node    { return v.of.needs() }
func (v calculation) needs() node { return all(v.left.needs(), v.right.needs()) }
func (v part) needs() node        { return all(v.guard, v.off.needs()) }

// comparison reads a comparison, or gives nil when something else comes.
func (p *parser) comparison() node {
	if t := p.peek(); t.kind != number && !p.ahead(0, "len", "(", "-") && !p.isPart() && constantNamed(t) < 0 {
		return nil
	}
	return p.try(func() node {
		left := p.sum(0)
		c := &comparison{left: left}
		switch {
		case p.accept("=", "=="):
			c.op = opJeq
		case p.accept("!="):
			c.op, c.negate = opJeq, true
		case p.accept(">"):
			c.op = opJgt
		case p.accept("<="):
			c.op, c.negate = opJgt, true
		case p.accept(">="):
			c.op = opJge
		case p.accept("<"):
			c.op, c.negate = opJge, true
		default:
			p.fail(p.peek(), "expected a comparison")
		}
		c.right = p.sum(0)
		return c
	})
}

// isPart tells whether an access to bytes comes: "tcp[...]".
func (p *parser) isPart() bool {
	t := p.peek()
	return t.kind == word && slices.Contains(protoWords, t.text) && p.ahead(1, "[")
}

// levels has the operators between two numbers, from those that bind least. They are never changed.
var levels = []map[string]uint16{
	{"|": opOr},
	{"^": opXor},
	{"&": opAnd},
	{"<<": opLsh, ">>": opRsh},
	{"+": opAdd, "-": opSub},
	{"*": opMul, "/": opDiv, "%": opMod},
}

// sum reads operators that bind at least as tightly as a level.
func (p *parser) sum(level int) value {
	if level == len(levels) {
		return p.factor()
	}
	left := p.sum(level + 1)
	for {
		t := p.peek()
		op, ok := levels[level][t.text]
		if !ok || t.kind != operator {
			return left
		}
		p.take()
		right := p.sum(level + 1)
		if k, ok := right.(literal); ok && (k == 0 && (op == opDiv || op == opMod) || k > 31 && (op == opLsh || op == opRsh)) {
			p.fail(t, "this can't be computed")
		}
		left = calculation{op, left, right}
	}
}

// factor reads a number, len, bytes of the frame, or something in parentheses.
func (p *parser) factor() value {
	p.deeper()
	defer func() { p.depth-- }()
	t := p.peek()
	switch {
	case p.accept("("):
		v := p.sum(0)
		p.expect(")")
		return v
	case p.accept("-"):
		return negative{p.factor()}
	case p.accept("len"):
		return frameLen{}
	case t.kind == number:
		return literal(p.value("a number", 1<<32-1))
	case p.isPart():
		return p.part()
	}
	if n := constantNamed(t); n >= 0 {
		p.take()
		return literal(n)
	}
	p.fail(t, "expected a number")
	return nil
}

// part reads bytes of the frame: "proto[offset]" or "proto[offset:size]".
func (p *parser) part() value {
	t := p.take()
	v := part{size: 1, guard: constant(true)}
	net := p.lay.net
	switch t.text {
	case "ether", "link":
	case "ip":
		v.base.net, v.guard = net, p.lay.is(etherIPv4)
	case "ip6":
		v.base.net, v.guard = net, p.lay.is(etherIPv6)
	case "arp":
		v.base.net, v.guard = net, p.lay.is(etherARP)
	case "rarp":
		v.base.net, v.guard = net, p.lay.is(etherRARP)
	case "icmp6":
		v.base.net, v.guard = net+40, all(p.lay.is(etherIPv6), field(net+6, 1, 58))
	default:
		v.base = base{hop: true, net: net}
		v.guard = all(p.ipProto(uint32(protoNumber(t.text))), p.unfragmented())
	}
	p.expect("[")
	v.off = p.sum(0)
	if p.accept(":") {
		s := p.peek()
		switch v.size = p.value("a size", 4); v.size {
		case 1, 2, 4:
		default:
			p.fail(s, "a size is 1, 2 or 4 bytes")
		}
	}
	p.expect("]")
	return v
}

// constantNamed gives the number of a name for a place or a value in TCP and ICMP headers, or -1.
func constantNamed(t token) int64 {
	if t.kind != word {
		return -1
	}
	if n, ok := constants[t.text]; ok {
		return int64(n)
	}
	return -1
}

// constants are never changed.
var constants = map[string]uint32{
	"tcpflags": 13,
	"tcp-fin":  0x01, "tcp-syn": 0x02, "tcp-rst": 0x04, "tcp-push": 0x08,
	"tcp-ack": 0x10, "tcp-urg": 0x20, "tcp-ece": 0x40, "tcp-cwr": 0x80,

	"icmptype": 0, "icmpcode": 1, "icmp6type": 0, "icmp6code": 1,
	"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5, "icmp-echo": 8,
	"icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12,
	"icmp-tstamp": 13, "icmp-tstampreply": 14, "icmp-ireq": 15, "icmp-ireqreply": 16,
	"icmp-maskreq": 17, "icmp-maskreply": 18,

	"icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3, "icmp6-parameterproblem": 4,
	"icmp6-echo": 128, "icmp6-echoreply": 129, "icmp6-multicastlistenerquery": 130,
	"icmp6-multicastlistenerreportv1": 131, "icmp6-multicastlistenerdone": 132, "icmp6-routersolicit": 133,
	"icmp6-routeradvert": 134, "icmp6-neighborsolicit": 135, "icmp6-neighboradvert": 136, "icmp6-redirect": 137,
}
