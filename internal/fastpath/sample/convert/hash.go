package convert

import (
	"hash/crc32"

	"github.com/cespare/xxhash/v2"
	"github.com/zeebo/xxh3"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/sample/hash32"
	"eddy/internal/fastpath/txn"
)

// hashConverters are hashes without a key, for spreading and counting.
func hashConverters() map[string]call.Converter {
	spread := func(f func(b []byte) uint32) call.Converter {
		return does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			h := f(v.B)
			if c.Int(0, 0) == 1 {
				h = hash32.Avalanche(h)
			}
			return cast.Num(int64(h)), true
		})
	}
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	return map[string]call.Converter{
		"crc32":  spread(crc32.ChecksumIEEE),
		"crc32c": spread(func(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }),
		"djb2":   spread(hash32.DJB2),
		"sdbm":   spread(hash32.SDBM),
		"wt6":    spread(hash32.WT6),
		"xxh32": does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			return cast.Num(int64(hash32.XXH32(v.B, uint32(c.Int(0, 0))))), true
		}),
		"xxh64": does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			var d xxhash.Digest
			d.ResetWithSeed(uint64(c.Int(0, 0)))
			d.Write(v.B)
			return cast.Num(int64(d.Sum64())), true
		}),
		"xxh3": does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			return cast.Num(int64(xxh3.HashSeed(v.B, uint64(c.Int(0, 0))))), true
		}),
	}
}
