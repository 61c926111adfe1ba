package ledger

import "github.com/zeebo/xxh3"

// newKeys tells keys that were not seen recently: a Bloom filter that starts anew when it is full (cg_monitor,
// "onnewkey"). At its fullest about one new key in 400 is taken for a known one.
type newKeys struct {
	bits []uint64
	seen int
}

const (
	bloomBits = 1 << 20 // 128 KiB a group
	bloomKeys = 65_000
	bloomTake = 4 // bits of one key
)

// add says whether a key is new, and knows it from then on.
func (n *newKeys) add(key string) bool {
	if n.bits == nil {
		n.bits = make([]uint64, bloomBits/64)
	}
	if n.seen >= bloomKeys {
		clear(n.bits)
		n.seen = 0
	}
	h := xxh3.HashString128(key)
	isNew := false
	for i := range uint64(bloomTake) {
		bit := (h.Lo + i*(h.Hi|1)) % bloomBits
		mask := uint64(1) << (bit % 64)
		isNew = isNew || n.bits[bit/64]&mask == 0
		n.bits[bit/64] |= mask
	}
	if isNew {
		n.seen++
	}
	return isNew
}
