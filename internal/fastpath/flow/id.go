package flow

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Reverse gives the key of the packets that go the other way.
func Reverse(k Key) Key {
	k.Src, k.Dst = k.Dst, k.Src
	k.SrcPort, k.DstPort = k.DstPort, k.SrcPort
	return k
}

// AIsSource reports whether k's source is the A end: the one with the higher port ("the Trisul formula is to place the
// lower numbered port endpoint as the Z-End", sg_monitor). Of equal ports, the lower address is A.
func AIsSource(k Key) bool {
	if k.SrcPort != k.DstPort {
		return k.SrcPort > k.DstPort
	}
	return bytes.Compare(k.Src[:], k.Dst[:]) <= 0
}

// Addr gives an address of a key whose version is 4 or 6; of another the zero Addr.
func Addr(addr [16]byte, version uint8) netip.Addr {
	switch version {
	case 4:
		return netip.AddrFrom4([4]byte(addr[:4]))
	case 6:
		return netip.AddrFrom16(addr)
	}
	return netip.Addr{}
}

// ID gives Trisul's name for a flow, the same for both directions (obj_flowid in Trisul's Lua documentation):
//
//	06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016
//
// That is the IP protocol in hex, A for IPv4 or B for IPv6, the A end's address and port, and the Z end's. It has no
// VLAN. Protocols without ports have port 0.
func ID(k Key) string {
	var room [96]byte
	return string(AppendID(room[:0], k))
}

// AppendID appends what ID gives to b.
func AppendID(b []byte, k Key) []byte {
	if !AIsSource(k) {
		k = Reverse(k)
	}
	b = append(appendHex(b, k.Proto), idType(k.Version), ':')
	b = appendKeyPort(append(AppendKeyIP(b, k.Src, k.Version), ':'), k.SrcPort)
	b = append(b, '_')
	return appendKeyPort(append(AppendKeyIP(b, k.Dst, k.Version), ':'), k.DstPort)
}

func idType(version uint8) byte {
	if version == 6 {
		return 'B'
	}
	return 'A'
}

// KeyIP gives an address in Trisul's key format: "C0.A8.01.02", or 32 hex digits for IPv6.
func KeyIP(addr [16]byte, version uint8) string {
	var room [32]byte
	return string(AppendKeyIP(room[:0], addr, version))
}

// AppendKeyIP appends what KeyIP gives to b.
func AppendKeyIP(b []byte, addr [16]byte, version uint8) []byte {
	if version == 6 {
		for _, c := range addr {
			b = appendHex(b, c)
		}
		return b
	}
	for i, c := range addr[:4] {
		if i > 0 {
			b = append(b, '.')
		}
		b = appendHex(b, c)
	}
	return b
}

// KeyPort gives a port in Trisul's key format: "p-0B94".
func KeyPort(port uint16) string {
	var room [6]byte
	return string(appendKeyPort(room[:0], port))
}

func appendKeyPort(b []byte, port uint16) []byte {
	return appendHex(appendHex(append(b, "p-"...), byte(port>>8)), byte(port))
}

func appendHex(b []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(b, digits[c>>4], digits[c&15])
}

// ParseID reads a flow id. The key's source is the A end, and it has no VLAN (Table.Find takes such keys).
func ParseID(id string) (Key, error) {
	k, err := parseID(id)
	if err != nil {
		return Key{}, fmt.Errorf("flow id %.100q: %w", id, err)
	}
	return k, nil
}

func parseID(id string) (k Key, err error) {
	head, ends, isHead := strings.Cut(id, ":")
	a, z, isPair := strings.Cut(ends, "_")
	if !isHead || !isPair || len(head) != len("06A") {
		return k, errors.New("it does not look like 06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016")
	}
	switch head[2] {
	case 'A':
		k.Version = 4
	case 'B':
		k.Version = 6
	default:
		return k, fmt.Errorf("type %q is neither A (IPv4) nor B (IPv6)", head[2:])
	}
	var proto [1]byte
	if err := readHex(proto[:], head[:2]); err != nil {
		return k, err
	}
	k.Proto = proto[0]
	if k.Src, k.SrcPort, err = parseEnd(a, k.Version); err != nil {
		return k, err
	}
	k.Dst, k.DstPort, err = parseEnd(z, k.Version)
	return k, err
}

// parseEnd reads an address and a port such as "C0.A8.01.02:p-0B94".
func parseEnd(s string, version uint8) (addr [16]byte, port uint16, err error) {
	ip, p, _ := strings.Cut(s, ":")
	p, isPort := strings.CutPrefix(p, "p-")
	if !isPort {
		return addr, 0, fmt.Errorf("%.50q has no port such as p-0B94", s)
	}
	var number [2]byte
	if err := readHex(number[:], p); err != nil {
		return addr, 0, err
	}
	addr, err = parseKeyIP(ip, version)
	return addr, binary.BigEndian.Uint16(number[:]), err
}

func parseKeyIP(s string, version uint8) (addr [16]byte, err error) {
	if version == 6 {
		err = readHex(addr[:], s)
		return addr, err
	}
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return addr, fmt.Errorf("%.50q is not an IPv4 address such as C0.A8.01.02", s)
	}
	for i, part := range parts {
		if err := readHex(addr[i:i+1], part); err != nil {
			return addr, err
		}
	}
	return addr, nil
}

// readHex fills all of to.
func readHex(to []byte, s string) error {
	if len(s) == 2*len(to) {
		if _, err := hex.Decode(to, []byte(s)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%.50q is not a number of %d hex digits", s, 2*len(to))
}
