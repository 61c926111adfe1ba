package http1

import "testing"

// wrkRequest is what wrk sends with two headers of its own, as a typical small request.
const wrkRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:10040\r\nUser-Agent: wrk/4.1.0\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n"

const browserRequest = "GET /assets/app.js?v=12345 HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\nReferer: https://www.example.com/some/page\r\n" +
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes\r\nCache-Control: max-age=0\r\n\r\n"

const smallResponse = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n\r\n"

// TestNoAllocation: after warm-up, parsing, looking, editing and sending need no memory.
func TestNoAllocation(t *testing.T) {
	req, res := []byte(browserRequest), []byte(smallResponse)
	chunked := []byte("3\r\nabc\r\n5;x=y\r\n01234\r\n0\r\nX: y\r\n\r\n")
	bad := []byte("GET / HTTP/1.1\r\nX : y\r\n\r\n")
	name, value, path, method := []byte("X-Real-IP"), []byte("192.0.2.1"), []byte("/new"), []byte("GET")
	var m Message
	var c Chunks
	var out []byte
	tests := map[string]func(){
		"request": func() {
			m.Reset()
			if n, err := m.ParseRequest(req, testLimits); n != len(req) || err != nil {
				t.Fatal(n, err)
			}
			m.Add(name, value)
			m.SetString("X-Forwarded-For", "192.0.2.1")
			m.Del("cookie")
			m.SetPath(path)
			m.SetKeepAlive(true)
			_, _ = m.Query()
			_ = m.KeepAlive()
			out = m.AppendHead(out[:0])
		},
		"response": func() {
			m.Reset()
			if n, err := m.ParseResponse(res, testLimits, method); n != len(res) || err != nil {
				t.Fatal(n, err)
			}
			m.SetStatus(404, nil)
			m.SetBody(BodyChunked, 0)
			out = m.AppendHead(out[:0])
		},
		"local answer": func() {
			m.BuildResponse(302, "")
			m.SetBody(BodyLength, 0)
			m.AddString("location", "/ok")
			out = m.AppendHead(out[:0])
		},
		"error": func() {
			m.Reset()
			if _, err := m.ParseRequest(bad, testLimits); err == nil {
				t.Fatal("accepted")
			}
			out = append(m.AppendHead(out[:0]), m.BuildError(400)...)
		},
		"chunks": func() {
			c.Reset()
			for rest := chunked; ; {
				off, n, used, done, err := c.Next(rest)
				if err != nil {
					t.Fatal(err)
				}
				out = AppendChunk(out[:0], rest[off:off+n])
				if rest = rest[used:]; done {
					break
				}
			}
			out = AppendLastChunk(out, c.Trailers())
		},
	}
	for name, run := range tests {
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func benchParse(b *testing.B, head string, parse func(m *Message, buf []byte) (int, error)) {
	buf := []byte(head)
	var m Message
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		m.Reset()
		if n, _ := parse(&m, buf); n != len(buf) {
			b.Fatal(n)
		}
	}
}

func parseBenchRequest(m *Message, buf []byte) (int, error) { return m.ParseRequest(buf, testLimits) }

func BenchmarkParseRequest(b *testing.B)        { benchParse(b, wrkRequest, parseBenchRequest) }
func BenchmarkParseBrowserRequest(b *testing.B) { benchParse(b, browserRequest, parseBenchRequest) }

func BenchmarkParseResponse(b *testing.B) {
	method := []byte("GET")
	benchParse(b, smallResponse, func(m *Message, buf []byte) (int, error) { return m.ParseResponse(buf, testLimits, method) })
}

func benchAppend(b *testing.B, head string) {
	var m Message
	if _, err := m.ParseRequest([]byte(head), testLimits); err != nil {
		b.Fatal(err)
	}
	m.SetKeepAlive(true)
	var out []byte
	for b.Loop() {
		out = m.AppendHead(out[:0])
	}
}

func BenchmarkAppendHead(b *testing.B)        { benchAppend(b, wrkRequest) }
func BenchmarkAppendBrowserHead(b *testing.B) { benchAppend(b, browserRequest) }

func BenchmarkLocalAnswer(b *testing.B) {
	var m Message
	var out []byte
	for b.Loop() {
		m.BuildResponse(302, "")
		m.SetBody(BodyLength, 0)
		m.AddString("location", "/ok")
		m.AddString("cache-control", "no-cache")
		out = m.AppendHead(out[:0])
	}
}

func BenchmarkFind(b *testing.B) {
	var m Message
	if _, err := m.ParseRequest([]byte(browserRequest), testLimits); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if m.Find("cache-control", 0) < 0 {
			b.Fatal("not found")
		}
	}
}
