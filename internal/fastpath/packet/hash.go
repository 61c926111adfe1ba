package packet

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// hashSeed makes hashes differ from process to process, so that nobody can send packets that all fall together. It is
// never written again.
var hashSeed = [4]uint64{rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64() | 1}

// Hash gives the same number for both directions of a flow. It differs from process to process: nothing that is shown
// or stored may depend on it.
func (t *Tuple) Hash() uint64 {
	var a, b uint64
	if t.Version == 6 {
		a = endpoint(&t.Src, t.SrcPort)
		b = endpoint(&t.Dst, t.DstPort)
	} else {
		a = uint64(binary.BigEndian.Uint32(t.Src[:4]))<<16 | uint64(t.SrcPort)
		b = uint64(binary.BigEndian.Uint32(t.Dst[:4]))<<16 | uint64(t.DstPort)
	}
	h := fold(min(a, b)^hashSeed[0], max(a, b)^hashSeed[1])
	return fold(h^hashSeed[2], uint64(t.VLAN)<<16^uint64(t.Proto)<<8^uint64(t.Version)^hashSeed[3])
}

// endpoint hashes an IPv6 address and a port.
func endpoint(addr *[16]byte, port uint16) uint64 {
	hi := binary.LittleEndian.Uint64(addr[:8])
	lo := binary.LittleEndian.Uint64(addr[8:])
	return fold(fold(hi^hashSeed[2], lo^hashSeed[3])^uint64(port), hashSeed[0])
}

// fold multiplies and keeps both halves of the product, as wyhash does.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
