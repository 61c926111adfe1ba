package wire

import "sync"

// SmallSize is the size of a small buffer: most request heads fit, and ten thousand waiting requests cost little.
const SmallSize = 2 << 10

// Buffer is a piece of pooled memory with the unread bytes B[R:W]. It has one owner at a time.
type Buffer struct {
	B    []byte
	R, W int
}

// Bytes are the unread bytes; they are valid until the buffer is read into, moved or given back.
func (b *Buffer) Bytes() []byte { return b.B[b.R:b.W] }

// Len is the number of unread bytes.
func (b *Buffer) Len() int { return b.W - b.R }

// Room is the space behind the unread bytes.
func (b *Buffer) Room() []byte { return b.B[b.W:] }

// Shift moves the unread bytes to the front. Slices into the buffer are wrong afterwards.
func (b *Buffer) Shift() {
	if b.R > 0 {
		b.W = copy(b.B, b.B[b.R:b.W])
		b.R = 0
	}
}

// Pools hands out buffers of two sizes, and pipes. One lives as long as the connections that use it; all methods may
// be called from any goroutine.
type Pools struct {
	size  int
	small sync.Pool
	full  sync.Pool
}

// NewPools makes pools whose full buffers have size bytes (tune.bufsize).
func NewPools(size int) *Pools {
	p := &Pools{size: max(size, SmallSize)}
	p.small.New = func() any { return &Buffer{B: make([]byte, SmallSize)} }
	p.full.New = func() any { return &Buffer{B: make([]byte, p.size)} }
	return p
}

// Size is the size of a full buffer.
func (p *Pools) Size() int { return p.size }

// Small gives an empty small buffer.
func (p *Pools) Small() *Buffer { return p.small.Get().(*Buffer) }

// Full gives an empty full buffer.
func (p *Pools) Full() *Buffer { return p.full.Get().(*Buffer) }

// Put takes a buffer back; nil is allowed. The caller keeps no slice of it.
func (p *Pools) Put(b *Buffer) {
	if b == nil {
		return
	}
	b.R, b.W = 0, 0
	switch len(b.B) {
	case p.size:
		p.full.Put(b)
	case SmallSize:
		p.small.Put(b)
	}
}
