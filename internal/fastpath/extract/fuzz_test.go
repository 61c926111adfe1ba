package extract

import (
	"testing"

	"eddy/internal/fastpath/flow"
)

// FuzzConn plays any bytes, in any pieces, with gaps. The input is a list of moves: a byte that says in which direction and
// what, one for a length, and so many bytes. The recorder holds what comes out against the contract of Handler.
func FuzzConn(f *testing.F) {
	seed := func(steps ...step) {
		var in []byte
		for _, st := range steps {
			if st.gap > 0 {
				in = append(in, byte(st.dir)|2, byte(st.gap))
			}
			for text := st.text; text != ""; {
				n := min(len(text), 255)
				in = append(append(in, byte(st.dir), byte(n)), text[:n]...)
				text = text[n:]
			}
		}
		f.Add(in)
	}
	seed(c(get), s(answer("hello")))
	seed(c(get+get), s("HTTP/1.1 100 Continue\r\n\r\n"), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n0\r\nX: y\r\n\r\n"), s(answer("b")))
	seed(c("POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"), s("HTTP/1.1 417 No\r\n\r\n"), c(get))
	seed(c(get), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), sGap(4), s("de"), s(answer("f")))
	seed(c("GET /long"), cGap(9), c(" HTTP/1.1\r\n\r\n"), s("junk HTTP/1.1 200 OK\r\n\r\n"))
	seed(c("GET /\r\n"), s("<p>"))
	seed(c("CONNECT a:1 HTTP/1.1\r\n\r\n"), s("HTTP/1.1 200 OK\r\n\r\n"), c("\x16\x03"))
	for _, name := range []string{"gzip", "zlib", "deflate", "br"} {
		seed(c(get), s(answer(coded(name, "hello, hello, hello"), "Content-Encoding: "+map[string]string{"gzip": "gzip", "zlib": "deflate", "deflate": "deflate", "br": "br"}[name])))
	}
	seed(c(get), s(answer(coded("br", coded("gzip", "twice")), "Content-Encoding: gzip, br")))
	f.Fuzz(func(t *testing.T, in []byte) {
		pool := NewPool(Options{MaxHead: 300, MaxBody: 4000, MaxWaiting: 3, MaxDecode: 1 << 20})
		r := newRecorder(t)
		r.limit = 4000
		conn := pool.Conn(r)
		for len(in) >= 2 {
			dir, n := flow.Dir(in[0]&1), int(in[1])
			gap, end := in[0]&2 != 0, in[0]&4 != 0
			in = in[2:]
			switch {
			case end:
				conn.End(dir, flow.End(n%5))
			case gap:
				conn.Gap(dir, int64(n)*int64(n))
			default:
				n = min(n, len(in))
				conn.Data(dir, 1, in[:n])
				in = in[n:]
			}
			if held := len(conn.waiting); held > 3 {
				t.Fatalf("%d exchanges wait", held)
			}
			for i := range conn.half {
				if n := len(conn.half[i].buf); n > 300 {
					t.Fatalf("%d bytes of a head are held", n)
				}
			}
			if held := conn.Held(); held < 0 || held > 64<<10 {
				t.Fatalf("%d bytes are held", held)
			}
		}
		conn.Close()
		if conn.held != 0 || conn.heads != 0 {
			t.Fatalf("%d bytes of exchanges are held at the end, %d of requests", conn.held, conn.heads)
		}
		pool.Put(conn)
		for _, open := range r.open {
			if open != nil {
				t.Fatal("a message has no end")
			}
		}
		if len(r.seen) != len(r.done) {
			t.Fatalf("%d exchanges, of which %d are done", len(r.seen), len(r.done))
		}
		if pool.decoding != 0 {
			t.Fatal("a decoder is still at work")
		}
	})
}

// FuzzPieces: the pieces that the bytes of an answer come in make no difference.
func FuzzPieces(f *testing.F) {
	f.Add([]byte(answer("hello")), byte(1))
	f.Add([]byte("\r\nHTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3  \nabc2\r\nde\n0\n\n"+answer("x")), byte(3))
	f.Add([]byte("HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n"+coded("gzip", "hello")), byte(7))
	f.Fuzz(func(t *testing.T, in []byte, size byte) {
		pool := NewPool(Options{MaxHead: 300})
		whole, pieces := newRecorder(t), newRecorder(t)
		// The client keeps asking, so that no answer lacks a request, and nothing is a surplus.
		steps := []step{c(get + get + get + get + get + get + get + get), s(string(in))}
		play(pool, whole, steps, 1<<20)
		play(pool, pieces, steps, int(size)+1)
		if whole.heads != pieces.heads {
			t.Errorf("%v messages at once, %v in pieces of %d bytes", whole.heads, pieces.heads, int(size)+1)
		}
		for i, line := range whole.lines {
			if i < len(pieces.lines) && pieces.lines[i] != line {
				t.Errorf("at once: %s\nin pieces of %d bytes: %s", line, int(size)+1, pieces.lines[i])
			}
		}
	})
}
