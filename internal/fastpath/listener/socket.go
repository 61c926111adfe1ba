package listener

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/wire"

	"golang.org/x/sys/unix"
)

// socket is a listening socket and what has to be tidied up behind it.
type socket struct {
	net.Listener
	path string      // the file to take away; "" for none
	file os.FileInfo // the file as it was made

	name     string      // sharedName, as it was when the socket was opened
	shared   bool        // it came from another process, with options of its own
	keepFile atomic.Bool // another process serves it
}

// open makes the socket of a bind line, or takes it from those that another process has. The errors are plain; newBindError
// explains them.
func open(b *model.Bind, in *Inherited, backlog int, keepAlive bool) (*socket, error) {
	s, err := openShared(b, in)
	if err != nil {
		return nil, err
	}
	if s == nil {
		s, err = openNew(b, backlog, keepAlive)
	}
	if err != nil {
		return nil, err
	}
	s.name = sharedName(b)
	return s, nil
}

// openNew makes a socket.
func openNew(b *model.Bind, backlog int, keepAlive bool) (*socket, error) {
	var s *socket
	var err error
	switch b.Addr.Kind {
	case model.AddrTCP:
		s, err = openTCP(b, keepAlive)
	case model.AddrUnix:
		s, err = openUnix(b)
	case model.AddrAbstract:
		s, err = openAbstract(b)
	case model.AddrFD:
		s, err = openInherited(b.Addr.FD)
	default:
		err = fmt.Errorf("connections cannot be accepted on %q", b.Addr.Text)
	}
	if err != nil {
		return nil, err
	}
	if backlog > 0 && b.Addr.Kind != model.AddrFD {
		if err := s.setBacklog(backlog); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// settle makes a socket that came from another process this one's: it gets what its bind line says now, and its file goes
// when it closes.
func (s *socket) settle(b *model.Bind, backlog int) error {
	if !s.shared {
		return nil
	}
	s.keepFile.Store(false)
	if b.Addr.Kind == model.AddrFD {
		return nil
	}
	if backlog > 0 {
		if err := s.setBacklog(backlog); err != nil {
			return err
		}
	}
	sc, ok := s.Listener.(syscall.Conn)
	if !ok || b.Addr.Kind != model.AddrTCP {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var optErr error
	if err := raw.Control(func(fd uintptr) { optErr = changeOptions(int(fd), b) }); err != nil {
		return err
	}
	return optErr
}

// setBacklog calls listen again, which changes the length of the queue.
func (s *socket) setBacklog(n int) error {
	sc, ok := s.Listener.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	if err := raw.Control(func(fd uintptr) { callErr = unix.Listen(int(fd), n) }); err != nil {
		return err
	}
	return os.NewSyscallError("listen", callErr)
}

// close closes the socket, and takes its file away if that is still the one that was made.
func (s *socket) close() {
	if s.path != "" && !s.keepFile.Load() && s.ownsFile() {
		_ = os.Remove(s.path)
	}
	_ = s.Listener.Close()
}

// ownsFile tells whether the file is still that of the socket.
func (s *socket) ownsFile() bool {
	now, err := os.Lstat(s.path)
	return err == nil && os.SameFile(now, s.file)
}

// openTCP listens on an address and port. No address and "*" mean all of IPv4; "::" means all of IPv6, and IPv4 too
// unless v6only is given (configuration.txt §4.2 bind, §5.1 v4v6, v6only).
func openTCP(b *model.Bind, keepAlive bool) (*socket, error) {
	network, host := tcpNetwork(b)
	lc := net.ListenConfig{
		KeepAlive: -1, // saves system calls for each connection
		Control: func(_, _ string, raw syscall.RawConn) error {
			var optErr error
			if err := raw.Control(func(fd uintptr) { optErr = setOptions(int(fd), b) }); err != nil {
				return err
			}
			return optErr
		},
	}
	if keepAlive {
		lc.KeepAlive = 0 // the default period
	}
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(context.Background(), network, net.JoinHostPort(host, strconv.Itoa(b.Addr.Port)))
	if err != nil {
		return nil, err
	}
	return &socket{Listener: l}, nil
}

// tcpNetwork gives the network and the host that a bind line means, as package net wants them.
func tcpNetwork(b *model.Bind) (network, host string) {
	network, host = "tcp", b.Addr.Host
	switch {
	case host == "" || host == "*":
		network, host = "tcp4", "0.0.0.0"
		if b.Addr.V6 {
			network, host = "tcp", "::"
		}
	case b.Addr.V4:
		network = "tcp4"
	case b.Addr.V6 && host != "::":
		network = "tcp6"
	}
	if b.V6 && network == "tcp" && strings.Contains(host, ":") {
		network = "tcp6"
	}
	return network, host
}

// openUnix listens on a path. The socket is made beside it under another name, given its rights and only then moved
// to where clients look: a socket that was left there, or that another process still listens on, is replaced without
// a moment in between. Only sockets are replaced.
func openUnix(b *model.Bind) (*socket, error) {
	path := b.Addr.Path
	switch was, err := os.Lstat(path); {
	case err == nil && was.Mode()&os.ModeSocket == 0:
		return nil, errNotSocket
	case err != nil && !os.IsNotExist(err):
		return nil, err
	}
	temp, err := tempName(path)
	if err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temp, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	s := &socket{Listener: l, path: temp}
	if s.file, err = os.Lstat(temp); err != nil {
		s.close()
		return nil, err
	}
	if err = grant(temp, b); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.path = path
	return s, nil
}

// tempName is a name in the folder of path that nobody uses, no longer than a socket's name may be.
func tempName(path string) (string, error) {
	const tries = 100
	dir := filepath.Dir(path)
	for i := range tries {
		name := filepath.Join(dir, "."+strconv.FormatInt(int64(os.Getpid())*tries+int64(i), 36))
		if len(name) > max(len(path), maxPath) {
			break
		}
		if _, err := os.Lstat(name); os.IsNotExist(err) {
			return name, nil
		}
	}
	return "", fmt.Errorf("no room for a temporary name beside %s", path)
}

// maxPath is how long a unix socket's path may be on every system, in bytes.
const maxPath = 103

// grant gives a socket's file its owner and permissions.
func grant(path string, b *model.Bind) error {
	if b.UID >= 0 || b.GID >= 0 {
		if err := os.Lchown(path, b.UID, b.GID); err != nil {
			return err
		}
	}
	if b.Mode != 0 {
		return os.Chmod(path, os.FileMode(b.Mode&0o777))
	}
	return nil
}

func openAbstract(b *model.Bind) (*socket, error) {
	name := b.Addr.Path
	addr, err := wire.AbstractAddr(name)
	if err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", addr)
	if err != nil {
		return nil, err
	}
	return &socket{Listener: l}, nil
}

// openInherited listens on a socket that the parent process bound. The descriptor itself stays open: it belongs to
// who gave it, and may outlive this listener.
func openInherited(fd int) (*socket, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(own), "inherited socket "+strconv.Itoa(fd))
	defer func() { _ = f.Close() }()
	if on, err := unix.GetsockoptInt(own, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && on == 0 {
		if err := unix.Listen(own, unix.SOMAXCONN); err != nil {
			return nil, err
		}
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	return &socket{Listener: l}, nil
}
