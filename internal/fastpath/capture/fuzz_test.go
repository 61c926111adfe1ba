package capture_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// FuzzFile reads any bytes as a capture.
func FuzzFile(f *testing.F) {
	for _, o := range []order{binary.LittleEndian, binary.BigEndian} {
		f.Add(cat(pcapHead(o, 0xa1b2c3d4), pcapRecord(o, 1, 2, 5, []byte("first"), nil)))
		f.Add(cat(pcapHead(o, 0xa1b2cd34), pcapRecord(o, 1, 2, 5, []byte("first"), make([]byte, 8))))
		f.Add(cat(section(o), iface(o, 1, 0, option(o, 9, []byte{9})), enhanced(o, 0, 1, 5, []byte("first")),
			obsolete(o, 0, 1, 5, []byte("first")), simple(o, 5, []byte("first"))))
	}
	f.Add(packed(f, pcapHead(binary.LittleEndian, 0xa1b2c3d4)))
	f.Fuzz(func(t *testing.T, data []byte) {
		src, err := capture.Read(bytes.NewReader(data), "bytes", capture.FileOptions{})
		if err != nil {
			return
		}
		var fr packet.Frame
		for n := uint64(1); src.Next(&fr) == nil; n++ {
			if fr.Number != n || int(fr.Wire) < len(fr.Data) || len(fr.Data) > capture.MaxFrame {
				t.Fatalf("frame %d: number %d, %d bytes, %d on the wire", n, fr.Number, len(fr.Data), fr.Wire)
			}
			if n > 1<<20 {
				return // a small file of gzip may have very many
			}
		}
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
