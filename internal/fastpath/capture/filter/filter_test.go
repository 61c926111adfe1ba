package filter_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"eddy/internal/fastpath/capture/filter"
	"eddy/internal/fastpath/packet"
)

// datagrams from 10.0.0.1:1234 to 10.0.0.2:53 and from [::1]:1234 to [::2]:53, UDP with "hello".
const (
	four = "45000021000000004011000" + "00a0000010a000002" + "04d20035000d000068656c6c6f"
	six  = "60000000000d1140" + "00000000000000000000000000000001" + "00000000000000000000000000000002" + "04d20035000d000068656c6c6f"
	macs = "020000000001" + "020000000002"
)

func bytesOf(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func matches(t testing.TB, expr string, o filter.Options, f packet.Frame) bool {
	t.Helper()
	p, err := filter.Compile(expr, o)
	if err != nil {
		t.Fatal(err)
	}
	f.Link, f.Wire = o.Link, max(f.Wire, uint32(len(f.Data)))
	return p.Match(&f)
}

// TestLinks asks the same of the same datagrams behind all kinds of link-layer headers.
func TestLinks(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("00", n) }
	for _, c := range []struct {
		name string
		link packet.Link
		v4   string
		v6   string
		expr string // "%s" is what is asked for
	}{
		{"Ethernet", 1, macs + "0800" + four, macs + "86dd" + six, "%s"},
		{"VLAN", 1, macs + "81000005" + "0800" + four, macs + "88a80005" + "86dd" + six, "vlan 5 and %s"},
		{"QinQ", 1, macs + "88a80007" + "81000005" + "0800" + four, macs + "91000007" + "81000005" + "86dd" + six, "vlan 7 and vlan 5 and %s"},
		{"MPLS", 1, macs + "8847" + "00064100" + four, macs + "8847" + "00064100" + six, "mpls 100 and %s"},
		{"MPLS twice", 1, macs + "8847" + "00064000" + "000c8100" + four, macs + "8847" + "00064000" + "000c8100" + six, "mpls 100 and mpls 200 and %s"},
		{"PPPoE", 1, macs + "8864" + "110000090023" + "0021" + four, macs + "8864" + "11000009003b" + "0057" + six, "pppoes 9 and %s"},
		{"cooked", 113, zeros(14) + "0800" + four, zeros(14) + "86dd" + six, "%s"},
		{"cooked 2", 276, "0800" + zeros(18) + four, "86dd" + zeros(18) + six, "%s"},
		{"raw", 101, four, six, "%s"},
		{"null", 0, "02000000" + four, "0000001e" + six, "%s"},
		{"loop", 108, "00000002" + four, "00000018" + six, "%s"},
		{"PPP", 9, "ff030021" + four, "ff030057" + six, "%s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := filter.Options{Link: c.link, Keep: 99}
			v4, v6 := packet.Frame{Data: bytesOf(t, c.v4)}, packet.Frame{Data: bytesOf(t, c.v6)}
			for _, q := range []struct {
				expr          string
				isFour, isSix bool
			}{
				{"ip", true, false}, {"ip6", false, true}, {"udp port 53", true, true}, {"tcp", false, false},
				{"src host 10.0.0.1", true, false}, {"dst host ::2", false, true}, {"src host ::2", false, false},
				{"net 10.0.0.0/30", true, false}, {"src portrange 1000-2000", true, true}, {"not udp", false, false},
				{"ip[9] = 17", true, false}, {"udp[8:4] = 0x68656c6c", true, false}, {"arp", false, false},
			} {
				expr := fmt.Sprintf(c.expr, "("+q.expr+")")
				if got := matches(t, expr, o, v4); got != q.isFour {
					t.Errorf("%s: IPv4 %v", expr, got)
				}
				if got := matches(t, expr, o, v6); got != q.isSix {
					t.Errorf("%s: IPv6 %v", expr, got)
				}
			}
		})
	}
}

