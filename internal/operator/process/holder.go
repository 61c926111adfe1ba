package process

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// addressed is an error that knows which address could not be opened: "127.0.0.1:80", "*:80".
type addressed interface{ ListenAddr() string }

// takenAddresses collects the TCP addresses that err and what it wraps name.
func takenAddresses(err error) []string {
	var out []string
	if a, ok := err.(addressed); ok {
		out = append(out, a.ListenAddr())
	}
	if op, ok := err.(*net.OpError); ok && op.Addr != nil && strings.HasPrefix(op.Net, "tcp") {
		out = append(out, op.Addr.String())
	}
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		out = append(out, takenAddresses(w.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, e := range w.Unwrap() {
			out = append(out, takenAddresses(e)...)
		}
	}
	return out
}

// stranger finds, among the processes that hold the addresses, one that is neither one of ours nor a child of one: to
// ask ours to leave would not free its port. 0 means that none was found; /proc does not show everybody everything.
func stranger(addrs []string, ours []int) (pid int, addr string) {
	for _, addr := range addrs {
		inodes := listeningSockets(addr)
		if len(inodes) == 0 {
			continue
		}
		other := 0
		holders := holdersOf(inodes)
		for _, pid := range holders {
			if slices.Contains(ours, pid) || slices.Contains(ours, parentOf(pid)) {
				other = 0
				break
			}
			other = pid
		}
		if other != 0 {
			return other, addr
		}
	}
	return 0, ""
}

// listeningSockets gives the inodes of the TCP sockets that listen where addr would (proc_pid_net(5), tcp).
func listeningSockets(addr string) []string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil
	}
	want := netip.IPv6Unspecified()
	if host != "" && host != "*" {
		if want, err = netip.ParseAddr(host); err != nil {
			return nil
		}
	}
	var inodes []string
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		const listening = "0A"
		for lines := bufio.NewScanner(f); lines.Scan(); {
			w := strings.Fields(lines.Text())
			if len(w) < 10 || w[3] != listening {
				continue
			}
			at, err := parseSocketAddr(w[1])
			if err != nil || at.Port() != uint16(number) {
				continue
			}
			if ip := at.Addr(); ip == want.Unmap() || ip.IsUnspecified() || want.IsUnspecified() {
				inodes = append(inodes, w[9])
			}
		}
		f.Close()
	}
	return inodes
}

// parseSocketAddr reads "0100007F:1F90": words of four bytes in the machine's order, little-endian where eddy runs.
func parseSocketAddr(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	b, err := hex.DecodeString(host)
	if err != nil || len(b) != 4 && len(b) != 16 {
		return netip.AddrPort{}, errors.New("not an address")
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	ip, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), nil
}

// holdersOf gives the processes that have one of the sockets open.
func holdersOf(inodes []string) []int {
	var pids []int
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		link, err := os.Readlink(fd)
		if err != nil {
			continue
		}
		inode, isSocket := strings.CutPrefix(link, "socket:[")
		if !isSocket || !slices.Contains(inodes, strings.TrimSuffix(inode, "]")) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(fd, "/")[2]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// parentOf gives a process's parent; 0 when it cannot be told.
func parentOf(pid int) int {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(io.LimitReader(f, 1<<16)); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "PPid:"); ok {
			parent, _ := strconv.Atoi(strings.TrimSpace(v))
			return parent
		}
	}
	return 0
}

// nameOf is what a process is called; "" when it cannot be told.
func nameOf(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(b))
}
