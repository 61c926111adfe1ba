package counter

// The GUIDs of the groups that are fed without a script (Trisul's page "Well known GUIDs").
const (
	Hosts             = "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}"
	HostsIPv6         = "{6CD742B1-C1CA-4708-BE78-0FCA2EB01A86}"
	Apps              = "{C51B48D4-7876-479E-B0D9-BD9EFF03CE2E}"
	Aggregates        = "{393B5EBC-AB41-4387-8F31-8077DB917336}"
	Mac               = "{4B09BD22-3B99-40FC-8215-94A430EA0A35}"
	LinkLayerStats    = "{9F5AD3A9-C74D-46D8-A8A8-DCDD773730BA}"
	NetworkLayerStats = "{E89BCD56-30AD-40F5-B1C8-8B7683F440BD}"
	VLANStats         = "{0EC72E9E-3AD2-43FD-8173-74693EEA08D0}"
	HTTPHosts         = "{D2AAD7C6-E129-4366-A2AD-A8CB9AA4C2F4}"
	HTTPContentTypes  = "{C0C9757F-2005-4CC5-BB96-D72F607E6188}"
	AlertSignatures   = "{A0FA9464-B496-4A20-A9AB-4D2D09AFF902}"
	AlertClasses      = "{20BC4345-37F0-44D0-ABFF-3BED97363CB1}"
	AlertPriorities   = "{9EFAFDD0-6CBB-4C04-8B13-2C8E0A9D3F85}"
	TLSOrganizations  = "{432D7552-0363-4640-9CC5-23E4CA8410EA}"
	TLSCiphers        = "{5B64A573-623F-4F5B-8865-78C62BF466A7}"
	TLSAuthorities    = "{15856A98-7F87-46D7-84D2-18DD549F8A6F}"
)

// The groups that exist so that scripts can count into them and attach to them.
const (
	internalHosts = "{889900CC-0063-11A5-8380-FEBDBABBDBEA}"
	externalHosts = "{00AA77BB-0063-11A5-8380-FEBDBABBDBEA}"
	webHosts      = "{EEF95297-0C8D-4673-AD6B-F4BD2345FD69}"
	emailHosts    = "{22D4082E-B8BA-40D0-A287-1F524DF8DA7B}"
	sshHosts      = "{439002E4-3758-4E88-9438-8034FE1616AF}"
	unusualHosts  = "{AE3A1449-5663-41A5-A028-FDE61DBB7EFA}"
	unleashApps   = "{FF889910-9293-AAA5-0028-883991889884}"
	subnets       = "{429B65AD-CDA4-452E-A852-24D8A3D0FBB3}"
	dirMac        = "{79F60A94-44BD-4C55-891A-77823D59161B}"
	interfaces    = "{8AC478BC-8891-0009-5F31-80774B010086}"
	vsat          = "{A8776788-B8E3-4108-AD24-0E3927D9364B}"
	flowGens      = "{2314BB8E-2BCC-4B86-8AA2-677E5554C0FE}"
	flowIntfs     = "{C0B04CA7-95FA-44EF-8475-3835F3314761}"
	remoteOffice  = "{664D68BF-5544-43CE-A895-50F2E179EA5A}"
	organization  = "{3A597F63-29C0-44AF-A7EF-641897D68693}"
	blacklist     = "{6255BD85-2DCB-49E7-AF1F-1267AAF4DCA1}"
	metaCounters  = "{4D88CC23-2883-4DEA-A313-A23B60FE8BDA}"
	metaSessions  = "{594606BD-EEB2-4E0B-BAC4-84B7057088C8}"
)

