package extract

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"eddy/internal/fastpath/flow"
)

const get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

// coded gives text in a coding.
func coded(name, text string) string {
	var b bytes.Buffer
	var w io.WriteCloser
	switch name {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "deflate":
		w, _ = flate.NewWriter(&b, 9)
	case "br":
		w = brotli.NewWriter(&b)
	}
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// answer gives an answer with a body and headers.
func answer(body string, headers ...string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s", len(body), strings.Join(append(headers, ""), "\r\n"), body)
}

// TestSurplus: a server that announces too little and closes the connection behind it means all that it sent.
func TestSurplus(t *testing.T) {
	tests := []struct {
		name  string
		steps []step
		want  string
	}{
		{"closed behind", []step{s("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nabcd"), s("ef"), sEnd(flow.Closed)}, `"abcdef"`},
		{"said to be closed", []step{s("HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 2\r\n\r\nabcd"), sEnd(flow.Idle)}, `"abcd"`},
		{"kept", []step{s("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nabcd"), sEnd(flow.Closed)}, `"ab"`},
		{"in a packet of its own", []step{s("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab"), s("cd"), sEnd(flow.Closed)}, `"ab"`},
		{"an empty line", []step{s("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab\r\n"), s("cd"), sEnd(flow.Closed)}, `"ab"`},
		{"a status line", []step{s("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n"), sEnd(flow.Closed)}, `"ab"`},
		{"up to a gap", []step{s("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nabcd"), sGap(2), s("ef"), sEnd(flow.Closed)}, `"abcd"`},
	}
	for _, test := range tests {
		r := newRecorder(t)
		play(NewPool(Options{}), r, append([]step{c("GET / HTTP/1.0\r\n\r\n")}, test.steps...), 1000)
		if len(r.lines) != 3 || !strings.HasSuffix(r.lines[1], test.want) {
			t.Errorf("%s: %q, want %s", test.name, r.lines, test.want)
		}
	}
}

// TestConn: whatever the pieces are that the bytes come in, the messages are the same.
func TestConn(t *testing.T) {
	hello := strings.Repeat("hello, ", 5)
	zip := coded("gzip", hello)
	tests := []struct {
		name  string
		steps []step
		want  []string
	}{
		{"length", []step{c(get), s(answer("hello"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"hello\"", "0 done"}},
		{"no body at all", []step{c(get), s(answer(""))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1", "0 done"}},
		{"a body in each direction", []step{c("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), s(answer("de"))},
			[]string{"0 > POST / HTTP/1.1 \"abc\"", "0 < 200 HTTP/1.1 \"de\"", "0 done"}},
		{"until the end", []step{c(get), s("HTTP/1.0 200 OK\r\n\r\nhello"), sEnd(flow.Closed)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.0 \"hello\"", "0 done"}},
		{"until an end that is none", []step{c(get), s("HTTP/1.0 200 OK\r\n\r\nhello"), sEnd(flow.Idle)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.0 \"hello\" truncated", "0 done"}},
		{"until the capture's end", []step{c(get), s("HTTP/1.0 200 OK\r\n\r\nhello"), sEnd(flow.Finish)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.0 \"hello\"", "0 done"}},
		{"a length that is not reached", []step{c(get), s("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello"), sEnd(flow.Closed)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.0 \"hello\" truncated", "0 done"}},
		{"no answer", []step{c(get)}, []string{"0 > GET /x HTTP/1.1", "0 done"}},
		{"an answer without its request", []step{s(answer("a")), c(get), s(answer("b"))},
			[]string{"0 < 200 HTTP/1.1 (no request) \"a\"", "0 done", "1 > GET /x HTTP/1.1", "1 < 200 HTTP/1.1 \"b\"", "1 done"}},
		{"pipelining", []step{c(get + "GET /y HTTP/1.1\r\n\r\n" + get), s(answer("a") + answer("b")), s(answer("c"))},
			[]string{"0 > GET /x HTTP/1.1", "1 > GET /y HTTP/1.1", "2 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"a\"", "0 done",
				"1 < 200 HTTP/1.1 \"b\"", "1 done", "2 < 200 HTTP/1.1 \"c\"", "2 done"}},
		{"HEAD, 204 and 304 have no body", []step{c("HEAD / HTTP/1.1\r\n\r\n" + get + get),
			s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n")},
			[]string{"0 > HEAD / HTTP/1.1", "1 > GET /x HTTP/1.1", "2 > GET /x HTTP/1.1",
				"0 < 200 HTTP/1.1", "0 done", "1 < 204 HTTP/1.1", "1 done", "2 < 304 HTTP/1.1", "2 done"}},
		{"100", []step{c("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
			s("HTTP/1.1 100 Continue\r\n\r\n"), c("hi"), s(answer("ok"))},
			[]string{"0 < 100 HTTP/1.1", "0 > PUT / HTTP/1.1 \"hi\"", "0 < 200 HTTP/1.1 \"ok\"", "0 done"}},
		{"answered before the body was there", []step{c("PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\n"), s(answer("ok")), c("hi" + get)},
			[]string{"0 < 200 HTTP/1.1 \"ok\"", "0 > PUT / HTTP/1.1 \"hi\"", "0 done", "1 > GET /x HTTP/1.1", "1 done"}},
		{"chunked", []step{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nX: y\r\n\r\n" + answer("z"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abcdefgh\"", "0 done", "1 < 200 HTTP/1.1 (no request) \"z\"", "1 done"}},
		{"chunked and a length", []step{c(get), s("HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc\"", "0 done"}},
		{"chunks with LF alone and without line ends behind data", []step{c(get),
			s("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3  \nabc2\r\nde\n0\n\n")},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abcde\"", "0 done"}},
		{"the empty line behind the last chunk is missing", []step{c(get),
			s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"), sEnd(flow.Closed)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc\"", "0 done"}},
		{"the last chunk is missing", []step{c(get),
			s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), sEnd(flow.Closed)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc\" truncated", "0 done"}},
		{"said to be chunked", []step{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n<p>\n</p>"), sEnd(flow.Closed)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"<p>\\n</p>\"", "0 done"}},
		{"said to be chunked, with a length", []step{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 8\r\n\r\n<p>\n</p>" + answer("x"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"<p>\\n</p>\"", "0 done", "1 < 200 HTTP/1.1 (no request) \"x\"", "1 done"}},
		{"chunks that break off", []step{c(get + get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n" + answer("d"))},
			[]string{"0 > GET /x HTTP/1.1", "1 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc\" truncated", "0 done", "1 < 200 HTTP/1.1 \"d\"", "1 done"}},
		{"gzip", []step{c(get), s(answer(zip, "Content-Encoding: gzip"))},
			[]string{"0 > GET /x HTTP/1.1", fmt.Sprintf("0 < 200 HTTP/1.1 %q", hello), "0 done"}},
		{"two gzip members and something behind", []step{c(get), s(answer(zip+coded("gzip", "2")+"\n\n", "Content-Encoding: x-gzip"))},
			[]string{"0 > GET /x HTTP/1.1", fmt.Sprintf("0 < 200 HTTP/1.1 %q", hello+"2"), "0 done"}},
		{"zlib", []step{c(get), s(answer(coded("zlib", hello), "Content-Encoding: deflate"))},
			[]string{"0 > GET /x HTTP/1.1", fmt.Sprintf("0 < 200 HTTP/1.1 %q", hello), "0 done"}},
		{"deflate", []step{c(get), s(answer(coded("deflate", hello), "Content-Encoding: Deflate"))},
			[]string{"0 > GET /x HTTP/1.1", fmt.Sprintf("0 < 200 HTTP/1.1 %q", hello), "0 done"}},
		{"br", []step{c(get), s(answer(coded("br", hello), "Content-Encoding: br"))},
			[]string{"0 > GET /x HTTP/1.1", fmt.Sprintf("0 < 200 HTTP/1.1 %q", hello), "0 done"}},
		{"coded twice", []step{c(get), s(answer(coded("br", zip), "Content-Encoding: gzip, br"))},
			[]string{"0 > GET /x HTTP/1.1", fmt.Sprintf("0 < 200 HTTP/1.1 %q", hello), "0 done"}},
		{"coded for the transfer", []step{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(zip), zip))},
			[]string{"0 > GET /x HTTP/1.1", fmt.Sprintf("0 < 200 HTTP/1.1 %q", hello), "0 done"}},
		{"said to be coded", []step{c(get), s(answer("plain", "Content-Encoding: gzip"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"plain\" undecoded", "0 done"}},
		{"a coding nobody knows", []step{c(get), s(answer("plain", "Content-Encoding: rot13"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"plain\" undecoded", "0 done"}},
		{"gzip cut off by the server", []step{c(get), s(answer(zip[:len(zip)-9], "Content-Encoding: gzip"))},
			[]string{"0 > GET /x HTTP/1.1", fmt.Sprintf("0 < 200 HTTP/1.1 %q undecoded", hello), "0 done"}},
		{"gzip with a gap", []step{c(get), s("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 90\r\n\r\n" + zip[:25]), sGap(65)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 truncated", "0 done"}},
		{"a gap in what can't be decoded", []step{c(get), s("HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 9\r\n\r\nabc"), sGap(4), s("de")},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc<4>de\" truncated", "0 done"}},
		{"a gap at the beginning of gzip", []step{c(get), s("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n"), sGap(4), s("abcde")},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 truncated", "0 done"}},
		{"a gap in trailers", []step{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX"), sGap(4), c(get), s("\r\n\r\n" + answer("f"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"a\"", "0 done", "1 > GET /x HTTP/1.1", "1 < 200 HTTP/1.1 \"f\"", "1 done"}},
		{"a gap in a body", []step{c(get), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), sGap(4), s("de" + answer("f"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc<4>de\" truncated", "0 done", "1 < 200 HTTP/1.1 (no request) \"f\"", "1 done"}},
		{"a gap to the end of a body", []step{c(get), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), sGap(6), c(get), s(answer("f"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc<6>\" truncated", "0 done", "1 > GET /x HTTP/1.1", "1 < 200 HTTP/1.1 \"f\"", "1 done"}},
		{"a gap over the end of a body", []step{c(get + get + get), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), sGap(20), s("rest" + answer("f"))},
			[]string{"0 > GET /x HTTP/1.1", "1 > GET /x HTTP/1.1", "2 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc<6>\" truncated", "0 done", "1 done",
				"2 < 200 HTTP/1.1 \"f\"", "2 done"}},
		{"a gap in a chunk", []step{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"), sGap(4), s("de\r\n0\r\n\r\n")},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc<4>de\" truncated", "0 done"}},
		{"a gap over chunks", []step{c(get + get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc"), sGap(4), s("de\r\n0\r\n\r\n" + answer("f"))},
			[]string{"0 > GET /x HTTP/1.1", "1 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc\" truncated", "0 done", "1 < 200 HTTP/1.1 \"f\"", "1 done"}},
		{"a gap in a body until the end", []step{c(get), s("HTTP/1.1 200 OK\r\n\r\nabc"), sGap(4), s("de"), sEnd(flow.Closed)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"abc<4>de\" truncated", "0 done"}},
		{"a gap in an answer's head", []step{c(get + get), s("HTTP/1.1 200 OK\r\nContent-Le"), sGap(4), s(": 2\r\n\r\nde" + answer("f"))},
			[]string{"0 > GET /x HTTP/1.1", "1 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 truncated", "0 done", "1 < 200 HTTP/1.1 \"f\"", "1 done"}},
		{"a gap over an answer's head", []step{c(get + get), sGap(4), s(": 2\r\n\r\nde" + answer("f"))},
			[]string{"0 > GET /x HTTP/1.1", "1 > GET /x HTTP/1.1", "0 done", "1 < 200 HTTP/1.1 \"f\"", "1 done"}},
		{"a gap in a request's line", []step{c("GET /long"), cGap(9), c("er HTTP/1.1\r\nHost: a\r\n\r\n"), s(answer("f")), c(get), s(answer("g"))},
			[]string{"0 < 200 HTTP/1.1 (no request) \"f\"", "0 done", "1 > GET /x HTTP/1.1", "1 < 200 HTTP/1.1 \"g\"", "1 done"}},
		{"a gap over a request", []step{cGap(50), c(get), s(answer("f") + answer("g"))},
			[]string{"1 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 (no request) \"f\"", "0 done", "1 < 200 HTTP/1.1 \"g\"", "1 done"}},
		{"in the midst of a body", []step{s("ody of an answer\nHTTP/1.1 no answer\n"), c(get), s(answer("f"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"f\"", "0 done"}},
		{"in the midst of a request's body", []step{c("\x01\x02=\n"), c("of=it&in=the midst\r\n\r\n"), c(get), s(answer("f"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"f\"", "0 done"}},
		{"HTTP/0.9", []step{c("GET /old\r\n"), s("<p>hello"), sEnd(flow.Closed)},
			[]string{"0 > GET /old ", "0 < 0  \"<p>hello\"", "0 done"}},
		{"HTTP/0.9 with an empty line", []step{c("GET /old\n\n"), s("HTTPS is new"), sEnd(flow.Closed)},
			[]string{"0 > GET /old ", "0 < 0  \"HTTPS is new\"", "0 done"}},
		{"HTTP/0.9 without an answer", []step{c("GET /old\r\n")}, []string{"0 > GET /old ", "0 done"}},
		{"no version but headers", []step{c("GET /x\r\nHost: a\r\n\r\n"), s(answer("f"))},
			[]string{"0 > GET /x ", "0 < 200 HTTP/1.1 \"f\"", "0 done"}},
		{"odd request lines", []step{c("GET  /a b  HTTP/1.0\n\nTRACE\n\n/\n\nFOO/x HTTP/1.1\n\n")},
			[]string{"0 > GET /a b HTTP/1.0", "1 > TRACE  ", "2 > /  ", "3 > FOO/x HTTP/1.1 ", "0 done", "1 done", "2 done", "3 done"}},
		{"empty lines before messages", []step{c("\r\n\n" + get + "\r\n"), s("\r\n" + answer("a"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"a\"", "0 done"}},
		{"more body than announced", []step{c(get + get), s(answer("a") + "more\r\n" + answer("b"))},
			[]string{"0 > GET /x HTTP/1.1", "1 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"a\"", "0 done", "1 < 200 HTTP/1.1 \"b\"", "1 done"}},
		{"lengths that are none", []step{c(get), s("HTTP/1.1 200 OK\r\nContent-Length: x\r\nContent-Length: 2, 2\r\n\r\nab" + answer("b"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 200 HTTP/1.1 \"ab\"", "0 done", "1 < 200 HTTP/1.1 (no request) \"b\"", "1 done"}},
		{"a head without its empty line", []step{c(get), s("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"), sEnd(flow.Closed)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 400 HTTP/1.1 truncated", "0 done"}},
		{"a status line alone", []step{c(get), s("HTTP/1.0 299\n\n"), sEnd(flow.Closed)},
			[]string{"0 > GET /x HTTP/1.1", "0 < 299 HTTP/1.0", "0 done"}},
		{"CONNECT", []step{c("CONNECT h:1 HTTP/1.1\r\n\r\n"), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), c(get), s(answer("x"))},
			[]string{"0 > CONNECT h:1 HTTP/1.1", "0 < 200 HTTP/1.1", "0 done"}},
		{"CONNECT is refused", []step{c("CONNECT h:1 HTTP/1.1\r\n\r\n"), s("HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\nn"), c("BREW /pot HTTP/1.1\r\n\r\n")},
			[]string{"0 > CONNECT h:1 HTTP/1.1", "0 < 407 HTTP/1.1 \"n\"", "0 done", "1 > BREW /pot HTTP/1.1", "1 done"}},
		{"upgrade", []step{c(get), s("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x01a" + answer("x"))},
			[]string{"0 > GET /x HTTP/1.1", "0 < 101 HTTP/1.1", "0 done"}},
		{"the client never sends what the server refused", []step{c("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n"),
			s("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"), c(get), s(answer("x"))},
			[]string{"0 < 417 HTTP/1.1", "0 > PUT / HTTP/1.1 truncated", "0 done", "1 > GET /x HTTP/1.1", "1 < 200 HTTP/1.1 \"x\"", "1 done"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pool := NewPool(Options{})
			for _, size := range []int{1 << 20, 1000, 40, 3, 1} {
				r := newRecorder(t)
				play(pool, r, test.steps, size)
				if !slices.Equal(r.lines, test.want) {
					t.Errorf("in pieces of %d bytes:\n%s\nwant:\n%s", size, strings.Join(r.lines, "\n"), strings.Join(test.want, "\n"))
				}
			}
			if pool.decoding != 0 {
				t.Errorf("%d bytes of decoders are still in use", pool.decoding)
			}
		})
	}
}
