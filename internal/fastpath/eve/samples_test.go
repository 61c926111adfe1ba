package eve

import (
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/ledger"
)

// noon is 2009-11-22T12:00:00.000001 UTC in nanoseconds.
const noon = 1258891200_000001_000

func where() learned.Where {
	k := flow.Key{SrcPort: 50000, DstPort: 80, Proto: 6, Version: 4, VLAN: 7<<12 | 5}
	copy(k.Src[:], []byte{192, 0, 2, 1})
	copy(k.Dst[:], []byte{198, 51, 100, 2})
	return learned.Where{Time: noon, Flow: k, Serial: 42}
}

// full gives a record of each kind with all that it can have.
func full() map[string]learned.Record {
	at := where()
	records := []learned.DNSRecord{{Name: "a.example", Type: "A", Class: "IN", TTL: 60, Data: "192.0.2.1"},
		{Name: "a.example", Type: "TXT", TTL: 1, Data: `"x\"y"`}, {Name: "a.example", Type: "A", Data: "192.0.2.2"}}
	group := &counter.Group{GUID: "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}", Name: "Hosts"}
	return map[string]learned.Record{
		"flow": &learned.FlowRecord{Where: at, State: flow.SeenSYN | flow.SeenSYNACK | flow.SeenFIN | flow.SeenRST | flow.Terminated,
			Start: noon, Last: noon + 1500*1e6, Count: [2]flow.Count{{Packets: 3, Bytes: 300}, {Packets: 4, Bytes: 4000}},
			RTT: 1_234_567, Retransmits: 1, Tags: []string{"one", "two"}, App: "http", Over: true},
		"http": &learned.HTTP{Where: at, Method: "GET", Host: "example.org:8080", Target: "/a?b", Version: "HTTP/1.1",
			UserAgent: "x", Referer: "y", Status: 200, ContentType: "text/html; charset=utf-8", Length: 5, Exchange: 2},
		"fileinfo": &learned.File{Where: at, Name: "/a", Host: "example.org:8080", Method: "GET", Dir: flow.ToClient, Status: 200,
			Type: "text/html", Size: 5, Closed: true, MD5: "m", SHA1: "s", SHA256: "t", Exchange: 2, Stored: true},
		"dns": &learned.DNS{Where: at, ID: 7, Answer: true, Flags: 0x8780, RCode: "NOERROR",
			Questions: []learned.DNSQuestion{{Name: "a.example", Type: "A", Class: "IN"}},
			Answers:   records, Authority: records, Extra: records},
		"tls": &learned.TLS{Where: at, SNI: "example.org", Version: "TLS 1.2", Cipher: 0xc02f, ALPN: []string{"h2", "http/1.1"},
			Protocol: "h2", Resumed: true, HasServer: true, JA3: learned.Fingerprint{Text: "771,,,,", Hash: "a"},
			JA3S: learned.Fingerprint{Text: "771,,", Hash: "b"}, JA4: "t12",
			Chain: []learned.Certificate{{Subject: "CN=a", Issuer: "CN=b", Serial: "01", SHA1: "cb:69", NotBefore: 1, NotAfter: 2, DNSNames: []string{"a"}}}},
		"alert": &learned.Alert{Where: at, Group: "{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}", HasFlow: true, Key: "1:2013504:3",
			Classification: "c", Priority: 1, Message: "m", Status: "FIRED", Threshold: true, Extra: "e", Acknowledged: 1},
		"resource": &learned.Resource{Where: at, Group: learned.DNSResources, HasFlow: true, URI: "u", Contents: "c"},
		"counter": &learned.Counter{Where: at, Group: group.GUID, Name: "Hosts", Key: "C0.00.02.01", Label: "l", Interval: 60e9,
			Meters: []learned.Meter{{Name: "Total", Value: 1.5}, {Name: "Recv", Value: 3e22}}},
		"topper":  &ledger.Topper{Where: at, Group: group, Meter: 1, Key: "k", Value: 2, Rank: 1, Bottom: true},
		"tracked": &ledger.Tracked{Where: at, Tracker: "big", Rank: 1, Metric: 9},
		"edge":    &learned.Link{Where: at, FromGroup: "{A}", From: "a", ToGroup: "{B}", To: "b"},
		"keyinfo": &learned.KeyInfo{Where: at, Group: "{A}", Key: "k", Label: "l", Description: "d", Attribute: "a", Value: "v"},
	}
}

// bare gives a record of each kind with nothing in it.
func bare() map[string]learned.Record {
	return map[string]learned.Record{
		"flow": &learned.FlowRecord{}, "http": &learned.HTTP{}, "fileinfo": &learned.File{}, "dns": &learned.DNS{}, "tls": &learned.TLS{},
		"alert": &learned.Alert{}, "resource": &learned.Resource{}, "counter": &learned.Counter{},
		"topper": &ledger.Topper{Group: &counter.Group{}}, "tracked": &ledger.Tracked{}, "edge": &learned.Link{}, "keyinfo": &learned.KeyInfo{},
	}
}
