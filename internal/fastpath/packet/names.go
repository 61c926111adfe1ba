package packet

var problemNames = [NumProblems]string{
	None:               "no problem",
	TruncatedLink:      "truncated link-layer header",
	TruncatedVLAN:      "truncated VLAN tag",
	TruncatedMPLS:      "truncated MPLS label stack",
	TruncatedPPPoE:     "truncated PPPoE header",
	TruncatedARP:       "truncated ARP packet",
	TruncatedIPv4:      "truncated IPv4 packet",
	TruncatedIPv6:      "truncated IPv6 packet",
	TruncatedExtension: "truncated IPv6 extension header",
	TruncatedGRE:       "truncated GRE header",
	TruncatedTCP:       "truncated TCP header",
	TruncatedUDP:       "truncated UDP header",
	TruncatedICMP:      "truncated ICMP header",
	TruncatedSCTP:      "truncated SCTP header",
	BadIPv4Header:      "malformed IPv4 header",
	BadIPv6Header:      "malformed IPv6 header",
	BadTCPHeader:       "malformed TCP header",
	BadUDPLength:       "wrong UDP length",
	FragmentOverlap:    "overlapping fragments",
	FragmentLimit:      "fragments given up",
	TooDeep:            "too many layers",
	UnknownLink:        "link type not decoded",
	UnknownEtherType:   "EtherType not decoded",
	UnknownProtocol:    "protocol not decoded",
}

// String gives a problem's name for reports.
func (p Problem) String() string {
	if p < NumProblems {
		return problemNames[p]
	}
	return "unknown problem"
}

var protoNames = [NumProtos]string{
	ProtoNone: "none",
	Ethernet:  "Ethernet",
	VLAN:      "VLAN",
	MPLS:      "MPLS",
	PPPoE:     "PPPoE",
	PPP:       "PPP",
	SLL:       "Linux cooked",
	Null:      "loopback",
	NFLOG:     "NFLOG",
	LLC:       "LLC",
	ARP:       "ARP",
	IPv4:      "IPv4",
	IPv6:      "IPv6",
	IPv6Ext:   "IPv6 extension",
	GRE:       "GRE",
	TCP:       "TCP",
	UDP:       "UDP",
	ICMP:      "ICMP",
	ICMPv6:    "ICMPv6",
	SCTP:      "SCTP",
	Payload:   "payload",
	Custom:    "custom",
}

// String gives a layer's name for reports.
func (p Proto) String() string {
	if p < NumProtos {
		return protoNames[p]
	}
	return "unknown"
}
