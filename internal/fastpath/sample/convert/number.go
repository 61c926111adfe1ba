package convert

import (
	"encoding/binary"
	"math"
	"math/bits"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// numberConverters are arithmetic and bits. Sums and products stop at the ends of the 64-bit range.
func numberConverters() map[string]call.Converter {
	two := func(f func(a, b int64) int64) call.Converter {
		return does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			b, ok := c.IntVar(tx, 0)
			if !ok {
				return txn.Value{}, false
			}
			return cast.Num(f(v.Int, b)), true
		})
	}
	test := func(f func(a int64) bool) call.Converter {
		return does(func(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) { return cast.Bool(f(v.Int)), true })
	}
	return map[string]call.Converter{
		"add":  two(addSat),
		"sub":  two(subSat),
		"mul":  two(mulSat),
		"div":  two(div),
		"mod":  two(mod),
		"and":  two(func(a, b int64) int64 { return a & b }),
		"or":   two(func(a, b int64) int64 { return a | b }),
		"xor":  two(func(a, b int64) int64 { return a ^ b }),
		"cpl":  does(func(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) { return cast.Num(^v.Int), true }),
		"neg":  does(func(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) { return cast.Num(-v.Int), true }),
		"bool": test(func(a int64) bool { return a != 0 }),
		"not":  test(func(a int64) bool { return a == 0 }),
		"odd":  test(func(a int64) bool { return a&1 == 1 }),
		"even": test(func(a int64) bool { return a&1 == 0 }),
		"htonl": does(func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			b := tx.Scratch.Take(4)
			binary.BigEndian.PutUint32(b, uint32(v.Int))
			return cast.Bin(b), true
		}),
		"iif": does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			if v.Int != 0 {
				return cast.Str(c.Bytes(0)), true
			}
			return cast.Str(c.Bytes(1)), true
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
