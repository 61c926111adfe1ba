package dns

import (
	"strings"
	"testing"

	"eddy/internal/fastpath/learned"
)

// The document of a query is that of the example on Trisul's page "Object AC", where "toolbar" ends at character 87.
func TestTextOfQuery(t *testing.T) {
	d, err := Parse(append([]byte{0x99, 0x33, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, "\x07toolbar\x06google\x03com\x00\x00\x01\x00\x01"...))
	if err != nil {
		t.Fatal(err)
	}
	const want = "QUERY\tID: 39219\tFlags:0x0100\tQDCount:1\tANCount:0\tNSCount:0\tARCount:0\nQuestions\n.toolbar.google.com\t\tA\tIN\n\n"
	got := Text(d)
	if got != want {
		t.Errorf("%q", got)
	}
	if end := strings.Index(got, "toolbar") + len("toolbar"); end != 87 {
		t.Errorf("toolbar ends at %d", end)
	}
	if uri, contents := Resource(d); uri != "" || contents != "" {
		t.Errorf("a query is the resource %q, %q", uri, contents)
	}
}

func TestTextOfAnswer(t *testing.T) {
	d := &learned.DNS{ID: 7, Answer: true, Flags: 0x8180, RCode: "NOERROR", Counts: [4]uint16{1, 2, 1, 1},
		Questions: []learned.DNSQuestion{{Name: "a.example", Type: "A", Class: "IN"}},
		Answers: []learned.DNSRecord{
			{Name: "a.example", Type: "CNAME", Class: "IN", TTL: 60, Data: "b.example"},
			{Name: "b.example", Type: "A", Class: "IN", TTL: 5, Data: "192.0.2.1"}},
		Authority: []learned.DNSRecord{{Name: "example", Type: "NS", Class: "IN", TTL: 1, Data: "."}},
		Extra:     []learned.DNSRecord{{Name: ".", Type: "OPT", Class: "CLASS1232"}},
	}
	const want = "RESPONSE\tID: 7\tFlags:0x8180\tQDCount:1\tANCount:2\tNSCount:1\tARCount:1\n" +
		"Questions\n.a.example\t\tA\tIN\n\n" +
		"Answers\n.a.example\t60\tCNAME\tIN\tb.example\n.b.example\t5\tA\tIN\t192.0.2.1\n\n" +
		"Authority\n.example\t1\tNS\tIN\t.\n\nAdditional\n.\t0\tOPT\tCLASS1232\n\n"
	if got := Text(d); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if uri, contents := Resource(d); uri != "a.example" || contents != "CNAME b.example\nA 192.0.2.1" {
		t.Errorf("%q, %q", uri, contents)
	}
	d.Answers, d.RCode = nil, "NXDOMAIN"
	if uri, contents := Resource(d); uri != "a.example" || contents != "NXDOMAIN" {
		t.Errorf("%q, %q", uri, contents)
	}
}

func TestResourceIsBounded(t *testing.T) {
	d := &learned.DNS{Answer: true, Questions: []learned.DNSQuestion{{Name: "x"}}}
	for range 100 {
		d.Answers = append(d.Answers, learned.DNSRecord{Type: "TXT", Data: strings.Repeat("y", 1000)})
	}
	if _, contents := Resource(d); len(contents) > maxContents || len(contents) < maxContents/2 {
		t.Errorf("%d bytes", len(contents))
	}
}
