package lib

import (
	"net/netip"
	"strings"

	"eddy/internal/script/vm"
)

// network is what core.parse_addr returns: an address with the length of its network.
type network struct{ netip.Prefix }

// parseNetwork reads "127.0.0.1", "127.0.0.1/8" or "::1/64". An IPv4 mask may have dots.
func parseNetwork(s string) (network, bool) {
	addr, length, masked := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Zone() != "" {
		return network{}, false
	}
	if !masked {
		return network{netip.PrefixFrom(a, a.BitLen())}, true
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return network{p}, true
	}
	m, err := netip.ParseAddr(length)
	if err != nil || !m.Is4() || !a.Is4() {
		return network{}, false
	}
	bits, b := 0, m.As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	for n&(1<<31) != 0 {
		bits++
		n <<= 1
	}
	if n != 0 {
		return network{}, false
	}
	return network{netip.PrefixFrom(a, bits)}, true
}

// overlaps is core.match_addr: one of the networks lies in the other.
func (n network) overlaps(o network) bool { return n.Masked().Overlaps(o.Masked()) }

// Addresses are core.parse_addr and core.match_addr.
func Addresses() Funcs {
	return Funcs{
		"parse_addr": func(c *vm.Call) error {
			s, err := Str(c, 1, "core.parse_addr", 1)
			if err != nil {
				return err
			}
			if n, ok := parseNetwork(s); ok {
				c.PushOwned(n)
			} else {
				c.PushNil()
			}
			return nil
		},
		"match_addr": func(c *vm.Call) error {
			a, ok := c.Object(1).(network)
			if !ok {
				return Wrong(c, 1, "core.match_addr", 1, "an address made by core.parse_addr")
			}
			b, ok := c.Object(2).(network)
			if !ok {
				return Wrong(c, 2, "core.match_addr", 2, "an address made by core.parse_addr")
			}
			c.PushBool(a.overlaps(b))
			return nil
		},
	}
}
