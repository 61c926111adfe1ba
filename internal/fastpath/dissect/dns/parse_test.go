package dns

import (
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"eddy/internal/fastpath/dissect/pcaptest"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
)

// message puts a message together: a header, and what follows in hexadecimal, blanks and all.
func message(flags uint16, counts [4]byte, rest string) []byte {
	out := []byte{0x12, 0x34, byte(flags >> 8), byte(flags)}
	for _, n := range counts {
		out = append(out, 0, n)
	}
	body, err := hex.DecodeString(strings.Join(strings.Fields(rest), ""))
	if err != nil {
		panic(err)
	}
	return append(out, body...)
}

const (
	exampleOrg = "07 6578616d706c65 03 6f7267 00 " // example.org at byte 12
	askA       = exampleOrg + "0001 0001 "
)

func TestRecordData(t *testing.T) {
	for _, tt := range []struct {
		typ  string // hexadecimal
		data string
		want string
	}{
		{"0001", "c0000201", "A 192.0.2.1"},
		{"001c", "20010db8000000000000000000000001", "AAAA 2001:db8::1"},
		{"0005", "03777777c00c", "CNAME www.example.org"},
		{"0002", "00", "NS ."},
		{"000f", "000a 046d61696c c00c", "MX 10 mail.example.org"},
		{"0010", "03 612262 00 02 0aff", `TXT "a\"b" "" "\010\255"`},
		{"0006", "c00c c00c 00000001 00000002 00000003 00000004 00000005", "SOA example.org example.org 1 2 3 4 5"},
		{"0021", "0001 0002 01bb c00c", "SRV 1 2 443 example.org"},
		{"0023", "0001 0002 0153 03534950 00 00", `NAPTR 1 2 "S" "SIP" "" .`},
		{"002b", "1234 08 02 abcdef", "DS 4660 8 2 abcdef"},
		{"002e", "0001 08 02 00000e10 5fffffff 5f000000 1234 c00c 0102", "RRSIG A 8 2 3600 20210114082535 20200704040520 4660 example.org AQI="},
		{"002f", "c00c 0006 400000000003 0101 40", "NSEC example.org A RRSIG NSEC CAA"},
		{"0032", "01 00 000a 02 abcd 02 0102 0001 40", "NSEC3 1 0 10 abcd 0410 A"},
		{"0033", "01 00 0000 00", "NSEC3PARAM 1 0 0 -"},
		{"0041", "0001 00 0001 0006 02 6832 02 6833 0003 0002 01bb 0004 0004 c0000201", `HTTPS 1 . alpn="h2,h3" port=443 ipv4hint=192.0.2.1`},
		{"0040", "0000 c00c", "SVCB 0 example.org"},
		{"0101", "00 05 6973737565 61 22 62", `CAA 0 issue "a\"b"`},
		{"0100", "0001 0002 68747470", `URI 1 2 "http"`},
		{"ff00", "0102", `TYPE65280 \# 2 0102`},
		{"0029", "", `OPT \# 0`},
		{"0001", "", `A \# 0`},
		{"0005", "01 2e 01 5c 01 00 00", `CNAME \..\\.\000`},
	} {
		data := strings.ReplaceAll(tt.data, " ", "")
		size := strconv.FormatInt(int64(len(data)/2+0x10000), 16)[1:]
		d, err := Parse(message(0x8180, [4]byte{1, 1, 0, 0}, askA+"c00c "+tt.typ+" 0001 00000e10 "+size+tt.data))
		if err != nil || len(d.Answers) != 1 {
			t.Errorf("%s: %v, %+v", tt.want, err, d)
			continue
		}
		if got := d.Answers[0].Type + " " + d.Answers[0].Data; got != tt.want || d.Answers[0].Name != "example.org" || d.Answers[0].TTL != 3600 {
			t.Errorf("got %s, not %s; %+v", got, tt.want, d.Answers[0])
		}
	}
}

