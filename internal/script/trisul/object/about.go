package object

import (
	"net/netip"
	"strconv"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// About says what the hook is about, in words for people: "flow 192.168.1.2:2964 -> 209.216.249.58:80 tcp"; "" when it is
// about no flow.
func (m *Moment) About() string {
	var k packet.Tuple
	switch {
	case m.Flow != nil:
		k = m.Flow.Key
	case m.Packet != nil:
		k = m.Packet.Tuple
	}
	src, dst := flow.Addr(k.Src, k.Version), flow.Addr(k.Dst, k.Version)
	if !src.IsValid() {
		return ""
	}
	var room [128]byte
	b := append(room[:0], "flow "...)
	b = netip.AddrPortFrom(src, k.SrcPort).AppendTo(b)
	b = append(b, " -> "...)
	b = netip.AddrPortFrom(dst, k.DstPort).AppendTo(b)
	b = append(b, ' ')
	switch k.Proto {
	case 6:
		b = append(b, "tcp"...)
	case 17:
		b = append(b, "udp"...)
	default:
		b = strconv.AppendUint(append(b, "protocol "...), uint64(k.Proto), 10)
	}
	return string(b)
}
