// Package proxyproto reads and writes the header with which one proxy tells the next who the client is, the PROXY
// protocol in versions 1 and 2 (proxy-protocol.txt §2).
package proxyproto

import (
	"errors"
	"net/netip"
)

// Header is what a PROXY protocol header said.
type Header struct {
	Version int // 1 or 2
	// Src and Dst are the client's address and the one it connected to. Both are invalid when the header names none
	// (UNKNOWN, LOCAL, unix sockets): then the addresses of the connection itself hold.
	Src, Dst netip.AddrPort
}

// Known tells whether the header names addresses.
func (h Header) Known() bool { return h.Src.IsValid() && h.Dst.IsValid() }

// Bounds of a header, in bytes.
const (
	maxV1 = 107     // §2.1, line end included
	maxV2 = 4 << 10 // the format allows 65551; certificates in a TLV are the longest that is seen
)

const (
	v1Prefix  = "PROXY "
	signature = "\r\n\r\n\x00\r\nQUIT\n" // §2.2
)

// What can be wrong with a header. The connection must be dropped then.
var (
	ErrNone    = errors.New("no PROXY protocol header where one must be")
	ErrLine    = errors.New("malformed PROXY protocol header, version 1")
	ErrBinary  = errors.New("malformed PROXY protocol header, version 2")
	ErrTooLong = errors.New("PROXY protocol header too long")
	ErrCRC     = errors.New("PROXY protocol header with a wrong checksum")
)

// Parse reads a header from the start of b. n is its length; n = 0 without an error means that more bytes are needed,
// and then all of b belongs to the header.
func Parse(b []byte) (h Header, n int, err error) {
	switch {
	case hasPrefix(b, signature):
		return parseV2(b)
	case hasPrefix(b, v1Prefix):
		return parseV1(b)
	}
	return Header{}, 0, ErrNone
}

// hasPrefix tells whether b begins with prefix, or is too short to tell.
func hasPrefix(b []byte, prefix string) bool {
	n := min(len(b), len(prefix))
	return string(b[:n]) == prefix[:n]
}

// Append appends the header of the given version (1 or 2) that names src and dst. When one of them is invalid the
// header says that they are unknown; two of different families are both written as IPv6.
func Append(dst []byte, version int, src, to netip.AddrPort) []byte {
	src, to = unmap(src), unmap(to)
	if version == 1 {
		return appendV1(dst, src, to)
	}
	return appendV2(dst, src, to)
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

func to6(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a.Addr().As16()), a.Port())
}