// TestDamage: what is wrong costs no more than itself.
func TestDamage(t *testing.T) {
	goodA := "c00c 0001 0001 00000001 0004 c0000201 "
	for name, tt := range map[string]struct {
		msg     []byte
		answers []string
		problem string
	}{
		"cut in a record":           {message(0x8180, [4]byte{1, 2, 0, 0}, askA+goodA+"c00c 0001"), []string{"example.org 192.0.2.1"}, "cut off"},
		"bad address":               {message(0x8180, [4]byte{1, 2, 0, 0}, askA+"c00c 0001 0001 00000001 0003 c00002"+goodA), []string{`example.org \# 3 c00002`, "example.org 192.0.2.1"}, "form of its type"},
		"pointer forward":           {message(0x8180, [4]byte{1, 2, 0, 0}, askA+"c0ff 0001 0001 00000001 0004 c0000201"+goodA), []string{" 192.0.2.1", "example.org 192.0.2.1"}, "does not point back"},
		"pointer to itself":         {message(0x8180, [4]byte{1, 2, 0, 0}, askA+"c01d 0001 0001 00000001 0004 c0000201"+goodA), []string{" 192.0.2.1", "example.org 192.0.2.1"}, "does not point back"},
		"pointer into its own name": {message(0x8180, [4]byte{1, 1, 0, 0}, askA+"0161 c01d 0001 0001 00000001 0004 c0000201"), []string{"a 192.0.2.1"}, "does not point back"},
		"label of a new kind":       {message(0x8180, [4]byte{1, 1, 0, 0}, askA+"41 0001 0001 00000001 0004 c0000201"), nil, "unknown kind"},
		"name in data beyond it":    {message(0x8180, [4]byte{1, 1, 0, 0}, askA+"c00c 0005 0001 00000001 0001 01"), []string{`example.org \# 1 01`}, "form of its type"},
	} {
		d, err := Parse(tt.msg)
		if err == nil || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, r := range d.Answers {
			got = append(got, r.Name+" "+r.Data)
		}
		if !slices.Equal(got, tt.answers) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if d, err := Parse(make([]byte, 11)); d != nil || err == nil {
		t.Error(d, err)
	}
}

// A message that names the same long name again and again is not unpacked to a hundred times its size.
func TestAmplification(t *testing.T) {
	for _, size := range []int{512, 1400, 1<<16 - 16} {
		testAmplification(t, size)
	}
}

func testAmplification(t *testing.T, size int) {
	msg := append(make([]byte, 0, 1<<16), 0, 0, 0x80, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0)
	for range 3 {
		msg = append(msg, 63)
		for range 63 {
			msg = append(msg, 1)
		}
	}
	msg = append(msg, 0, 0, 1, 0, 1) // A, IN
	for len(msg) < size {
		msg = append(msg, 0xc0, headerLen, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0)
	}
	d, err := Parse(msg)
	if err == nil {
		t.Fatal("accepted")
	}
	text := 0
	for _, r := range d.Answers {
		text += len(r.Name) + len(r.Data)
	}
	if text == 0 || text > maxText(msg) {
		t.Errorf("%d bytes of text from %d", text, len(msg))
	}
}

func TestHeader(t *testing.T) {
	d, err := Parse(message(0x2883, [4]byte{0, 0, 0, 1}, "00 0029 1000 01 00 0000 0000"))
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != 0x1234 || d.Answer || d.Opcode != 5 || d.RCode != "BADMODE" { // 1<<4 of OPT, and the header's 3
		t.Errorf("%+v", d)
	}
	if d.Extra[0].Class != "CLASS4096" {
		t.Errorf("%+v", d.Extra)
	}
}

// TestCaptures counts what tshark counts.
func TestCaptures(t *testing.T) {
	for name, want := range pcaptest.Column(t, "dns_messages") {
		messages, bad := 0, 0
		eachMessage(t, name, func(d *learned.DNS, looks bool, err error) {
			messages++
			if err != nil {
				bad++
			}
			if !looks && d != nil && len(d.Questions) > 0 && err == nil {
				t.Errorf("%s: does not look like DNS: %s", name, Text(d))
			}
		})
		if strconv.Itoa(messages) != want {
			t.Errorf("%s: %d messages, not %s", name, messages, want)
		}
		if bad > 0 {
			t.Logf("%s: %d damaged", name, bad)
		}
	}
}

func eachMessage(t *testing.T, capture string, each func(d *learned.DNS, looks bool, err error)) {
	t.Helper()
	pcaptest.Packets(t, capture, func(p *packet.Packet) {
		isDNS := p.SrcPort == 53 || p.DstPort == 53 || p.SrcPort == 5353 || p.DstPort == 5353
		if !isDNS || p.Fragment || len(p.Payload()) == 0 {
			return
		}
		payload := p.Payload()
		if p.Proto == 6 {
			var s Stream
			s.Data(payload, func(message []byte) {
				d, err := Parse(message)
				each(d, LooksFramed(payload), err)
			})
			return
		}
		d, err := Parse(payload)
		each(d, Looks(payload), err)
	})
}

// TestLikeTshark compares names, types and codes with tshark's, message by message.
func TestLikeTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	for _, name := range []string{"trisul_16minutes.pcap", "zeek_dns53.pcap", "zeek_ipv6-fragmented-dns.pcap", "ndpi_dns_fragmented.pcap", "zeek_smtp.pcap"} {
		out, err := exec.Command(tshark, "-r", filepath.Join(pcaptest.Dir(t), name), "-Y", "dns", "-T", "fields",
			"-e", "dns.id", "-e", "dns.flags", "-e", "dns.qry.name", "-e", "dns.resp.name", "-e", "dns.a", "-E", "separator=|").Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
		var got []string
		eachMessage(t, name, func(d *learned.DNS, _ bool, _ error) { got = append(got, tsharkFields(d)) })
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("%s, message %d:\n got %s\nwant %s", name, i+1, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d messages, not %d", name, len(got), len(want))
		}
	}
}

func tsharkFields(d *learned.DNS) string {
	var asked, names, addresses []string
	shown := func(name string) string {
		if name == "." {
			return "<Root>"
		}
		return name
	}
	for _, q := range d.Questions {
		asked = append(asked, shown(q.Name))
	}
	for _, section := range [][]learned.DNSRecord{d.Answers, d.Authority, d.Extra} {
		for _, r := range section {
			names = append(names, shown(r.Name))
			if r.Type == "A" {
				addresses = append(addresses, r.Data)
			}
		}
	}
	const digits = "0123456789abcdef"
	hex16 := func(v uint16) string {
		return "0x" + string([]byte{digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15]})
	}
	return strings.Join([]string{hex16(d.ID), hex16(d.Flags), strings.Join(asked, ","), strings.Join(names, ","), strings.Join(addresses, ",")}, "|")
}
