package dns

import (
	"bytes"
	"testing"
)

// A stream's messages come whole, however the stream was cut.
func TestStream(t *testing.T) {
	first := message(0x0100, [4]byte{1, 0, 0, 0}, askA)
	second := message(0x8180, [4]byte{1, 1, 0, 0}, askA+"c00c 0001 0001 00000001 0004 c0000201")
	var stream []byte
	for _, m := range [][]byte{first, second, nil, first} {
		stream = append(append(stream, byte(len(m)>>8), byte(len(m))), m...)
	}
	for size := 1; size <= len(stream); size++ {
		var s Stream
		var got [][]byte
		for rest := stream; len(rest) > 0; {
			n := min(size, len(rest))
			s.Data(rest[:n], func(m []byte) { got = append(got, bytes.Clone(m)) })
			rest = rest[n:]
		}
		if len(got) != 4 || !bytes.Equal(got[0], first) || !bytes.Equal(got[1], second) || len(got[2]) != 0 || !bytes.Equal(got[3], first) {
			t.Fatalf("in pieces of %d: %x", size, got)
		}
	}
}

// A long message's memory does not stay with its flow.
func TestStreamHeld(t *testing.T) {
	var s Stream
	count := 0
	each := func([]byte) { count++ }
	long := append([]byte{0xff, 0xff}, make([]byte, 1<<16-1)...)
	s.Data(long[:1<<15], each)
	if s.Held() < 1<<15 {
		t.Errorf("%d bytes are held of a half", s.Held())
	}
	s.Data(long[1<<15:], each)
	if count != 1 || s.Held() != 0 {
		t.Errorf("%d messages, %d bytes are held", count, s.Held())
	}
}

// Behind a gap nothing is taken for a message until something looks like one.
func TestStreamGap(t *testing.T) {
	m := message(0x0100, [4]byte{1, 0, 0, 0}, askA)
	framed := append([]byte{0, byte(len(m))}, m...)
	var s Stream
	count := 0
	each := func(got []byte) {
		count++
		if !bytes.Equal(got, m) {
			t.Errorf("%x", got)
		}
	}
	s.Data(framed[:5], each)
	s.Gap()
	s.Data(framed[9:], each)
	if count != 0 {
		t.Fatal("the rest of a message was taken for one")
	}
	s.Data(framed, each)
	s.Data(framed, each)
	if count != 2 {
		t.Errorf("%d messages", count)
	}
}

func TestLooks(t *testing.T) {
	query := message(0x0100, [4]byte{1, 0, 0, 0}, askA)
	netbios := message(0x0110, [4]byte{1, 0, 0, 0}, "20"+hex32("EKEDEBEGEFEKEDEBEGEFEKEDEBEGEFAA")+"00 0021 0001")
	for name, tt := range map[string]struct {
		msg  []byte
		want bool
	}{
		"query":            {query, true},
		"multicast answer": {message(0x8400, [4]byte{0, 1, 0, 0}, exampleOrg+"0001 8001 00000001 0004 c0000201"), true},
		"unknown type":     {message(0x0100, [4]byte{1, 0, 0, 0}, exampleOrg+"fff0 0001"), false},
		"unknown class":    {message(0x0100, [4]byte{1, 0, 0, 0}, exampleOrg+"0001 0042"), false},
		"query with code":  {message(0x0103, [4]byte{1, 0, 0, 0}, askA), false},
		"reserved bit":     {message(0x0140, [4]byte{1, 0, 0, 0}, askA), false},
		"no question":      {message(0x0100, [4]byte{0, 0, 0, 0}, ""), false},
		"NetBIOS":          {netbios, false},
		"HTTP":             {[]byte("GET /index.html HTTP/1.1\r\nHost: example.org\r\n\r\n"), false},
		"short":            {query[:11], false},
		"cut in the name":  {query[:20], false},
	} {
		if got := Looks(tt.msg); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
		framed := append([]byte{byte(len(tt.msg) >> 8), byte(len(tt.msg))}, tt.msg...)
		if got := LooksFramed(framed); got != tt.want {
			t.Errorf("%s, framed: %v", name, got)
		}
	}
}

func hex32(text string) string {
	const digits = "0123456789abcdef"
	var out []byte
	for _, b := range []byte(text) {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}
