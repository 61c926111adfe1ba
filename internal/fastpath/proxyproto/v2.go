package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// Parts of a version 2 header (§2.2).
const (
	headV2 = 16 // signature, version and command, family and transport, length

	version2     = 0x2
	commandLocal = 0x0
	commandProxy = 0x1

	familyInet  = 0x1
	familyInet6 = 0x2
	familyUnix  = 0x3

	transportStream = 0x1
	transportMax    = 0x2

	typeCRC32C = 0x03
)

// parseV2 reads a binary header. Addresses count for TCP only; what else is valid is skipped.
func parseV2(b []byte) (h Header, n int, err error) {
	if len(b) > 12 && (b[12]>>4 != version2 || b[12]&0xf > commandProxy) {
		return Header{}, 0, ErrBinary
	}
	if len(b) > 13 && (b[13]>>4 > familyUnix || b[13]&0xf > transportMax) {
		return Header{}, 0, ErrBinary
	}
	if len(b) < headV2 {
		return Header{}, 0, nil
	}
	n = headV2 + int(binary.BigEndian.Uint16(b[14:]))
	if n > maxV2 {
		return Header{}, 0, ErrTooLong
	}
	if len(b) < n {
		return Header{}, 0, nil
	}
	h.Version = 2
	if b[12]&0xf == commandLocal {
		return h, n, nil
	}
	block := b[headV2:n]
	size := 0
	switch b[13] >> 4 {
	case familyInet:
		size = 2*4 + 2*2
	case familyInet6:
		size = 2*16 + 2*2
	case familyUnix:
		size = 2 * 108
	default:
		return h, n, nil
	}
	if len(block) < size {
		return Header{}, 0, ErrBinary
	}
	if err := checkTLVs(b[:n], headV2+size); err != nil {
		return Header{}, 0, err
	}
	if b[13]&0xf == transportStream {
		switch b[13] >> 4 {
		case familyInet:
			h.Src, h.Dst = addrs(block, netip.AddrFrom4([4]byte(block)), netip.AddrFrom4([4]byte(block[4:])), 8)
		case familyInet6:
			h.Src, h.Dst = addrs(block, netip.AddrFrom16([16]byte(block)), netip.AddrFrom16([16]byte(block[16:])), 32)
		}
	}
	return h, n, nil
}

// addrs joins two addresses with the ports that stand at off in block.
func addrs(block []byte, src, dst netip.Addr, off int) (netip.AddrPort, netip.AddrPort) {
	return netip.AddrPortFrom(src.Unmap(), binary.BigEndian.Uint16(block[off:])),
		netip.AddrPortFrom(dst.Unmap(), binary.BigEndian.Uint16(block[off+2:]))
}

// checkTLVs holds the type-length-value list that begins at off against its form and, when there is one, its
// checksum (§2.2.3).
func checkTLVs(header []byte, off int) error {
	for off < len(header) {
		if len(header)-off < 3 {
			return ErrBinary
		}
		value := off + 3
		next := value + int(binary.BigEndian.Uint16(header[off+1:]))
		if next > len(header) {
			return ErrBinary
		}
		if header[off] == typeCRC32C {
			if next-value != 4 {
				return ErrBinary
			}
			table := crc32.MakeTable(crc32.Castagnoli)
			sum := crc32.Update(0, table, header[:value])
			sum = crc32.Update(sum, table, make([]byte, 4))
			sum = crc32.Update(sum, table, header[next:])
			if sum != binary.BigEndian.Uint32(header[value:]) {
				return ErrCRC
			}
		}
		off = next
	}
	return nil
}

func appendV2(b []byte, src, dst netip.AddrPort) []byte {
	b = append(b, signature...)
	b = append(b, version2<<4|commandProxy)
	switch {
	case !src.IsValid() || !dst.IsValid():
		return append(b, 0, 0, 0)
	case src.Addr().Is4() && dst.Addr().Is4():
		s, d := src.Addr().As4(), dst.Addr().As4()
		b = append(b, familyInet<<4|transportStream, 0, 2*4+2*2)
		b = append(append(b, s[:]...), d[:]...)
	default:
		s, d := src.Addr().As16(), dst.Addr().As16()
		b = append(b, familyInet6<<4|transportStream, 0, 2*16+2*2)
		b = append(append(b, s[:]...), d[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, src.Port())
	return binary.BigEndian.AppendUint16(b, dst.Port())
}
