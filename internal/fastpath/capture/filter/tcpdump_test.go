package filter_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/capture/filter"
	"eddy/internal/fastpath/packet"
)

// expressions are compared with what tcpdump makes of them.
var expressions = []string{
	"", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "esp", "ah", "not ip", "ip or arp",
	"host 10.1.1.1", "host 192.168.1.2 or host 141.142.228.5", "src host 192.168.1.2", "dst host 10.0.0.1",
	"src and dst host 10.0.0.1", "ip host 141.142.228.5", "arp host 192.168.1.1",
	"host 2001:470:765b::a25:53", "src host 2001:470:765b::a25:53", "ip6 host ::1",
	"net 192.168.0.0/16", "net 10", "src net 192.168", "dst net 141.142.0.0 mask 255.255.0.0", "net 2001:470::/32",
	"ip net 10.0.0.0/8", "not net 192.168.0.0/16",
	"port 80", "tcp port 80", "tcp src port 80", "udp port 53", "port 80 or 443", "port (53 or 80)", "dst port 53",
	"src or dst port 80", "src and dst port 123", "port http", "port domain and udp", "tcp portrange 1-1023",
	"portrange 80-90", "udp src portrange 50-60", "portrange 53",
	"ip proto 6", "ip proto \\tcp", "ip6 proto 17", "proto 17", "ether proto 0x0800", "ether proto \\arp",
	"proto \\icmp", "ether proto \\ip6",
	"ether host 00:0c:29:fe:7c:a4", "ether src 00:12:34:56:78:9a", "ether dst ff:ff:ff:ff:ff:ff", "ether broadcast",
	"broadcast", "multicast", "ether multicast", "ip multicast", "ip6 multicast",
	"less 100", "greater 1000", "len > 60 and len <= 66", "len = 60",
	"vlan", "vlan 100", "vlan and tcp port 80", "vlan and vlan and ip", "vlan 10 and vlan 20", "mpls", "pppoes and ip",
	"tcp[13] & 2 != 0", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[tcpflags] = tcp-ack", "ip[8] < 64",
	"ip[0] & 0xf = 5", "tcp[2:2] = 80", "udp[4:2] > 100", "icmp[icmptype] = icmp-echo", "ip6[6] = 17",
	"tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420", "tcp and ip[6:2] & 0x1fff = 0 and ip[2:2] - ((ip[0] & 0xf) * 4) - ((tcp[12] & 0xf0) / 4) != 0",
	"ether[0] & 1 = 0", "ether[12:2] = 0x800", "(tcp[0:2] + 1) > 100 and udp or tcp", "len - 14 > 50",
	"tcp and (port 80 or port 443) and not host 10.0.0.1", "not (tcp or udp)", "not tcp and not udp", "!tcp && !arp",
	"tcp or udp and port 53", "(tcp or udp) and port 53", "ip host 10.0.0.1 or 192.168.1.2 and port 80",
	"host 192.168.1.2 and not port 80 and 443", "tcp dst port 80 or 443 or 8080 and src net 10.0.0.0/8",
	"icmp or (udp and ip[6:2] & 0x3fff != 0)", "greater 100 and less 200", "3 + 4 * 2 = 11",
}

// dump gives tcpdump's program for an expression.
func dump(t *testing.T, expr string) filter.Program {
	t.Helper()
	out, err := exec.Command("tcpdump", "-ddd", "-y", "EN10MB", "--", expr).Output()
	if err != nil {
		t.Fatalf("tcpdump refuses %q: %v", expr, err)
	}
	in := bufio.NewReader(bytes.NewReader(out))
	var n int
	if _, err := fmt.Fscan(in, &n); err != nil {
		t.Fatal(err)
	}
	p := make(filter.Program, n)
	for i := range p {
		if _, err := fmt.Fscan(in, &p[i].Op, &p[i].Jt, &p[i].Jf, &p[i].K); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// frames gives the Ethernet frames of all real captures, and each of them once more with some bytes changed.
func frames(t testing.TB) []packet.Frame {
	paths, err := filepath.Glob("../../../../../shared/pcaps/*.pcap*")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skip("the real captures are not here")
	}
	random := rand.New(rand.NewPCG(1, 2))
	var all []packet.Frame
	for _, path := range paths {
		f, err := capture.Open(path, capture.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		var fr packet.Frame
		for f.Next(&fr) == nil {
			if fr.Link != packet.LinkEthernet {
				continue
			}
			all = append(all, fr, damaged(fr, random))
		}
	}
	return all
}

// damaged changes a frame's headers so that rare branches are taken. It is long enough for all loads: one from behind
// the frame ends a program, and tcpdump's optimizer loads in another order.
func damaged(fr packet.Frame, random *rand.Rand) packet.Frame {
	fr.Data = append(bytes.Clone(fr.Data), make([]byte, 160)...)
	types := [][]byte{{0x81, 0x00}, {0x88, 0xa8}, {0x88, 0x47}, {0x88, 0x64}, {0x08, 0x06}, {0x86, 0xdd}, {0x08, 0x00}}
	if random.IntN(2) == 0 {
		at := []int{12, 16}[random.IntN(2)]
		copy(fr.Data[at:], types[random.IntN(len(types))])
	}
	for range random.IntN(3) {
		fr.Data[random.IntN(60)] = byte(random.IntN(256))
	}
	return fr
}

// TestAsTcpdump compares with the programs that tcpdump makes, frame by frame, over all real captures.
func TestAsTcpdump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("tcpdump is not installed")
	}
	frames := frames(t)
	for _, expr := range expressions {
		t.Run(expr, func(t *testing.T) {
			ours, err := filter.Compile(expr, filter.Options{Link: packet.LinkEthernet, Keep: capture.MaxFrame})
			if err != nil {
				t.Fatal(err)
			}
			theirs := dump(t, expr)
			matched := 0
			for i := range frames {
				got, want := ours.Run(&frames[i]), theirs.Run(&frames[i])
				if (got != 0) != (want != 0) {
					t.Fatalf("frame % x:\ngot %d, tcpdump %d\n%v", frames[i].Data, got, want, ours)
				}
				if got != 0 {
					matched++
				}
			}
			t.Logf("%d of %d frames, %d instructions, tcpdump %d", matched, len(frames), len(ours), len(theirs))
		})
	}
}
