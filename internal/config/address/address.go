// Package address reads the addresses of bind, server, log and source lines (configuration.txt §2.9). It resolves no
// names and opens nothing.
package address

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"eddy/internal/config/model"
)

// Ports is what a port part may be.
type Ports uint8

// The kinds of port part.
const (
	PortNone     Ports = iota // none is allowed
	PortOptional              // one port may be written
	PortNeeded                // one port must be written
	PortRange                 // one port or a range must be written
	PortOffset                // one port, or +n or -n, may be written
)

// Error is a bad address: what is wrong, naming the address, and what to write instead.
type Error struct{ Text, Hint string }

func (e *Error) Error() string { return e.Text }

func errf(hint, format string, args ...any) *Error {
	return &Error{Text: fmt.Sprintf(format, args...), Hint: hint}
}

// prefix is one "name@" of §2.9.1 to §2.9.3.
type prefix struct {
	name   string
	kind   model.AddrKind
	v4, v6 bool
	stream bool // the transport is named, and is a stream
	dgram  bool // the transport is named, and is datagrams
	absent bool // HAProxy has it, eddy does not
}

func prefixes() []prefix {
	return []prefix{
		{name: "ip@", kind: model.AddrTCP},
		{name: "ipv4@", kind: model.AddrTCP, v4: true},
		{name: "ipv6@", kind: model.AddrTCP, v6: true},
		{name: "tcp@", kind: model.AddrTCP, stream: true},
		{name: "tcp4@", kind: model.AddrTCP, v4: true, stream: true},
		{name: "tcp6@", kind: model.AddrTCP, v6: true, stream: true},
		{name: "udp@", kind: model.AddrUDP, dgram: true},
		{name: "udp4@", kind: model.AddrUDP, v4: true, dgram: true},
		{name: "udp6@", kind: model.AddrUDP, v6: true, dgram: true},
		{name: "unix@", kind: model.AddrUnix},
		{name: "uxst@", kind: model.AddrUnix, stream: true},
		{name: "uxdg@", kind: model.AddrUnix, dgram: true},
		{name: "abns@", kind: model.AddrAbstract},
		{name: "fd@", kind: model.AddrFD},
		{name: "abnsz@", absent: true}, {name: "sockpair@", absent: true}, {name: "rhttp@", absent: true},
		{name: "quic4@", absent: true}, {name: "quic6@", absent: true}, {name: "quic+", absent: true},
		{name: "mptcp@", absent: true}, {name: "mptcp4@", absent: true}, {name: "mptcp6@", absent: true},
		{name: "ring@", absent: true}, {name: "backend@", absent: true},
	}
}

// Parsed is an address with its range of ports; both are 0 without a port.
type Parsed struct {
	model.Address
	Last   int  // the last port of a range; Port when there is no range
	Stream bool // a prefix asked for a stream
	Dgram  bool // a prefix asked for datagrams
}

// Parse reads one address.
func Parse(text string, ports Ports) (Parsed, *Error) {
	out := Parsed{Address: model.Address{Text: text}}
	rest := text
	if r, ok := strings.CutPrefix(rest, "stream+"); ok {
		out.Stream, rest = true, r
	} else if r, ok := strings.CutPrefix(rest, "dgram+"); ok {
		out.Dgram, rest = true, r
	}
	named := false
	for _, p := range prefixes() {
		r, ok := strings.CutPrefix(rest, p.name)
		if !ok {
			continue
		}
		if p.absent {
			return out, errf("use one of ipv4@, ipv6@, unix@, abns@, fd@", "HAProxy has %q addresses; eddy does not have them yet", strings.TrimSuffix(p.name, "@"))
		}
		out.Kind, out.V4, out.V6, rest, named = p.kind, p.v4, p.v6, r, true
		out.Stream, out.Dgram = out.Stream || p.stream, out.Dgram || p.dgram
		break
	}
	if !named && strings.HasPrefix(rest, "/") {
		out.Kind = model.AddrUnix
	}
	switch out.Kind {
	case model.AddrUnix, model.AddrAbstract:
		return out, out.setPath(rest)
	case model.AddrFD:
		fd, err := strconv.ParseUint(rest, 10, 31)
		if err != nil {
			return out, errf("write fd@3, say", "%q is not a file descriptor number", rest)
		}
		out.FD, out.NoPort = int(fd), true
		return out, nil
	}
	return out, out.setInet(rest, ports)
}

