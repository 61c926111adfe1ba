package http1

import (
	"strings"
	"testing"
)

// decode feeds body in pieces of the given size and returns the data, the bytes left over, and the error.
func decode(c *Chunks, body string, piece int) (data string, rest string, done bool, err error) {
	var out []byte
	var held []byte
	at := 0
	for {
		more := min(piece, len(body)-at)
		held = append(held, body[at:at+more]...)
		at += more
		for len(held) > 0 {
			off, n, used, fin, err := c.Next(held)
			if err != nil {
				return string(out), "", false, err
			}
			out = append(out, held[off:off+n]...)
			held = held[used:]
			if fin {
				return string(out), string(held) + body[at:], true, nil
			}
		}
		if at == len(body) {
			return string(out), "", false, nil
		}
	}
}

func TestChunks(t *testing.T) {
	tests := []struct {
		name, body string
		ok         bool
		data       string
		trailers   string
	}{
		{"one", "3\r\nabc\r\n0\r\n\r\n", true, "abc", ""},
		{"several", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", true, "abc0123456789", ""},
		{"empty", "0\r\n\r\n", true, "", ""},
		{"leading zeros", "0000000000000000000003\r\nabc\r\n000\r\n\r\n", true, "abc", ""},
		{"extension", "3;a=b\r\nabc\r\n0;z\r\n\r\n", true, "abc", ""},
		{"blank before the extension", "3 \t;x\r\nabc\r\n0 \r\n\r\n", true, "abc", ""},
		{"extension ended by LF", "3;a=b\nabc\r\n0\r\n\r\n", false, "", ""},
		{"CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"NUL in an extension, stricter", "3;a\x00b\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"endless extension", "3;" + strings.Repeat("a", MaxChunkLine) + "\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"endless zeros", strings.Repeat("0", MaxChunkLine+1), false, "", ""},
		{"size ended by LF, stricter", "3\nabc\r\n0\r\n\r\n", false, "", ""},
		{"data ended by LF, stricter", "3\r\nabc\n0\r\n\r\n", false, "", ""},
		{"end ended by LF, stricter", "3\r\nabc\r\n0\r\n\n", false, "", ""},
		{"wrong bytes after a chunk", "3\r\nabcXX0\r\n\r\n", false, "", ""},
		{"CR and no LF after a chunk", "3\r\nabc\rX0\r\n\r\n", false, "", ""},
		{"0x", "0x3\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"plus", "+3\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"minus", "-3\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"blank in front", " 3\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"no size", "\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"extension only", ";a\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"two numbers", "3 3\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"overflow", "8000000000000000\r\nabc", false, "", ""},
		{"far overflow", "10000000000000003\r\nabc\r\n0\r\n\r\n", false, "", ""},
		{"trailers", "0\r\nX-Tr: a \r\ny:b\r\nZ:\r\n\r\n", true, "", "x-tr: a\r\ny: b\r\nz: \r\n"},
		{"trailer with many blanks", "0\r\nX:   \t a b\t\r\n\r\n", true, "", "x: a b\r\n"},
		{"trailer ended by LF, stricter", "0\r\nX: a\n\r\n", false, "", ""},
		{"trailer with a space before the colon", "0\r\nX : a\r\n\r\n", false, "", ""},
		{"trailer without colon", "0\r\nX\r\n\r\n", false, "", ""},
		{"trailer without name", "0\r\n: a\r\n\r\n", false, "", ""},
		{"folded trailer, stricter", "0\r\nX: a\r\n b\r\n\r\n", false, "", ""},
		{"NUL in a trailer", "0\r\nX: a\x00\r\n\r\n", false, "", ""},
		{"length as trailer", "0\r\nContent-Length: 4\r\n\r\n", false, "", ""},
		{"coding as trailer", "0\r\ntransfer-encoding: chunked\r\n\r\n", false, "", ""},
		{"Host as trailer", "0\r\nHOST: b\r\n\r\n", false, "", ""},
		{"endless trailers", "0\r\n" + strings.Repeat("X: y\r\n", MaxTrailers/6+1), false, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c Chunks
			for _, piece := range []int{1, 2, 7, 1 << 20} {
				c.Reset()
				data, rest, done, err := decode(&c, tt.body+"GET /", piece)
				if (err == nil) != tt.ok {
					t.Fatalf("in pieces of %d: error %v, want ok %v", piece, err, tt.ok)
				}
				if err != nil {
					continue
				}
				if !done || data != tt.data || rest != "GET /" || string(c.Trailers()) != tt.trailers {
					t.Errorf("in pieces of %d: done %v, data %q, rest %q, trailers %q", piece, done, data, rest, c.Trailers())
				}
			}
		})
	}
}

func TestAppendChunk(t *testing.T) {
	b := AppendChunk(nil, []byte("hello, wide world"))
	b = AppendChunk(b, nil)
	b = AppendLastChunk(b, []byte("x: y\r\n"))
	if got, want := string(b), "11\r\nhello, wide world\r\n0\r\nx: y\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
