package sample

import (
	"encoding/binary"
	"math"
	"math/bits"

	"eddy/internal/fastpath/txn"
)

// numberConverters are arithmetic and bits. Sums and products stop at the ends of the 64-bit range.
func numberConverters() map[string]converter {
	two := func(f func(a, b int64) int64) converter {
		return does(func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			b, ok := c.intVar(tx, 0)
			if !ok {
				return txn.Value{}, false
			}
			return num(f(v.Int, b)), true
		})
	}
	test := func(f func(a int64) bool) converter {
		return does(func(_ *txn.Txn, v txn.Value, _ *call) (txn.Value, bool) { return boolean(f(v.Int)), true })
	}
	return map[string]converter{
		"add":  two(addSat),
		"sub":  two(subSat),
		"mul":  two(mulSat),
		"div":  two(div),
		"mod":  two(mod),
		"and":  two(func(a, b int64) int64 { return a & b }),
		"or":   two(func(a, b int64) int64 { return a | b }),
		"xor":  two(func(a, b int64) int64 { return a ^ b }),
		"cpl":  does(func(_ *txn.Txn, v txn.Value, _ *call) (txn.Value, bool) { return num(^v.Int), true }),
		"neg":  does(func(_ *txn.Txn, v txn.Value, _ *call) (txn.Value, bool) { return num(-v.Int), true }),
		"bool": test(func(a int64) bool { return a != 0 }),
		"not":  test(func(a int64) bool { return a == 0 }),
		"odd":  test(func(a int64) bool { return a&1 == 1 }),
		"even": test(func(a int64) bool { return a&1 == 0 }),
		"htonl": does(func(tx *txn.Txn, v txn.Value, _ *call) (txn.Value, bool) {
			b := tx.Scratch.Take(4)
			binary.BigEndian.PutUint32(b, uint32(v.Int))
			return bin(b), true
		}),
		"iif": does(func(_ *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			if v.Int != 0 {
				return str(c.bytes(0)), true
			}
			return str(c.bytes(1)), true
		}),
	}
}

func addSat(a, b int64) int64 {
	s := a + b
	switch {
	case a > 0 && b > 0 && s < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && s >= 0:
		return math.MinInt64
	}
	return s
}

func subSat(a, b int64) int64 {
	s := a - b
	switch {
	case a >= 0 && b < 0 && s < 0:
		return math.MaxInt64
	case a < 0 && b > 0 && s >= 0:
		return math.MinInt64
	}
	return s
}

func mulSat(a, b int64) int64 {
	negative := (a < 0) != (b < 0)
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	switch {
	case hi == 0 && negative && lo <= 1<<63:
		return -int64(lo)
	case hi == 0 && !negative && lo < 1<<63:
		return int64(lo)
	case negative:
		return math.MinInt64
	}
	return math.MaxInt64
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

func div(a, b int64) int64 {
	switch {
	case b == 0:
		return math.MaxInt64
	case a == math.MinInt64 && b == -1:
		return math.MaxInt64
	}
	return a / b
}

func mod(a, b int64) int64 {
	if b == 0 || a == math.MinInt64 && b == -1 {
		return 0
	}
	return a % b
}
