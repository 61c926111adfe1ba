package reassembly

// block is memory for bytes that wait. The blocks of a backlog are sorted and don't overlap.
type block struct {
	next *block
	pos  int64 // of the first byte
	cut  int64 // bytes after the last that were not captured
	n    int   // bytes in use
	buf  [blockSize - 32]byte
}

const (
	blockSize = 4096 // with its fields
	blockRoom = blockSize - 32

	maxSpare = 256 // blocks kept for later
)

// blocksFor is the number of blocks for n bytes between two holes; a piece without bytes needs one too.
func blocksFor(n int) int64 { return int64(max(n-1, 0)/blockRoom + 1) }

func (b *block) end() int64 { return b.pos + int64(b.n) }

// blockPool gives out blocks and keeps some of those that come back.
type blockPool struct {
	used       int64 // given out
	spare      *block
	spareCount int
}

func (p *blockPool) take(pos int64) *block {
	p.used++
	b := p.spare
	if b == nil {
		return &block{pos: pos}
	}
	p.spare = b.next
	p.spareCount--
	b.next, b.pos, b.cut, b.n = nil, pos, 0, 0
	return b
}

func (p *blockPool) giveBack(b *block) {
	p.used--
	if p.spareCount < maxSpare {
		b.next, p.spare = p.spare, b
		p.spareCount++
	}
}