// TestTagBeside filters frames whose outer VLAN tag the kernel keeps beside them.
func TestTagBeside(t *testing.T) {
	o := filter.Options{Link: packet.LinkEthernet, Keep: 99, Live: true}
	bare := packet.Frame{Data: bytesOf(t, macs+"0800"+four)}
	tagged := bare
	tagged.VLAN = 1<<16 | 3<<13 | 5
	double := packet.Frame{Data: bytesOf(t, macs+"81000007"+"0800"+four), VLAN: tagged.VLAN}
	for _, c := range []struct {
		expr                 string
		bare, tagged, double bool
	}{
		{"vlan", false, true, true},
		{"vlan 5", false, true, true},
		{"vlan 6", false, false, false},
		{"vlan 5 and udp port 53", false, true, false},
		{"vlan 5 and vlan 7 and udp port 53", false, false, true},
		{"udp port 53", true, true, false},
	} {
		for name, f := range map[string]struct {
			packet.Frame
			want bool
		}{"bare": {bare, c.bare}, "tagged": {tagged, c.tagged}, "double": {double, c.double}} {
			if got := matches(t, c.expr, o, f.Frame); got != f.want {
				t.Errorf("%s, %s: %v", c.expr, name, got)
			}
		}
	}
}

// TestAlone has what tcpdump refuses and what has the same answer for all frames.
func TestAlone(t *testing.T) {
	o := filter.Options{Link: packet.LinkEthernet, Keep: 99}
	f := packet.Frame{Data: bytesOf(t, macs+"0800"+four)}
	for expr, want := range map[string]bool{
		"10.0.0.1": true, "10.0.0.0/8": true, "192.168.0.0/16": false, "1 + 2 * 3 == 7": true, "(1 + 2) * 3 == 9": true,
		"-1 > 5": true, "10 - 4 - 3 = 3": true, "1 << 4 | 1 = 17": true, "7 & 3 ^ 1 = 2": true, "9 % 4 = 1": true, "0x10 = 16": true,
		"len / 0xffffffff = 0": true, "ether": true, "len - len = 0": true, "5 = len - len + 5": true,
		"ip[ip[0] & 15] = 4": false, "ip[(ip[0] & 15) + 4] = 17": true,
		"(((udp)))": true, "not not udp": true, "udp and not (tcp or arp)": true,
	} {
		if got := matches(t, expr, o, f); got != want {
			t.Errorf("%s: %v", expr, got)
		}
	}
}

// TestFar compiles an expression whose branches reach too far for one jump.
func TestFar(t *testing.T) {
	o := filter.Options{Link: packet.LinkEthernet, Keep: 99}
	var hosts []string
	for i := range 200 {
		hosts = append(hosts, fmt.Sprintf("ip host 10.1.0.%d", i))
	}
	expr := "(" + strings.Join(hosts, " or ") + " or ip host 10.0.0.1) and udp and not port 54"
	if !matches(t, expr, o, packet.Frame{Data: bytesOf(t, macs+"0800"+four)}) {
		t.Error("does not match")
	}
	if matches(t, expr+" and tcp", o, packet.Frame{Data: bytesOf(t, macs+"0800"+four)}) {
		t.Error("matches")
	}
}

