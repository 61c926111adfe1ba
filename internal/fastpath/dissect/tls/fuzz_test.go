package tls

import (
	"crypto/tls"
	"testing"

	"eddy/internal/fastpath/flow"
)

// FuzzTLS: nothing crashes, what is held stays bounded, and what is found does not depend on how the bytes were cut.
func FuzzTLS(f *testing.F) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client, server := configs(f, version)
		var sides [2][]byte
		for _, p := range handshake(f, client, server) {
			sides[p.dir] = append(sides[p.dir], p.data...)
		}
		f.Add(sides[0], sides[1], 100)
	}
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), []byte("\x15\x03\x01\x00\x02\x02\x28"), 1)
	f.Fuzz(func(t *testing.T, up, down []byte, size int) {
		whole := witnessed([]piece{{flow.ToServer, up}, {flow.ToClient, down}}, 1<<20)
		cut := witnessed([]piece{{flow.ToServer, up}, {flow.ToClient, down}}, max(size, 1))
		if len(whole.found) != len(cut.found) || whole.records != cut.records {
			t.Fatalf("in one piece %d and %v, in pieces %d and %v", len(whole.found), whole.records, len(cut.found), cut.records)
		}
		for i, found := range whole.found {
			other := cut.found[i]
			if found.JA4 != other.JA4 || found.JA3 != other.JA3 || found.JA3S != other.JA3S || len(found.Chain) != len(other.Chain) {
				t.Fatalf("%+v and %+v", found, other)
			}
			_ = Text(found)
			Attributes(found, func(name, value string) {
				if name == "" || value == "" {
					t.Fatalf("%q=%q", name, value)
				}
			})
		}
	})
}

func witnessed(log []piece, size int) *witness {
	c, w := watch(log, size)
	for i := range c.sides {
		if held := len(c.sides[i].record) + len(c.sides[i].message); held > maxRecord+maxMessage+1<<14 {
			panic("too much is held")
		}
	}
	c.End()
	return w
}
