// Package hash32 has the 32-bit hashes that HAProxy uses for spreading and counting (configuration.txt §4.2 hash-type,
// §7.3.1). None of them resists an attacker.
package hash32

import (
	"encoding/binary"
	"math/bits"
)

// DJB2 is Bernstein's hash.
func DJB2(b []byte) uint32 {
	h := uint32(5381)
	for _, c := range b {
		h = h<<5 + h + uint32(c)
	}
	return h
}

// SDBM is the hash of the sdbm library.
func SDBM(b []byte) uint32 {
	var h uint32
	for _, c := range b {
		h = uint32(c) + h<<6 + h<<16 - h
	}
	return h
}

// WT6 mixes two words by steps that the words themselves choose.
func WT6(b []byte) uint32 {
	h0, h1 := uint32(0xa53c965a), uint32(0x5ca6953a)
	step0, step1 := 6, 18
	for _, c := range b {
		h0 = ^(h0 ^ uint32(c))
		h1 = ^(h1 + uint32(c))
		h0, h1 = bits.RotateLeft32(h1, step0), bits.RotateLeft32(h0, step1)
		t := (h0>>16 ^ h1) & 0xffff
		step0, step1 = int(t&0x1f), int(t>>11)
	}
	return h0 ^ h1
}

// Avalanche spreads every input bit over all output bits: Bob Jenkins' integer hash and a multiplication that brings
// the two lowest bits to the top, as HAProxy's results show it.
func Avalanche(h uint32) uint32 {
	h = h + 0x7ed55d16 + h<<12
	h = h ^ 0xc761c23c ^ h>>19
	h = h + 0x165667b1 + h<<5
	h = (h + 0xd3a2646c) ^ h<<9
	h = h + 0xfd7046c5 + h<<3
	return (h ^ 0xb55a4f09 ^ h>>16) * 0xc0000001
}

// XXH32 is the 32-bit xxHash (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
func XXH32(b []byte, seed uint32) uint32 {
	const p1, p2, p3, p4, p5 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1
	n := uint32(len(b))
	var h uint32
	if len(b) >= 16 {
		v := [4]uint32{seed, seed, seed, seed}
		v[0] += p1
		v[0] += p2
		v[1] += p2
		v[3] -= p1
		for len(b) >= 16 {
			for i := range v {
				v[i] += binary.LittleEndian.Uint32(b[4*i:]) * p2
				v[i] = bits.RotateLeft32(v[i], 13) * p1
			}
			b = b[16:]
		}
		h = bits.RotateLeft32(v[0], 1) + bits.RotateLeft32(v[1], 7) + bits.RotateLeft32(v[2], 12) + bits.RotateLeft32(v[3], 18)
	} else {
		h = seed + p5
	}
	h += n
	for ; len(b) >= 4; b = b[4:] {
		h += binary.LittleEndian.Uint32(b) * p3
		h = bits.RotateLeft32(h, 17) * p4
	}
	for _, c := range b {
		h += uint32(c) * p5
		h = bits.RotateLeft32(h, 11) * p1
	}
	h ^= h >> 15
	h *= p2
	h ^= h >> 13
	h *= p3
	return h ^ h>>16
}
