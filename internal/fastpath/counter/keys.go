package counter

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

const digits = "0123456789ABCDEF"

// appendPort appends a port in key format: "p-0050".
func appendPort(dst []byte, port uint16) []byte {
	return appendUint16(append(dst, "p-"...), port)
}

func appendUint16(dst []byte, v uint16) []byte {
	return append(dst, digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15])
}

// appendMAC appends an Ethernet address, a 48-bit number, in key format: "0A:11:21:BA:00:02".
func appendMAC(dst []byte, mac uint64) []byte {
	for shift := 40; shift >= 0; shift -= 8 {
		b := byte(mac >> shift)
		dst = append(dst, digits[b>>4], digits[b&15], ':')
	}
	return dst[:len(dst)-1]
}

// appendVLAN appends a Tuple.VLAN: "100", or "100.7" for two tags.
func appendVLAN(dst []byte, vlan uint32) []byte {
	outer, inner := vlan>>12, vlan&0xFFF
	if outer == 0 {
		return strconv.AppendUint(dst, uint64(inner), 10)
	}
	dst = strconv.AppendUint(dst, uint64(outer), 10)
	if inner != 0 {
		dst = append(dst, '.')
		dst = strconv.AppendUint(dst, uint64(inner), 10)
	}
	return dst
}

// Readable gives a key of one of the built-in groups as people write it: "192.168.1.2" for "C0.A8.01.02", "80" for
// "p-0050", "TCP" for "06". Of what is readable already it gives "".
func Readable(g *Group, key string) string {
	switch g.GUID {
	case Hosts, HostsIPv6:
		return readableIP(key)
	case Apps:
		if port, ok := strings.CutPrefix(key, "p-"); ok {
			if n, err := strconv.ParseUint(port, 16, 16); err == nil {
				return strconv.FormatUint(n, 10)
			}
		}
	case NetworkLayerStats:
		return protocolName(key)
	case LinkLayerStats:
		return etherTypeName(key)
	}
	if g.Resolver == Hosts {
		return readableIP(key)
	}
	return ""
}

func readableIP(key string) string {
	var text string
	switch len(key) {
	case 11:
		text = strings.ReplaceAll(key, ".", "")
	case 32:
		text = key
	default:
		return ""
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return ""
	}
	addr, ok := netip.AddrFromSlice(raw)
	if !ok {
		return ""
	}
	return addr.String()
}

func protocolName(key string) string {
	switch key {
	case "01":
		return "ICMP"
	case "02":
		return "IGMP"
	case "06":
		return "TCP"
	case "11":
		return "UDP"
	case "2F":
		return "GRE"
	case "32":
		return "ESP"
	case "3A":
		return "ICMPv6"
	case "59":
		return "OSPF"
	case "84":
		return "SCTP"
	}
	return ""
}

func etherTypeName(key string) string {
	switch key {
	case "0800":
		return "IPv4"
	case "0806":
		return "ARP"
	case "8100":
		return "802.1Q"
	case "86DD":
		return "IPv6"
	case "8847":
		return "MPLS"
	case "8863", "8864":
		return "PPPoE"
	case "88A8":
		return "802.1ad"
	case "88CC":
		return "LLDP"
	}
	return ""
}
