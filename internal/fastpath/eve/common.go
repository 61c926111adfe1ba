package eve

import (
	"strconv"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
)

// direction says which end of the flow an event has as its source.
type direction uint8

const (
	fromClient = direction(flow.ToServer)
	fromServer = direction(flow.ToClient)
	noFlow     = direction(2)
)

// flowIf is for records that need not have come of a flow.
func flowIf(has bool) direction {
	if has {
		return fromClient
	}
	return noFlow
}

// begin writes what all events have in common.
func (l *line) begin(at *learned.Where, kind string, from direction) {
	l.text = append(l.text, '{')
	l.time("timestamp", at.Time)
	if from != noFlow && at.Serial != 0 {
		l.uint("flow_id", at.Serial)
	}
	l.string("event_type", kind)
	if from == noFlow {
		return
	}
	k := at.Flow
	if from == fromServer {
		k = flow.Reverse(k)
	}
	if k.VLAN != 0 {
		l.vlan(k.VLAN)
	}
	l.side("src", k.Src, k.SrcPort, &k)
	l.side("dest", k.Dst, k.DstPort, &k)
	if k.Version != 0 {
		l.proto(k.Proto)
	}
}

func (l *line) end() { l.text = append(l.text, "}\n"...) }

// vlan writes the tags' numbers, the outer one first.
func (l *line) vlan(tags uint32) {
	l.openList("vlan")
	if outer := tags >> 12; outer != 0 {
		l.text = strconv.AppendUint(l.text, uint64(outer), 10)
		l.text = append(l.text, ',')
	}
	l.text = strconv.AppendUint(l.text, uint64(tags&0xfff), 10)
	l.closeList()
}

// side writes one end of a flow; name is "src" or "dest".
func (l *line) side(name string, addr [16]byte, port uint16, k *flow.Key) {
	if k.Version == 0 {
		return
	}
	l.comma()
	l.text = append(append(append(l.text, '"'), name...), `_ip":"`...)
	l.text = append(flow.Addr(addr, k.Version).AppendTo(l.text), '"')
	if hasPorts(k.Proto) {
		l.text = append(append(append(l.text, ',', '"'), name...), `_port":`...)
		l.text = strconv.AppendUint(l.text, uint64(port), 10)
	}
}

func hasPorts(proto uint8) bool { return proto == 6 || proto == 17 || proto == 132 }

// proto writes an IP protocol's name, or its number where it is none of those that are met (IANA, "Protocol Numbers").
func (l *line) proto(n uint8) {
	name := ""
	switch n {
	case 1:
		name = "ICMP"
	case 2:
		name = "IGMP"
	case 4:
		name = "IPIP"
	case 6:
		name = "TCP"
	case 17:
		name = "UDP"
	case 41:
		name = "IPv6"
	case 47:
		name = "GRE"
	case 50:
		name = "ESP"
	case 51:
		name = "AH"
	case 58:
		name = "IPv6-ICMP"
	case 89:
		name = "OSPF"
	case 132:
		name = "SCTP"
	default:
		l.name("proto")
		l.text = append(l.text, '"')
		l.text = append(strconv.AppendUint(l.text, uint64(n), 10), '"')
		return
	}
	l.string("proto", name)
}
