package smtp

import "bytes"

// maxLine is the longest line a mail may have, without its CRLF (RFC 5321 §4.5.3.1.6).
const maxLine = 998

// normalize returns the message with every line ending (CRLF, lone LF, lone CR) as CRLF, and with longer lines than
// a mail may have broken by CRLF and a space, which is how mail servers themselves break them: in a header that is
// folding, in a body it shows, but the mail arrives. A lone CR or LF never reaches the wire, where servers disagree
// on what it ends.
//
// Dots are stuffed by the library's writer.
func normalize(data []byte) []byte {
	out := make([]byte, 0, len(data)+len(data)/32+64)
	for len(data) > 0 {
		line := data
		if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
			line = data[:i]
			if data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n' {
				i++
			}
			data = data[i+1:]
		} else {
			data = nil
		}
		for limit := maxLine; len(line) > limit; limit = maxLine - 1 {
			cut := runeStart(line, limit)
			out = append(out, line[:cut]...)
			out = append(out, "\r\n "...)
			line = line[cut:]
		}
		out = append(out, line...)
		out = append(out, '\r', '\n')
	}
	return out
}

// runeStart is the last index up to i that does not fall inside a UTF-8 sequence, or i where there is no such place
// nearby (the text is not UTF-8).
func runeStart(b []byte, i int) int {
	for j := i; j > i-4; j-- {
		if b[j]&0xc0 != 0x80 {
			return j
		}
	}
	return i
}
