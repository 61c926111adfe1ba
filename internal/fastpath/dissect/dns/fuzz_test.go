package dns

import (
	"testing"
	"unicode/utf8"
)

// FuzzDNS: nothing crashes, what comes out is bounded printable text, and cutting a stream up changes nothing.
func FuzzDNS(f *testing.F) {
	f.Add(message(0x0100, [4]byte{1, 0, 0, 0}, askA), 3)
	f.Add(message(0x8180, [4]byte{1, 1, 0, 1}, askA+"c00c 0010 0001 00000001 0003 02 6162 00 0029 1000 01000000 0000"), 1)
	f.Add(message(0x8180, [4]byte{1, 1, 0, 0}, askA+"c01d 0041 0001 00000001 000d 0001 00 0001 0003 02 6832 0002 0000"), 7)
	f.Add(message(0x8180, [4]byte{1, 1, 0, 0}, askA+"c00c 002f 0001 00000001 000a c00c 0006 400000000003"), 2)
	f.Fuzz(func(t *testing.T, msg []byte, size int) {
		Looks(msg)
		LooksFramed(msg)
		if d, _ := Parse(msg); d != nil {
			text := Text(d)
			if len(text) > 2*maxText(msg)+64*len(msg) {
				t.Fatalf("%d bytes of text from %d", len(text), len(msg))
			}
			for _, r := range text {
				if r == utf8.RuneError || r < ' ' && r != '\t' && r != '\n' || r == 0x7f {
					t.Fatalf("%q", text)
				}
			}
			Resource(d)
		}
		var whole, cut Stream
		count := 0
		whole.Data(msg, func([]byte) { count++ })
		for size = max(size, 1); len(msg) > 0; {
			n := min(size, len(msg))
			cut.Data(msg[:n], func([]byte) { count-- })
			msg = msg[n:]
		}
		if count != 0 {
			t.Fatalf("%d messages more in one piece", count)
		}
	})
}
