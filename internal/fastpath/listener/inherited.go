package listener

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"eddy/internal/config/model"

	"golang.org/x/sys/unix"
)

// Socket is a listening socket on its way from one process to another.
type Socket struct {
	Name string   // the same in both: what Open looks for
	File *os.File // whoever has the Socket closes it
}

// Inherited are listening sockets that another process has, and this one may use too: both take connections from the same
// queue in the kernel, and none is lost when one of them stops. Methods may be called from any goroutine; a nil *Inherited
// is empty.
type Inherited struct {
	mu    sync.Mutex
	files map[string]*os.File
	taken map[string]bool
}

// NewInherited takes sockets over; Close closes them.
func NewInherited(sockets []Socket) *Inherited {
	in := &Inherited{files: map[string]*os.File{}, taken: map[string]bool{}}
	for _, s := range sockets {
		if _, twice := in.files[s.Name]; twice {
			_ = s.File.Close()
			continue
		}
		in.files[s.Name] = s.File
	}
	return in
}

// Take gives a listener on the socket of a name, again each time; nil when there is none.
func (in *Inherited) Take(name string) (net.Listener, error) {
	if in == nil || name == "" {
		return nil, nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	f := in.files[name]
	if f == nil {
		return nil, nil
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the socket of the older process: %w", err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	in.taken[name] = true
	return l, nil
}

// Taken gives the names of those that were taken.
func (in *Inherited) Taken() []string {
	if in == nil {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	var names []string
	for name := range in.taken {
		names = append(names, name)
	}
	return names
}

// Close closes all sockets; listeners that were taken go on.
func (in *Inherited) Close() {
	if in == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for name, f := range in.files {
		_ = f.Close()
		delete(in.files, name)
	}
}

// sharedName names the socket of a bind line by all that cannot be changed once it is bound; "" for one that is not shared,
// such as a port that the system chooses.
func sharedName(b *model.Bind) string {
	switch b.Addr.Kind {
	case model.AddrTCP:
		if b.Addr.Port == 0 {
			return ""
		}
		network, host := tcpNetwork(b)
		addr, err := net.ResolveTCPAddr(network, net.JoinHostPort(host, strconv.Itoa(b.Addr.Port)))
		if err != nil {
			return ""
		}
		return fmt.Sprintf("%s %v interface=%q transparent=%v", network, addr, b.Interface, b.Transparent)
	case model.AddrUnix:
		path, err := filepath.Abs(b.Addr.Path)
		if err != nil {
			return ""
		}
		return fmt.Sprintf("unix %q mode=%o uid=%d gid=%d", path, b.Mode, b.UID, b.GID)
	case model.AddrAbstract:
		return fmt.Sprintf("abstract %q", b.Addr.Path)
	case model.AddrFD:
		return fmt.Sprintf("fd@%d", b.Addr.FD)
	}
	return ""
}

// openShared takes the socket of a bind line from those that another process has; nil when it is not among them.
func openShared(b *model.Bind, in *Inherited) (*socket, error) {
	l, err := in.Take(sharedName(b))
	if l == nil {
		return nil, err
	}
	// Connections from it have TCP keep-alive probes switched on by package net, also without clitcpka: only sockets that the
	// package itself has bound can be told otherwise.
	s := &socket{Listener: l, shared: true}
	s.keepFile.Store(true) // it is the other process's until this one serves
	if b.Addr.Kind != model.AddrUnix {
		return s, nil
	}
	s.path = b.Addr.Path
	if s.file, err = os.Lstat(s.path); err != nil {
		_ = l.Close()
		return nil, nil // its file is gone: nobody finds it any more
	}
	return s, nil
}

// duplicate gives the socket's descriptor a second time.
func (s *socket) duplicate() (*os.File, error) {
	sc, ok := s.Listener.(syscall.Conn)
	if !ok {
		return nil, errors.New("not a socket")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	own, dupErr := 0, error(nil)
	if err := raw.Control(func(fd uintptr) { own, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, os.NewSyscallError("fcntl", dupErr)
	}
	return os.NewFile(uintptr(own), s.name), nil
}

// Share gives the listening socket for another process; false when it cannot have it: it is closed, or not to be shared.
func (l *Listener) Share() (Socket, bool) {
	if l.sock.name == "" || l.sock.path != "" && !l.sock.ownsFile() {
		return Socket{}, false
	}
	f, err := l.sock.duplicate()
	if err != nil {
		return Socket{}, false
	}
	return Socket{Name: l.sock.name, File: f}, true
}

// Taken says that another process serves the socket of a name now: its file stays when this one stops.
func (l *Listener) Taken(name string) {
	if name == l.sock.name {
		l.sock.keepFile.Store(true)
	}
}
