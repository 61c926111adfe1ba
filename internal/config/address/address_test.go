package address

import (
	"fmt"
	"strings"
	"testing"

	"eddy/internal/config/model"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in    string
		ports Ports
		want  string // kind host port-last path, with flags
	}{
		{"*:80", PortRange, "tcp * 80-80"},
		{":80-82", PortRange, "tcp  80-82"},
		{"10.0.0.1:80", PortRange, "tcp 10.0.0.1 80-80"},
		{"[::1]:80", PortRange, "tcp ::1 80-80"},
		{":::80", PortRange, "tcp :: 80-80"},
		{"::1:80", PortOptional, "tcp ::1 80-80"},
		{"ipv4@10.0.0.1:80", PortRange, "tcp 10.0.0.1 80-80 v4"},
		{"ipv6@:80", PortRange, "tcp  80-80 v6"},
		{"example.com", PortOffset, "tcp example.com 0-0 noport"},
		{"10.0.0.1:+5", PortOffset, "tcp 10.0.0.1 5-5 offset"},
		{"10.0.0.1:-5", PortOffset, "tcp 10.0.0.1 -5--5 offset"},
		{"/run/x", PortRange, "unix /run/x noport"},
		{"unix@run/x", PortRange, "unix run/x noport"},
		{"abns@x y", PortRange, "abstract x y noport"},
		{"fd@7", PortRange, "fd 7 noport"},
		{"tcp@1.2.3.4:5", PortOptional, "tcp 1.2.3.4 5-5 stream"},
		{"udp@1.2.3.4:5", PortOptional, "udp 1.2.3.4 5-5 dgram"},
		{"stream+ipv4@1.2.3.4:5", PortOptional, "tcp 1.2.3.4 5-5 v4 stream"},
		{"uxdg@/x", PortOptional, "unix /x noport dgram"},
		{"::1", PortNone, "tcp ::1 0-0 noport"},
		{"80", PortRange, `error: the port is missing in "80"`},
		{"1.2.3.4", PortNeeded, `error: the port is missing in "1.2.3.4"`},
		{"1.2.3.4:0", PortRange, "error: port 0 does not exist"},
		{"1.2.3.4:65536", PortOptional, "error: port 65536 does not exist"},
		{"1.2.3.4:x", PortOptional, `error: "x" is not a port number`},
		{"1.2.3.4:1-2", PortOptional, `error: a range of ports, "1-2", is only allowed on bind lines`},
		{"1.2.3.4:+1", PortOptional, `error: a relative port, "+1", is only allowed on a server's address`},
		{":2-1", PortRange, `error: the range of ports "2-1" runs backwards`},
		{"300.1.1.1:1", PortOptional, `error: "300.1.1.1" is not an IPv4 address`},
		{"a b:1", PortOptional, `error: "a b" is neither an address nor a host name`},
		{"[::1:80", PortOptional, `error: the "[" in "[::1:80" is never closed`},
		{"[::1]80", PortOptional, `error: unexpected "80" behind the ] in "[::1]80"`},
		{"[1.2.3.4]:80", PortOptional, `error: "1.2.3.4" is not an IPv6 address`},
		{"ipv4@[::1]:80", PortOptional, `error: "::1" is not an IPv4 address`},
		{"ipv6@1.2.3.4:80", PortOptional, `error: "1.2.3.4" is not an IPv6 address`},
		{"fd@x", PortOptional, `error: "x" is not a file descriptor number`},
		{"unix@", PortOptional, `error: the socket's path is missing in "unix@"`},
		{"unix@/" + strings.Repeat("x", 200), PortOptional, "error: the socket's path is longer than 107 bytes"},
		{"quic4@:80", PortRange, `error: HAProxy has "quic4" addresses; eddy does not have them yet`},
	} {
		a, err := Parse(c.in, c.ports)
		got := describe(a)
		if err != nil {
			got = "error: " + err.Text
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func describe(a Parsed) string {
	var s string
	switch a.Kind {
	case model.AddrTCP:
		s = fmt.Sprintf("tcp %s %d-%d", a.Host, a.Port, a.Last)
	case model.AddrUDP:
		s = fmt.Sprintf("udp %s %d-%d", a.Host, a.Port, a.Last)
	case model.AddrUnix:
		s = "unix " + a.Path
	case model.AddrAbstract:
		s = "abstract " + a.Path
	case model.AddrFD:
		s = fmt.Sprintf("fd %d", a.FD)
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{a.V4, "v4"}, {a.V6, "v6"}, {a.PortOffset, "offset"}, {a.NoPort, "noport"}, {a.Stream, "stream"}, {a.Dgram, "dgram"}} {
		if f.on {
			s += " " + f.name
		}
	}
	return s
}
