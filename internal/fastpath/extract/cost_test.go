package extract

import (
	"fmt"
	"strings"
	"testing"

	"eddy/internal/fastpath/flow"
)

// counter is a Handler that only counts.
type counter struct {
	bytes    int64
	messages int
	done     int
	want     bool
}

func (c *counter) Head(*Exchange, flow.Dir) bool                      { c.messages++; return c.want }
func (c *counter) Body(_ *Exchange, _ flow.Dir, _ int64, data []byte) { c.bytes += int64(len(data)) }
func (c *counter) Gap(*Exchange, flow.Dir, int64, int64)              {}
func (c *counter) End(*Exchange, flow.Dir, int64, BodyState)          {}
func (c *counter) Done(*Exchange)                                     { c.done++ }

// TestBodiesAllocateNothing: the bytes of a body pass without memory being taken, however they are framed.
func TestBodiesAllocateNothing(t *testing.T) {
	piece := []byte(strings.Repeat("x", 1448))
	chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", len(piece), piece)
	tests := []struct {
		name, head string
		data       []byte
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", piece},
		{"until the end", "HTTP/1.1 200 OK\r\n\r\n", piece},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk},
		{"one big chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n", piece},
		{"lost", "junk", piece},
	}
	for _, test := range tests {
		h := &counter{want: true}
		pool := NewPool(Options{})
		conn := pool.Conn(h)
		conn.Data(flow.ToServer, 1, []byte(get))
		conn.Data(flow.ToClient, 1, []byte(test.head))
		if n := testing.AllocsPerRun(100, func() { conn.Data(flow.ToClient, 1, test.data) }); n != 0 {
			t.Errorf("%s: %v allocations for each piece", test.name, n)
		}
		if h.bytes == 0 && test.head != "junk" {
			t.Errorf("%s: nothing came", test.name)
		}
		pool.Put(conn)
	}
}

// TestExchangeAllocations: an exchange takes memory for itself and what its heads say, and no more.
func TestExchangeAllocations(t *testing.T) {
	h := &counter{want: true}
	pool := NewPool(Options{})
	req, res := []byte(get), []byte(answer("hello", "Content-Type: text/plain"))
	n := testing.AllocsPerRun(100, func() {
		conn := pool.Conn(h)
		conn.Data(flow.ToServer, 1, req)
		conn.Data(flow.ToClient, 1, res)
		pool.Put(conn)
	})
	// The exchange; of each head itself, its text and its list of headers.
	if n > 7 {
		t.Errorf("%v allocations for an exchange", n)
	}
}

