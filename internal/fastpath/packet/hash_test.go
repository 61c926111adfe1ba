package packet_test

import (
	"testing"

	"eddy/internal/fastpath/packet"
)

// reversed gives the tuple of the opposite direction.
func reversed(t packet.Tuple) packet.Tuple {
	t.Src, t.Dst = t.Dst, t.Src
	t.SrcPort, t.DstPort = t.DstPort, t.SrcPort
	return t
}

func TestHash(t *testing.T) {
	var some []packet.Tuple
	for i := range 1 << 14 {
		v4 := packet.Tuple{Version: 4, Proto: 6, SrcPort: uint16(1024 + i), DstPort: 80}
		v4.Src, v4.Dst = [16]byte{10, 0, 0, 1}, [16]byte{10, 0, byte(i), byte(i >> 8)}
		v6 := v4
		v6.Version = 6
		v6.Dst[15] = byte(i)
		some = append(some, v4, v6)
	}
	const buckets = 16
	var filled [buckets]int
	seen := map[uint64]packet.Tuple{}
	for _, tuple := range some {
		h := tuple.Hash()
		back := reversed(tuple)
		if back.Hash() != h {
			t.Fatalf("%+v differs from its opposite direction", tuple)
		}
		if other, there := seen[h]; there && other != tuple {
			t.Fatalf("%+v and %+v have the same hash", tuple, other)
		}
		seen[h] = tuple
		filled[h%buckets]++
	}
	for i, n := range filled {
		if mean := len(some) / buckets; n < mean*3/4 || n > mean*5/4 {
			t.Errorf("bucket %d has %d of %d", i, n, len(some))
		}
	}
}

// TestHashFields wants each field to matter.
func TestHashFields(t *testing.T) {
	for _, version := range []uint8{4, 6} {
		base := packet.Tuple{Version: version, Proto: 6, SrcPort: 1, DstPort: 2, VLAN: 3}
		for name, change := range map[string]func(*packet.Tuple){
			"Src":     func(t *packet.Tuple) { t.Src[3]++ },
			"Dst":     func(t *packet.Tuple) { t.Dst[0]++ },
			"SrcPort": func(t *packet.Tuple) { t.SrcPort++ },
			"DstPort": func(t *packet.Tuple) { t.DstPort += 9 },
			"Proto":   func(t *packet.Tuple) { t.Proto++ },
			"VLAN":    func(t *packet.Tuple) { t.VLAN++ },
		} {
			other := base
			change(&other)
			if other.Hash() == base.Hash() {
				t.Errorf("IPv%d: %s does not matter", version, name)
			}
		}
	}
}
