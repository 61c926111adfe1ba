package extract

import "unsafe"

// Head is the start line and the headers of a request or an answer. Its texts are parts of Raw, as they were sent: they
// may hold any byte but line breaks.
type Head struct {
	Raw     string   // as received, blank line included; at most Options.MaxHead bytes
	Time    int64    // ns since 1970 of the packet that completed it
	Method  string   // request
	Target  string   // request
	Status  int      // answer; 0: there is none, as in HTTP/0.9
	Reason  string   // answer
	Version string   // "HTTP/1.1"; "": there is none, as in HTTP/0.9
	Headers []Header // the first 512 at most
}

// maxHeaders bounds Head.Headers: a head of 64 KiB may have 20,000 lines, each of which takes more memory than bytes.
const maxHeaders = 512

// cost is about how many bytes of memory a head takes; nil takes none.
func (h *Head) cost() int64 {
	if h == nil {
		return 0
	}
	return int64(unsafe.Sizeof(*h)) + int64(len(h.Raw)) + int64(cap(h.Headers))*int64(unsafe.Sizeof(Header{}))
}

// Header is a line of a head, without blanks around its parts. Lines that were folded are joined (RFC 9112 §5.2).
type Header struct{ Name, Value string }

// Get gives the first value of a header, found without regard to case.
func (h *Head) Get(name string) (value string, ok bool) {
	for i := range h.Headers {
		if equalFold(h.Headers[i].Name, name) {
			return h.Headers[i].Value, true
		}
	}
	return "", false
}

// Interim tells whether another answer to the same request follows (RFC 9110 §15.2). After 101 none does: the
// connection carries something else from there.
func (h *Head) Interim() bool { return h.Status/100 == 1 && h.Status != 101 }

// equalFold compares names without regard to the case of ASCII letters.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b | 0x20
	}
	return b
}
