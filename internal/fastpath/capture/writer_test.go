package capture_test

import (
	"bytes"
	"errors"
	"testing"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// TestWriter reads what was written.
func TestWriter(t *testing.T) {
	var out bytes.Buffer
	w := capture.NewWriter(&out, packet.LinkRaw, 8)
	fr := packet.Frame{Data: []byte("0123456789"), Link: packet.LinkRaw, Wire: 60, Time: 1_700_000_000_123_456_789}
	for _, length := range []int{-1, 0, 3, 100} {
		if err := w.Write(&fr, length); err != nil {
			t.Fatal(err)
		}
	}
	other := fr
	other.Link = packet.LinkEthernet
	if err := w.Write(&other, -1); err == nil {
		t.Error("a frame of another link type was taken")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = `1 link 101 iface 0 time 1700000000123456789 wire 60 "01234567"
2 link 101 iface 0 time 1700000000123456789 wire 60 ""
3 link 101 iface 0 time 1700000000123456789 wire 60 "012"
4 link 101 iface 0 time 1700000000123456789 wire 60 "01234567"
`
	f, err := capture.Read(&out, "bytes", capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := listing(f); got != want {
		t.Errorf("%swant\n%s", got, want)
	}
}

// failing is a writer that fails.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestWriterFails wants the first error to stay.
func TestWriterFails(t *testing.T) {
	broken := errors.New("disk full")
	w := capture.NewWriter(failing{broken}, packet.LinkRaw, 0)
	fr := packet.Frame{Data: make([]byte, 100_000), Link: packet.LinkRaw}
	if err := w.Write(&fr, -1); !errors.Is(err, broken) {
		t.Errorf("Write: %v", err)
	}
	if err := w.Flush(); !errors.Is(err, broken) {
		t.Errorf("Flush: %v", err)
	}
}
