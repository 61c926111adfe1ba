package extract

import "strings"

// coding is a way to compress a body (RFC 9110 §8.4.1).
type coding uint8

const (
	codingUnknown coding = iota
	codingGzip
	codingDeflate // zlib, or without its wrapping as some servers send it
	codingBrotli
)

// maxCodings bounds how often a body may be coded; it is once in practice.
const maxCodings = 2

// codings are what was done to a body, in that order.
type codings struct {
	list [maxCodings]coding
	n    int // may be above maxCodings: too many to undo
}

// add reads a Content-Encoding.
func (c *codings) add(list string) {
	for more := true; more; {
		var item string
		item, list, more = strings.Cut(list, ",")
		one := codingUnknown
		switch item = trim(item); {
		case item == "", equalFold(item, "identity"):
			continue
		case equalFold(item, "gzip"), equalFold(item, "x-gzip"):
			one = codingGzip
		case equalFold(item, "deflate"), equalFold(item, "x-deflate"):
			one = codingDeflate
		case equalFold(item, "br"):
			one = codingBrotli
		}
		if c.n < maxCodings {
			c.list[c.n] = one
		}
		c.n++
	}
}

// fits tells whether the codings can be undone, of a body with this first byte: what claims to be compressed and is not
// exists, and is mostly told by it.
func (c *codings) fits(first byte) bool {
	if c.n > maxCodings {
		return false
	}
	for _, one := range c.list[:c.n] {
		if one == codingUnknown {
			return false
		}
	}
	switch c.list[c.n-1] {
	case codingGzip:
		return first == 0x1f // RFC 1952 §2.3.1
	case codingDeflate:
		return first&0x0f == 8 || first&6 != 6 // RFC 1950 §2.2, or a block type of RFC 1951 §3.2.3
	}
	return true
}

// memory is about how many bytes undoing the codings takes.
func (c *codings) memory(first byte) int64 {
	n := int64(decoderMemory)
	for i, one := range c.list[:c.n] {
		switch {
		case one != codingBrotli:
			n += inflateMemory
		case i == c.n-1:
			n += brotliMemory + brotliWindow(first)
		default:
			n += brotliMemory + 1<<24
		}
	}
	return n
}

// brotliWindow gives the size of the window that the first byte of a brotli stream announces (RFC 7932 §9.1).
func brotliWindow(first byte) int64 {
	bits := 16
	if first&1 != 0 {
		switch n, m := int(first>>1&7), int(first>>4&7); {
		case n != 0:
			bits = 17 + n
		case m == 0:
			bits = 17
		default:
			bits = 8 + m
		}
	}
	return 1 << bits
}