// TestErrors wants to be told what is wrong, and where.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		expr   string
		column int
		text   string
	}{
		{"tcp prot 80", 5, `expected "and", "or" or the end, found "prot"`},
		{"foo", 1, `expected a protocol, host, net, port or another condition, found "foo"`},
		{"port", 5, "expected a port, but the expression ends"},
		{"port 65536", 6, `a port is at most 65535, found "65536"`},
		{"port nosuchservice", 6, `expected a port's number or a service's name, found "nosuchservice"`},
		{"icmp port 3", 11, `icmp has no ports, found "3"`},
		{"host example.com", 6, `expected an address: names are not looked up, found "example.com"`},
		{"host 1.2.3.400", 6, `expected an IPv4 or IPv6 address, found "1.2.3.400"`},
		{"net 10.1.1.1/8", 5, `the address has bits beyond the network's mask, found "10.1.1.1"`},
		{"net 10.0.0.0/33", 14, `a prefix length is at most 32, found "33"`},
		{"ip6 host 10.0.0.1", 10, `ip6 needs an IPv6 address, found "10.0.0.1"`},
		{"(tcp or udp", 12, `expected ")", but the expression ends`},
		{"tcp or", 7, "expected a protocol, host, net, port or another condition, but the expression ends"},
		{"tcp[13", 7, `expected "]", but the expression ends`},
		{"tcp[13:3] = 1", 8, `a size is 1, 2 or 4 bytes, found "3"`},
		{"tcp[13] & 2", 12, "expected a comparison, but the expression ends"},
		{"len > ", 7, "expected a number, but the expression ends"},
		{"1 / 0 = 1", 3, `this can't be computed, found "/"`},
		{"vlan 5000", 6, `a VLAN's number is at most 4095, found "5000"`},
		{"gateway foo", 1, `this word is not supported, found "gateway"`},
		{"ether host 10.0.0.1", 12, `expected an address such as 00:53:00:12:ab:cd, found "10.0.0.1"`},
		{"ip broadcast", 4, `needs the network's mask: write "ether broadcast" or "dst host" with the address, found "broadcast"`},
		{"tcp $ udp", 5, `'$' has no meaning here`},
		{strings.Repeat("(", 1000), 101, `too deeply nested, found "("`},
	} {
		_, err := filter.Compile(c.expr, filter.Options{Link: packet.LinkEthernet, Keep: 99})
		var e *filter.Error
		if !errors.As(err, &e) || e.Column != c.column || e.Text != c.text {
			t.Errorf("%.50q: %v\nwant column %d: %s", c.expr, err, c.column, c.text)
		}
	}
	for expr, link := range map[string]packet.Link{"ether host 00:00:00:00:00:01": 101, "vlan": 101, "tcp": 105} {
		if _, err := filter.Compile(expr, filter.Options{Link: link, Keep: 99}); err == nil {
			t.Errorf("%q for link type %d: no error", expr, link)
		}
	}
	long := strings.Repeat("host 1.2.3.4 or ", 1000) + "ip"
	if _, err := filter.Compile(long, filter.Options{Link: 1, Keep: 99}); err == nil || !strings.Contains(err.Error(), "instructions") {
		t.Errorf("a very long expression: %v", err)
	}
}

// FuzzFilter compiles any expression, and runs what comes out on any frame; another implementation of BPF must come to
// the same.
func FuzzFilter(f *testing.F) {
	for _, expr := range expressions {
		f.Add(expr, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45})
	}
	f.Add("0<-0", []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45})
	f.Fuzz(func(t *testing.T, expr string, data []byte) {
		p, err := filter.Compile(expr, filter.Options{Link: packet.LinkEthernet, Keep: 1000})
		if err != nil {
			var e *filter.Error
			if !errors.As(err, &e) || e.Column < 1 || e.Column > len(expr)+1 {
				t.Fatalf("%q: %v", expr, err)
			}
			return
		}
		got := p.Run(&packet.Frame{Data: data, Wire: uint32(len(data))})
		raw := make([]bpf.RawInstruction, len(p))
		for i, in := range p {
			raw[i] = bpf.RawInstruction{Op: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
		}
		program, ok := bpf.Disassemble(raw)
		if !ok {
			t.Fatalf("%q: an unknown instruction in %v", expr, p)
		}
		if slices.ContainsFunc(program, func(in bpf.Instruction) bool { _, negates := in.(bpf.NegateA); return negates }) {
			return // that VM lacks it
		}
		vm, err := bpf.NewVM(program)
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		if want, err := vm.Run(data); err != nil || uint32(want) != got {
			t.Fatalf("%q: %d, golang.org/x/net/bpf %d, %v", expr, got, want, err)
		}
	})
}