// maxUnixPath is what fits into sockaddr_un on Linux, less the final zero byte.
const maxUnixPath = 107

func (p *Parsed) setPath(path string) *Error {
	switch {
	case path == "":
		return errf("", "the socket's path is missing in %q", p.Text)
	case len(path) > maxUnixPath:
		return errf("choose a shorter path", "the socket's path is longer than %d bytes", maxUnixPath)
	}
	p.Path, p.NoPort = path, true
	return nil
}

// setInet reads host[:port[-port]]. The last colon is the one before the port, so an IPv6 address without a port
// must be in brackets or stand where no port is allowed.
func (p *Parsed) setInet(s string, ports Ports) *Error {
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return errf("add a ]", "the \"[\" in %q is never closed", p.Text)
		}
		host, port = s[1:end], s[end+1:]
		if port != "" && port[0] != ':' {
			return errf("write [ADDRESS]:PORT", "unexpected %q behind the ] in %q", port, p.Text)
		}
		port = strings.TrimPrefix(port, ":")
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return errf("", "%q is not an IPv6 address", host)
		}
		p.Host = host
	} else {
		if i := strings.LastIndexByte(s, ':'); i >= 0 && ports != PortNone {
			host, port = s[:i], s[i+1:]
		}
		if err := p.setHost(host); err != nil {
			return err
		}
	}
	if err := p.checkFamily(); err != nil {
		return err
	}
	return p.setPort(port, ports)
}

func (p *Parsed) setHost(host string) *Error {
	if host == "" || host == "*" {
		p.Host = host
		return nil
	}
	p.Host = host
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if strings.ContainsRune(host, ':') {
		return errf("an IPv6 address with a port is written [ADDRESS]:PORT", "%q is not an address", host)
	}
	if looksLikeIPv4(host) {
		return errf("", "%q is not an IPv4 address", host)
	}
	if len(host) > 253 || strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		return errf("", "%q is neither an address nor a host name", host)
	}
	return nil
}

func looksLikeIPv4(host string) bool {
	return strings.Trim(host, "0123456789.") == "" && strings.Contains(host, ".")
}

func (p *Parsed) checkFamily() *Error {
	a, err := netip.ParseAddr(p.Host)
	switch {
	case err != nil:
	case p.V4 && !a.Is4():
		return errf("drop the prefix or write an IPv4 address", "%q is not an IPv4 address", p.Host)
	case p.V6 && !a.Is6():
		return errf("drop the prefix or write an IPv6 address", "%q is not an IPv6 address", p.Host)
	}
	return nil
}

func (p *Parsed) setPort(port string, ports Ports) *Error {
	if port == "" {
		if ports == PortNeeded || ports == PortRange {
			return errf("write "+example(p.Address)+":PORT", "the port is missing in %q", p.Text)
		}
		p.NoPort = true
		return nil
	}
	if port[0] == '+' || port[0] == '-' {
		if ports != PortOffset {
			return errf("", "a relative port, %q, is only allowed on a server's address", port)
		}
		n, err := strconv.Atoi(port)
		if err != nil || n < -65535 || n > 65535 {
			return errf("", "%q is not a port offset between -65535 and +65535", port)
		}
		p.Port, p.Last, p.PortOffset = n, n, true
		return nil
	}
	first, last, isRange := strings.Cut(port, "-")
	if isRange && ports != PortRange {
		return errf("write one port", "a range of ports, %q, is only allowed on bind lines", port)
	}
	if !isRange {
		last = first
	}
	for _, part := range []struct {
		text string
		to   *int
	}{{first, &p.Port}, {last, &p.Last}} {
		n, err := strconv.ParseUint(part.text, 10, 64)
		if err != nil {
			return errf("", "%q is not a port number", part.text)
		}
		if n > 65535 || n == 0 && ports == PortRange {
			return errf("ports go from 1 to 65535", "port %s does not exist", part.text)
		}
		*part.to = int(n)
	}
	if p.Last < p.Port {
		return errf(fmt.Sprintf("write %d-%d", p.Last, p.Port), "the range of ports %q runs backwards", port)
	}
	return nil
}

func example(a model.Address) string {
	switch {
	case a.Host == "":
		return "*"
	case strings.Contains(a.Host, ":"):
		return "[" + a.Host + "]"
	case strings.Trim(a.Host, "0123456789") == "":
		return "" // most likely a lone port
	}
	return a.Host
}
