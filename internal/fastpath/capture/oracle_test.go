package capture_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// pcapgoSource is either of gopacket's readers.
type pcapgoSource interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

// TestAsGopacket compares every frame of the real captures with what gopacket reads.
func TestAsGopacket(t *testing.T) {
	for _, c := range counts(t) {
		t.Run(filepath.Base(c.path), func(t *testing.T) {
			file, err := os.Open(c.path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			theirs := pcapgoOpen(t, file)
			each(t, open(t, c.path, capture.FileOptions{}), func(p *packet.Packet) {
				data, info, err := theirs.ReadPacketData()
				if err != nil {
					t.Fatalf("frame %d: gopacket: %v", p.Number, err)
				}
				if !bytes.Equal(data, p.Data) || info.Length != int(p.Wire) || info.Timestamp.UnixNano() != p.Time {
					t.Fatalf("frame %d: %d bytes of %d at %d, gopacket %d of %d at %d", p.Number, len(p.Data), p.Wire, p.Time,
						len(data), info.Length, info.Timestamp.UnixNano())
				}
			})
			if _, _, err := theirs.ReadPacketData(); err == nil {
				t.Error("gopacket reads more")
			}
		})
	}
}

func pcapgoOpen(t *testing.T, file io.Reader) pcapgoSource {
	all, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := pcapgo.NewReader(bytes.NewReader(all)); err == nil {
		return r
	}
	r, err := pcapgo.NewNgReader(bytes.NewReader(all), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
