package stream

import (
	"net"
	"syscall"

	"eddy/internal/fastpath/wire"

	"golang.org/x/sys/unix"
)

// dropSilently closes a socket so that the peer hears nothing of it: the kernel forgets the connection when the
// process may ask for that (CAP_NET_ADMIN); otherwise what it sends does not get further than the first router
// (configuration.txt, silent-drop).
func dropSilently(c *wire.Conn) {
	defer func() { _ = c.Close() }()
	t, ok := c.NetConn().(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return
	}
	forgotten := false
	_ = raw.Control(func(fd uintptr) {
		if syscall.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_REPAIR, 1) == nil {
			forgotten = true
			return
		}
		_ = syscall.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, 1)
		_ = syscall.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 1)
	})
	if !forgotten {
		_ = t.SetLinger(0)
	}
}
