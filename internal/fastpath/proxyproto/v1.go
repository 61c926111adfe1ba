package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
)

// parseV1 reads "PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\r\n" (§2.1), to the byte.
func parseV1(b []byte) (h Header, n int, err error) {
	end := bytes.IndexByte(b[:min(len(b), maxV1)], '\r')
	switch {
	case end < 0 && len(b) >= maxV1:
		return Header{}, 0, ErrTooLong
	case end < 0 && bytes.IndexByte(b, '\n') >= 0:
		return Header{}, 0, ErrLine
	case end < 0 || end+1 == len(b) && len(b) < maxV1:
		return Header{}, 0, nil
	case end+1 >= maxV1:
		return Header{}, 0, ErrTooLong
	case b[end+1] != '\n':
		return Header{}, 0, ErrLine
	}
	h.Version, n = 1, end+2
	var f [5][]byte // family, addresses, ports
	rest := b[len(v1Prefix):end]
	for i := range f {
		if i == len(f)-1 {
			f[i] = rest
			break
		}
		var more bool
		f[i], rest, more = bytes.Cut(rest, []byte{' '})
		if string(f[0]) == "UNKNOWN" {
			return h, n, nil
		}
		if !more {
			return Header{}, 0, ErrLine
		}
	}
	is4 := string(f[0]) == "TCP4"
	if !is4 && string(f[0]) != "TCP6" {
		return Header{}, 0, ErrLine
	}
	var ok1, ok2 bool
	h.Src, ok1 = parseAddr(f[1], f[3], is4)
	h.Dst, ok2 = parseAddr(f[2], f[4], is4)
	if !ok1 || !ok2 {
		return Header{}, 0, ErrLine
	}
	return h, n, nil
}

func parseAddr(addr, port []byte, is4 bool) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(string(addr))
	if err != nil || a.Is4() != is4 || a.Zone() != "" {
		return netip.AddrPort{}, false
	}
	if len(port) == 0 || len(port) > 1 && port[0] == '0' || port[0] == '+' {
		return netip.AddrPort{}, false
	}
	p, err := strconv.ParseUint(string(port), 10, 16)
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), err == nil
}

func appendV1(b []byte, src, dst netip.AddrPort) []byte {
	b = append(b, v1Prefix...)
	switch {
	case !src.IsValid() || !dst.IsValid():
		return append(b, "UNKNOWN\r\n"...)
	case src.Addr().Is4() && dst.Addr().Is4():
		b = append(b, "TCP4 "...)
	default:
		b = append(b, "TCP6 "...)
		src, dst = to6(src), to6(dst)
	}
	b = append(src.Addr().AppendTo(b), ' ')
	b = append(dst.Addr().AppendTo(b), ' ')
	b = append(strconv.AppendUint(b, uint64(src.Port()), 10), ' ')
	b = strconv.AppendUint(b, uint64(dst.Port()), 10)
	return append(b, '\r', '\n')
}
