package extract

import (
	"bytes"

	"eddy/internal/fastpath/flow"
)

// verdict on bytes that may begin a message.
type verdict uint8

const (
	no    verdict = iota
	maybe         // too few bytes to tell
	yes
)

// How many bytes are looked at for the end of a request line, and for a method with what follows it.
const (
	maxLooks  = 2 << 10
	maxMethod = 16
)

// Looks tells whether the first bytes of a direction may begin HTTP/1: a request (ToServer) or an answer (ToClient). Of
// a few bytes, too few to tell, it says yes.
func Looks(first []byte, dir flow.Dir) bool {
	return looks(first, dir) != no
}

func looks(b []byte, dir flow.Dir) verdict {
	if dir == flow.ToClient {
		return answerStart(b)
	}
	return requestStart(b)
}

// answerStart looks for "HTTP/1.1 200" and its like.
func answerStart(b []byte) verdict {
	const shape = "HTTP/x.x ddd"
	for i := range len(shape) {
		if i == len(b) {
			return maybe
		}
		ok := b[i] == shape[i]
		switch shape[i] {
		case 'x':
			ok = b[i] == '0' || b[i] == '1'
		case 'd':
			ok = '0' <= b[i] && b[i] <= '9'
		}
		if !ok {
			return no
		}
	}
	return yes
}

// requestStart tells a request line from others by its version. Where it has none, a GET or a Host header right behind
// it will do.
func requestStart(b []byte) verdict {
	b = bytes.TrimLeft(b, "\r\n")
	line, rest, whole := bytes.Cut(b[:min(len(b), maxLooks)], []byte("\n"))
	if !whole {
		return methodStart(line)
	}
	i := bytes.LastIndex(line, []byte("HTTP/"))
	switch {
	case i > 0 && len(line) > i+5 && (line[i+5] == '1' || line[i+5] == '0'):
		return yes
	case i > 0 && isBlank(line[i-1]):
		return no // HTTP/2 with prior knowledge
	case bytes.HasPrefix(line, []byte("GET /")):
		return yes
	}
	const host = "host:"
	n := min(len(rest), len(host))
	if n == 0 || len(line) == 0 || line[0] <= ' ' || !equalFold(string(rest[:n]), host[:n]) {
		return no
	}
	if n < len(host) {
		return maybe
	}
	return yes
}

// methodStart looks at a request line that is not complete: it must begin with a method that is in common use.
func methodStart(line []byte) verdict {
	for _, m := range [...]string{"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ", "PATCH ", "TRACE ",
		"PROPFIND ", "PROPPATCH ", "MKCOL ", "MOVE ", "COPY ", "LOCK ", "UNLOCK ", "REPORT ", "SEARCH ", "MERGE ",
		"SUBSCRIBE ", "UNSUBSCRIBE ", "NOTIFY ", "M-SEARCH ", "CCM_POST ", "BITS_POST ", "RPC_IN_DATA ", "RPC_OUT_DATA "} {
		n := min(len(line), len(m))
		if string(line[:n]) != m[:n] {
			continue
		}
		if len(line) == n || line[n] >= ' ' {
			return maybe
		}
	}
	return no
}

// findStart finds where a message begins or may begin within b, which does not follow on one, or gives -1.
func findStart(b []byte, dir flow.Dir) int {
	if dir == flow.ToClient {
		return findAnswer(b)
	}
	return findRequest(b)
}

// findAnswer looks everywhere: an answer behind a gap can begin within a packet.
func findAnswer(b []byte) int {
	for from := 0; from < len(b); from++ {
		i := bytes.IndexByte(b[from:], 'H')
		if i < 0 {
			return -1
		}
		if from += i; answerStart(b[from:]) != no {
			return from
		}
	}
	return -1
}

// findRequest looks at the beginning of b, for requests mostly begin with a packet, and at those of its lines.
func findRequest(b []byte) int {
	for from := 0; from < len(b); {
		if methodStart(b[from:min(len(b), from+maxMethod)]) != no && requestStart(b[from:]) != no {
			return from
		}
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1
		}
		from += i + 1
	}
	return -1
}
