package http1

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// outcome is all that a parse says, in one comparable text.
func outcome(m *Message, n int, err error) string {
	if err != nil {
		return fmt.Sprintf("%d %v", err.(*ParseError).Status, err)
	}
	if n == 0 {
		return "unfinished"
	}
	return fmt.Sprintf("%d body %d %d keep %v upgrade %v path %q head %q raw %q",
		n, m.Body(), m.Length(), m.KeepAlive(), m.Upgrade(), m.Path(), m.AppendHead(nil), m.Raw())
}

// checkHead holds the laws of parsing: a head fed in two pieces is understood like one fed whole; what is sent
// parses again to the same message with the same framing, and has no byte that ends a line early.
func checkHead(t *testing.T, input []byte, cut uint, parse func(m *Message, buf []byte, lim Limits) (int, error)) {
	lim := Limits{MaxHeaders: 101, MaxHead: 4096}
	var whole, split Message
	n, err := parse(&whole, input, lim)
	want := outcome(&whole, n, err)

	at := int(cut % uint(len(input)+1))
	n2, err2 := parse(&split, bytes.Clone(input[:at]), lim)
	if n2 == 0 && err2 == nil {
		n2, err2 = parse(&split, input, lim)
	} else if err2 == nil {
		split.Rebase(input)
	}
	if got := outcome(&split, n2, err2); got != want {
		t.Fatalf("cut at %d of %q:\ngot  %s\nwant %s", at, input, got, want)
	}
	if err != nil || n == 0 {
		return
	}
	sent := whole.AppendHead(nil)
	for i := range whole.Len() {
		if bytes.ContainsAny(whole.Value(i), "\r\n\x00") {
			t.Fatalf("%q: value %q", input, whole.Value(i))
		}
	}
	var again Message
	lim.MaxHead = len(sent) + 1 // a blank goes in where "a:b" had none
	n, err = parse(&again, sent, lim)
	if err != nil || n != len(sent) {
		t.Fatalf("%q is sent as %q: %d, %v", input, sent, n, err)
	}
	if again.Body() != whole.Body() || again.Length() != whole.Length() || again.Len() != whole.Len() {
		t.Fatalf("%q is sent as %q: body %d %d, was %d %d", input, sent, again.Body(), again.Length(), whole.Body(), whole.Length())
	}
	if twice := again.AppendHead(nil); !bytes.Equal(twice, sent) {
		t.Fatalf("%q is sent as %q, then as %q", input, sent, twice)
	}
}

func FuzzRequest(f *testing.F) {
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n",
		"POST /a?b HTTP/1.0\r\nConnection: keep-alive, x\r\nContent-Length: 4\r\nContent-Length: 04, 4\r\n\r\nabcd",
		"\r\n\nPUT http://u@h:80/a HTTP/1.1\nHost: H\nTransfer-Encoding: chunked\nX: a\n b\n \n\tc\n\n0\r\n\r\n",
		"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 0\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\nHost: A\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
		"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"GET / HTTP/2.0\r\n\r\n",
		"GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 102) + "\r\n",
	} {
		f.Add([]byte(head), uint(7))
		f.Add([]byte(head), uint(len(head)-2))
	}
	f.Fuzz(func(t *testing.T, input []byte, cut uint) {
		checkHead(t, input, cut, (*Message).ParseRequest)
	})
}

func FuzzResponse(f *testing.F) {
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: x\r\n\r\nok",
		"HTTP/1.0 200\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
		"\nHTTP/1.1 204 No Content\nContent-Length: 3\n\n",
		"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 304 \r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		for _, method := range []string{"GET", "HEAD", "CONNECT"} {
			f.Add([]byte(head), uint(9), method)
		}
	}
	f.Fuzz(func(t *testing.T, input []byte, cut uint, method string) {
		checkHead(t, input, cut, func(m *Message, buf []byte, lim Limits) (int, error) {
			return m.ParseResponse(buf, lim, []byte(method))
		})
	})
}

// FuzzChunks: however a body is cut, it decodes to the same data; encoded anew it decodes to the same again.
func FuzzChunks(f *testing.F) {
	for _, body := range []string{
		"3\r\nabc\r\n0\r\n\r\n",
		"3;a=b\r\nabc\r\nA \r\n0123456789\r\n0\r\nX: y\r\nz:\r\n\r\nGET /",
		"3\nabc\r\n0\r\n\r\n",
		"fffffffffffffff\r\nabc",
		"0\r\nHost: a\r\n\r\n",
	} {
		f.Add([]byte(body), uint8(1))
		f.Add([]byte(body), uint8(5))
	}
	f.Fuzz(func(t *testing.T, body []byte, piece uint8) {
		var whole, cut Chunks
		data, rest, done, err := decode(&whole, string(body), len(body)+1)
		data2, rest2, done2, err2 := decode(&cut, string(body), int(piece)+1)
		if (err == nil) != (err2 == nil) || done != done2 || rest != rest2 || err == nil && data != data2 {
			t.Fatalf("in pieces of %d: %q %q %v %v, whole: %q %q %v %v", int(piece)+1, data2, rest2, done2, err2, data, rest, done, err)
		}
		if !done {
			return
		}
		sent := AppendLastChunk(AppendChunk(nil, []byte(data)), whole.Trailers())
		var again Chunks
		data3, rest3, done3, err3 := decode(&again, string(sent), len(sent))
		if data3 != data || rest3 != "" || !done3 || err3 != nil || !bytes.Equal(again.Trailers(), whole.Trailers()) {
			t.Fatalf("%q is sent as %q: %q %q %v %v", body, sent, data3, rest3, done3, err3)
		}
	})
}
