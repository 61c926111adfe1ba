package handoff

import "sync"

// Budget is room that one or several queues share. Its methods may be called from any goroutine; its lock is held for a few
// instructions only.
type Budget struct {
	bounds Bounds

	mu   sync.Mutex
	used Bounds
	peak Bounds
}

// NewBudget makes a budget of that size.
func NewBudget(b Bounds) *Budget { return &Budget{bounds: b} }

// Used gives what is in use now.
func (b *Budget) Used() Bounds {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Peak gives the most that was ever in use, each measure by itself.
func (b *Budget) Peak() Bounds {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peak
}

// take reserves an entry of that many bytes, or says what is missing.
func (b *Budget) take(bytes int64) Refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.bounds.Refuse(b.used, bytes); !r.OK() {
		return r
	}
	b.used.Entries++
	b.used.Bytes += bytes
	b.peak.Entries = max(b.peak.Entries, b.used.Entries)
	b.peak.Bytes = max(b.peak.Bytes, b.used.Bytes)
	return Accepted
}

// give returns what take reserved.
func (b *Budget) give(bytes int64) {
	b.mu.Lock()
	b.used.Entries--
	b.used.Bytes -= bytes
	b.mu.Unlock()
}

// Refuse says why one more entry of that many bytes would not fit beside what is used: TooLarge, EntriesFull or BytesFull.
func (b Bounds) Refuse(used Bounds, bytes int64) Refusal {
	switch {
	case b.Bytes > 0 && bytes > b.Bytes:
		return TooLarge
	case b.Entries > 0 && used.Entries >= b.Entries:
		return EntriesFull
	case b.Bytes > 0 && used.Bytes > b.Bytes-bytes:
		return BytesFull
	}
	return Accepted
}