func TestBounds(t *testing.T) {
	t.Run("decoded bytes", func(t *testing.T) {
		zeros := strings.Repeat("\x00", 20<<20)
		for _, o := range []Options{{MaxBody: 1000}, {}} {
			r := newRecorder(t)
			r.quiet = true
			play(NewPool(o), r, []step{c(get), s(answer(coded("gzip", zeros), "Content-Encoding: gzip"))}, 1448)
			f := r.files[1]
			if f.state != TooLong || f.size >= 20<<20 || o.MaxBody > 0 && f.size != o.MaxBody {
				t.Errorf("%+v gives %+v", o, f)
			}
		}
	})
	t.Run("plain bytes", func(t *testing.T) {
		r := newRecorder(t)
		play(NewPool(Options{MaxBody: 3}), r, []step{c(get), s(answer("hello")), c(get), s(answer("abc"))}, 2)
		if got := strings.Join(r.lines, "; "); !strings.Contains(got, `"hel" too long`) || !strings.HasSuffix(got, `1 < 200 HTTP/1.1 "abc"; 1 done`) {
			t.Error(got)
		}
	})
	t.Run("heads", func(t *testing.T) {
		r := newRecorder(t)
		long := "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 1000) + "\r\n\r\n"
		play(NewPool(Options{MaxHead: 100}), r, []step{c(long + get), s(answer("a") + answer("b"))}, 64)
		want := `0 > GET / HTTP/1.1 truncated; 1 > GET /x HTTP/1.1; 0 < 200 HTTP/1.1 "a"; 0 done; 1 < 200 HTTP/1.1 "b"; 1 done`
		if got := strings.Join(r.lines, "; "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	t.Run("headers", func(t *testing.T) {
		text := "GET / HTTP/1.1\r\n" + strings.Repeat("a:\n", 20_000) + "Content-Length: 7\n\n"
		head, f := parseHead(text, 1, false)
		if len(head.Headers) != maxHeaders || f.length != 7 || head.cost() > 2*int64(len(text)) {
			t.Errorf("%d headers and %d bytes of %d, of a body with %d", len(head.Headers), head.cost(), len(text), f.length)
		}
	})
	t.Run("held", func(t *testing.T) {
		pool := NewPool(Options{})
		conn := pool.Conn(&counter{})
		long := "GET / HTTP/1.1\r\n" + strings.Repeat("a:\n", 20_000)
		most := int64(0)
		for range 20 {
			conn.Data(flow.ToServer, 1, []byte(long))
			most = max(most, conn.Held())
			conn.Data(flow.ToServer, 1, []byte("\n"))
		}
		if waiting := conn.Held(); waiting < 4*int64(len(long)) || most > 8*int64(len(long)) {
			t.Errorf("%d bytes, at most %d", waiting, most)
		}
		conn.Data(flow.ToClient, 1, []byte(strings.Repeat(answer(""), 20)))
		if held := conn.Held(); held != 0 {
			t.Errorf("%d bytes are held when all is answered", held)
		}
	})
	t.Run("requests without an answer", func(t *testing.T) {
		h := &counter{}
		pool := NewPool(Options{MaxWaiting: 10})
		conn := pool.Conn(h)
		for range 100 {
			conn.Data(flow.ToServer, 1, []byte(get))
		}
		if len(conn.waiting) != 10 || h.done != 90 {
			t.Errorf("%d requests wait, %d are done", len(conn.waiting), h.done)
		}
		pool.Put(conn)
		if h.done != 100 {
			t.Errorf("%d requests are done at the end", h.done)
		}
	})
	t.Run("decoders", func(t *testing.T) {
		pool := NewPool(Options{MaxDecode: 200 << 10})
		zip := coded("gzip", "hello")
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", len(zip))
		var conns []*Conn
		var recorders []*recorder
		for range 4 {
			r := newRecorder(t)
			conn := pool.Conn(r)
			conn.Data(flow.ToServer, 1, []byte(get))
			conn.Data(flow.ToClient, 1, []byte(head+zip[:5]))
			conns, recorders = append(conns, conn), append(recorders, r)
		}
		for i, conn := range conns {
			conn.Data(flow.ToClient, 1, []byte(zip[5:]))
			pool.Put(conn)
			want := `"hello"`
			if i >= 2 {
				want = fmt.Sprintf("%q undecoded", zip)
			}
			if got := recorders[i].lines[1]; !strings.HasSuffix(got, want) {
				t.Errorf("connection %d: %s", i, got)
			}
		}
	})
}

// BenchmarkDownload: a request and an answer with its body in packets, on a connection of its own.
func BenchmarkDownload(b *testing.B) {
	for _, size := range []int{0, 10_000, 225_000} {
		b.Run(fmt.Sprintf("%d_bytes", size), func(b *testing.B) {
			req := []byte("GET /files/1234.bin HTTP/1.1\r\nHost: downloads.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n")
			res := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: application/octet-stream\r\n"+
				"Content-Length: %d\r\nConnection: keep-alive\r\n\r\n", size)
			piece := make([]byte, 1448)
			pool, h := NewPool(Options{}), &counter{want: true}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				conn := pool.Conn(h)
				conn.Data(flow.ToServer, 1, req)
				conn.Data(flow.ToClient, 1, res)
				for n := size; n > 0; n -= len(piece) {
					conn.Data(flow.ToClient, 1, piece[:min(n, len(piece))])
				}
				pool.Put(conn)
			}
		})
	}
}

// BenchmarkDecode: a body that is coded.
func BenchmarkDecode(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog, number after number. ", 3000)
	for _, name := range []string{"gzip", "br"} {
		b.Run(name, func(b *testing.B) {
			res := []byte(answer(coded(name, text), "Content-Encoding: "+name))
			pool, h := NewPool(Options{}), &counter{want: true}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				conn := pool.Conn(h)
				conn.Data(flow.ToServer, 1, []byte(get))
				for rest := res; len(rest) > 0; rest = rest[min(len(rest), 1448):] {
					conn.Data(flow.ToClient, 1, rest[:min(len(rest), 1448)])
				}
				pool.Put(conn)
			}
		})
	}
}