// builtin gives Trisul's own counter groups. Meters, their order, top counts and units are those of its page "Trisul
// Traffic Meters". One thing differs: where that page calls a count of events a gauge (alerts, SYN packets, flows), the
// meter is a counter here, and a number of things that are there at the moment is a running counter, because several
// engines add to it.
func builtin() []Group {
	group := func(guid, name, description string, meters ...Meter) Group {
		return Group{GUID: guid, Name: name, Description: description, Meters: meters}
	}
	total := rate("Total", 20, "Bps")
	return []Group{
		group(Aggregates, "Aggregates", "Aggregate statistics", numbered(
			rate("Total", 0, "Bps"), rate("Packets", 0, "pps"), running("Active Sessions", 0, "sess"),
			rate("L2 Broadcast", 0, "Bps"), rate("L2 Multicast", 0, "Bps"), rate("L2 Unicast", 0, "Bps"))...),
		group(Hosts, "Hosts", "IPv4 hosts", hostMeters()...),
		group(HostsIPv6, "HostsIPv6", "IPv6 hosts", hostMeters()...),
		group(Apps, "Apps", "Traffic by application's port", numbered(
			rate("Total", 50, "Bps"), count("Security Alerts", 10, "Alerts"), rate("Into Homenet", 50, "Bps"),
			rate("Outof Homenet", 50, "Bps"), count("Connections", 50, "Conns"))...),
		group(Mac, "Mac", "Traffic per Ethernet address", numbered(rate("Transmit", 20, "Bps"), rate("Receive", 20, "Bps"))...),
		group(LinkLayerStats, "LinkLayerStats", "Traffic by Ethernet type", numbered(
			rate("Total bytes/sec", 10, "Bps"), rate("Total pkts/sec", 0, "pps"))...),
		group(NetworkLayerStats, "NetworkLayerStats", "Traffic by IP protocol", numbered(
			rate("Total bytes/sec", 10, "Bps"), rate("Total pkts/sec", 0, "pps"), running("Active Flows", 0, "flows"),
			count("Total Flows", 0, "flows"))...),
		group(VLANStats, "VLANStats", "Traffic per VLAN", numbered(rate("Total bytes/sec", 20, "Bps"))...),
		group(HTTPHosts, "HTTP Hosts", "Traffic by HTTP host header", numbered(rate("Total Traffic", 50, "Bps"))...),
		group(HTTPContentTypes, "HTTP Content Types", "Traffic by HTTP content type", numbered(rate("Total Traffic", 20, "Bps"))...),
		group(AlertSignatures, "Alert Signatures", "Alerts by signature", numbered(count("Total Alerts", 20, "Count"))...),
		group(AlertClasses, "Alert Classes", "Alerts by classification", numbered(count("Total Alerts", 20, "Count"))...),
		group(AlertPriorities, "Alert Priorities", "Alerts by priority", numbered(count("Total Alerts", 20, "Count"))...),
		group(TLSOrganizations, "TLS Organizations", "TLS by the server's organization", numbered(total, count("Hits", 20, "hits"))...),
		group(TLSCiphers, "TLS Cipher Suites", "TLS by cipher suite", numbered(total, count("Hits", 20, "hits"))...),
		group(TLSAuthorities, "TLS Certificate Authorities", "TLS by certificate authority", numbered(
			count("Intermediate", 20, "hits"), count("Root", 20, "hits"))...),

		withResolver(group(internalHosts, "Internal Hosts", "Hosts of the home networks", hostMeters()...), Hosts),
		withResolver(group(externalHosts, "External Hosts", "Hosts outside of the home networks", hostMeters()...), Hosts),
		withResolver(group(webHosts, "Web Hosts", "Hosts that speak HTTP", hostMeters()...), Hosts),
		withResolver(group(emailHosts, "Email Hosts", "Hosts that send mail", hostMeters()...), Hosts),
		withResolver(group(sshHosts, "SSH Hosts", "Hosts that speak SSH", hostMeters()...), Hosts),
		withResolver(group(unusualHosts, "Unusual Traffic Hosts", "Hosts with unusual traffic", hostMeters()...), Hosts),
		group(unleashApps, "Unleash Apps", "Traffic by application", numbered(total)...),
		group(subnets, "Subnets", "Traffic per IP network", numbered(
			rate("Total bits/sec", 10, "Bps"), rate("Received bits/sec", 0, "Bps"), rate("Transmit bits/sec", 0, "Bps"),
			rate("Total pkts/sec", 0, "pps"))...),
		group(dirMac, "Dir Mac", "Traffic between two Ethernet addresses", numbered(
			rate("Total", 10, "Bps"), rate("A->Z", 0, "Bps"), rate("Z->A", 0, "Bps"))...),
		group(interfaces, "Interfaces", "Traffic per interface", numbered(rate("Total", 10, "Bps"), rate("Packets", 0, "pps"))...),
		group(vsat, "VSAT", "Traffic per VSAT", numbered(
			rate("Total", 20, "Bps"), rate("Out-Route", 20, "Bps"), rate("In-Route", 20, "Bps"),
			rate("UDP down", 15, "Bps"), rate("UDP up", 15, "Bps"), rate("TCP down", 15, "Bps"), rate("TCP up", 15, "Bps"),
			rate("Mcast down", 15, "Bps"), rate("Mcast up", 15, "Bps"),
			rate("Others down", 15, "Bps"), rate("Others up", 15, "Bps"))...),
		group(flowGens, "FlowGens", "Traffic per flow exporter", numbered(
			rate("Total Bytes/sec", 10, "Bps"), rate("Total Flow Bytes/sec", 10, "Bps"), rate("Flow Records/sec", 0, "Rps"))...),
		group(flowIntfs, "FlowIntfs", "Traffic per exporter's interface", numbered(
			rate("Bytes/sec Recv", 10, "Bps"), rate("Bytes/sec Xmit", 10, "Bps"))...),
		group(remoteOffice, "Remote Office", "Traffic per remote office", numbered(total)...),
		group(organization, "Organization", "Traffic per organization", numbered(total)...),
		group(blacklist, "Blacklist", "Hits of blacklists", numbered(count("Hits", 20, "hits"))...),
		group(metaCounters, "Meta Counter Group", "Counters about counter groups", numbered(gauges("Master Size", "MRU Size",
			"Pending KU Size", "Flush US", "Flush Keys", "New Keys", "Key Hits", "Unflushed Keys", "Heap mem", "Tail Prunes",
			"Hi Water Rej")...)...),
		group(metaSessions, "Meta Session Group", "Counters about flows", numbered(gauges("Master Size", "MRU Size", "New",
			"Closed", "Expired", "Terminated", "Flushed", "FlushedActive", "Key Hits", "Heap mem", "Tail Prunes",
			"Hi Water Rej", "After Term", "Flush USecs")...)...),
	}
}

// The meters of hosts that are fed.
const (
	hostTotal     = 0
	hostReceived  = 1
	hostTransmit  = 2
	hostPackets   = 3
	hostConns     = 4
	hostSYNSent   = 8
	hostSYNRecv   = 9
	hostSYNACK    = 10
	hostFlowCount = 13
)

func hostMeters() []Meter {
	return numbered(
		rate("Total", 50, "Bps"), rate("Received", 10, "Bps"), rate("Transmit", 10, "Bps"), rate("Packets", 0, "pps"),
		count("Active TCP Conns", 50, "conns"), count("Attacker alerts", 10, "alerts"), rate("Homenet", 20, "Bps"),
		rate("External", 20, "Bps"), count("TCP SYN sent", 10, "packets"), count("TCP SYN recv", 10, "packets"),
		count("TCP SYNACK sent", 10, "packets"), count("TCP RSTFIN sent", 0, "packets"), count("Victim alerts", 10, "alerts"),
		count("Flows", 10, "flows"))
}

func withResolver(g Group, guid string) Group {
	g.Resolver = guid
	return g
}

func rate(name string, top int, units string) Meter {
	return Meter{Type: RateCounter, TopN: top, Name: name, Description: name, Units: units}
}

func count(name string, top int, units string) Meter {
	return Meter{Type: Counter, TopN: top, Name: name, Description: name, Units: units}
}

func running(name string, top int, units string) Meter {
	return Meter{Type: RunningCounter, TopN: top, Name: name, Description: name, Units: units}
}

func gauges(names ...string) []Meter {
	var meters []Meter
	for _, name := range names {
		meters = append(meters, Meter{Type: Gauge, Name: name, Description: name, Units: "i"})
	}
	return meters
}

func numbered(meters ...Meter) []Meter {
	for i := range meters {
		meters[i].ID = i
	}
	return meters
}
