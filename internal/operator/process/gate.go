package process

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"eddy/internal/fastpath/listener"

	"golang.org/x/sys/unix"
)

// What is said at a gate, a packet each (the socket is a SOCK_SEQPACKET one):
//
//	successor                        gate
//	"eddy 1 sockets"            →
//	                            ←    "socket NAME", with the descriptor; for each socket
//	                            ←    "end"
//	"taken NAME"                →    for each socket that it has taken and serves
//	"leave 10"                  →    the signal to leave by; 0: somebody else tells it
//	                            ←    "ok"
//
// Who goes away before "leave" changes nothing.
const (
	askSockets  = "eddy 1 sockets"
	saySocket   = "socket "
	sayEnd      = "end"
	sayTaken    = "taken "
	sayLeave    = "leave "
	sayOK       = "ok"
	maxPacket   = 8 << 10
	maxSockets  = 4096
	maxWaiting  = 4                // successors at a time: one that starts, and those whose start hangs
	packetLimit = 5 * time.Second  // for one packet
	startWindow = 10 * time.Minute // from "end" to "leave"
)

// Gate is where a process that is to relieve this one gets its listening sockets: a unix socket that is named by the
// process's id, in a folder of the user, and talks to the same user and to root only.
type Gate struct {
	sockets func() []listener.Socket
	taken   func(name string)
	leave   func(s syscall.Signal)

	ln   *net.UnixListener
	path string
	uid  uint32 // of the process when it opened the gate: privileges may be given up later
	wg   sync.WaitGroup

	mu     sync.Mutex
	conns  []*net.UnixConn // those that are talked to, oldest first
	closed bool
}

// OpenGate opens the gate. From Serve on it gives the sockets (their files are closed when they are sent), tells which of
// them a successor serves, and when it wants this process to leave: by a signal, or with 0 when the master tells. Gates that
// dead processes have left are removed.
func OpenGate(sockets func() []listener.Socket, taken func(name string), leave func(s syscall.Signal)) (*Gate, error) {
	dir, err := makeRunDir()
	if err != nil {
		return nil, err
	}
	sweep(dir)
	path := filepath.Join(dir, strconv.Itoa(os.Getpid())+gateSuffix)
	_ = os.Remove(path) // of a dead process that had this id
	ln, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		return nil, err
	}
	return &Gate{sockets: sockets, taken: taken, leave: leave, ln: ln, path: path, uid: uint32(os.Geteuid())}, nil
}

// Serve answers until Close, on goroutines of its own.
func (g *Gate) Serve() {
	if g == nil {
		return
	}
	g.wg.Go(func() {
		for {
			c, err := g.ln.AcceptUnix()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				time.Sleep(50 * time.Millisecond) // out of descriptors, most likely
				continue
			}
			if g.add(c) {
				g.wg.Go(func() {
					defer g.remove(c)
					_ = g.talk(c) // who fails here asks in another way, or does not come to be
				})
			}
		}
	})
}

// Close ends all talks and takes the file away, where the process can still reach it.
func (g *Gate) Close() {
	if g == nil {
		return
	}
	g.mu.Lock()
	g.closed = true
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.mu.Unlock()
	_ = g.ln.Close() // removes the file
	g.wg.Wait()
}

// SignalSelf sends this process a signal; 0 is none.
func SignalSelf(s syscall.Signal) {
	if s != 0 {
		_ = syscall.Kill(os.Getpid(), s) // which a process may always do
	}
}

// add takes a connection in; the oldest one goes when there are too many.
func (g *Gate) add(c *net.UnixConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || !g.trusts(c) {
		_ = c.Close()
		return false
	}
	if len(g.conns) >= maxWaiting {
		_ = g.conns[0].Close()
	}
	g.conns = append(g.conns, c)
	return true
}

func (g *Gate) remove(c *net.UnixConn) {
	_ = c.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.conns {
		if other == c {
			g.conns = append(g.conns[:i], g.conns[i+1:]...)
			return
		}
	}
}

// trusts tells whether the one at the other end may have the sockets.
func (g *Gate) trusts(c *net.UnixConn) bool {
	peer, err := peerOf(c)
	return err == nil && (peer.Uid == 0 || peer.Uid == g.uid)
}

func (g *Gate) talk(c *net.UnixConn) error {
	ask, err := receive(c, packetLimit)
	if err != nil {
		return err
	}
	if ask != askSockets {
		return fmt.Errorf("%q is not understood", ask)
	}
	if err := g.give(c); err != nil {
		return err
	}
	window := startWindow
	for range maxSockets + 1 {
		said, err := receive(c, window)
		if err != nil {
			return err
		}
		window = packetLimit
		if name, ok := strings.CutPrefix(said, sayTaken); ok {
			g.taken(name)
			continue
		}
		text, _ := strings.CutPrefix(said, sayLeave)
		number, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not understood", said)
		}
		err = send(c, sayOK, nil)
		if s := syscall.Signal(number); s == 0 || s == syscall.SIGUSR1 || s == syscall.SIGTERM {
			g.leave(s)
		}
		return err
	}
	return errors.New("too many packets")
}

// give sends all sockets.
func (g *Gate) give(c *net.UnixConn) error {
	var failed error
	for i, s := range g.sockets() {
		if failed == nil && i < maxSockets {
			failed = send(c, saySocket+s.Name, s.File)
		}
		_ = s.File.Close()
	}
	if failed != nil {
		return failed
	}
	return send(c, sayEnd, nil)
}

// send sends one packet, with a descriptor where f is not nil.
func send(c *net.UnixConn, text string, f *os.File) error {
	if len(text) > maxPacket {
		return fmt.Errorf("%d bytes are too many for a packet", len(text))
	}
	_ = c.SetWriteDeadline(time.Now().Add(packetLimit))
	if f == nil {
		_, err := c.Write([]byte(text))
		return err
	}
	raw, err := f.SyscallConn() // File.Fd would make the socket a blocking one, here and there
	if err != nil {
		return err
	}
	var sendErr error
	if err := raw.Control(func(fd uintptr) {
		_, _, sendErr = c.WriteMsgUnix([]byte(text), unix.UnixRights(int(fd)), nil)
	}); err != nil {
		return err
	}
	return sendErr
}

// receive reads one packet that has no descriptor; one that comes all the same is closed.
func receive(c *net.UnixConn, limit time.Duration) (string, error) {
	text, f, err := receiveFile(c, limit)
	if f != nil {
		_ = f.Close()
	}
	return text, err
}

// receiveFile reads one packet and the descriptor with it, if there is one.
func receiveFile(c *net.UnixConn, limit time.Duration) (string, *os.File, error) {
	_ = c.SetReadDeadline(time.Now().Add(limit))
	b, oob := make([]byte, maxPacket+1), make([]byte, unix.CmsgSpace(4*4))
	n, oobn, flags, _, err := c.ReadMsgUnix(b, oob)
	if err != nil {
		return "", nil, err
	}
	f, err := fileFrom(oob[:oobn])
	if err == nil && n == 0 {
		err = net.ErrClosed // the end: no packet is empty
	}
	if err == nil && (n > maxPacket || flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0) {
		err = errors.New("the packet is too long")
	}
	if err != nil && f != nil {
		_ = f.Close()
		f = nil
	}
	return string(bytes.TrimRight(b[:min(n, maxPacket)], "\x00")), f, err
}

// fileFrom takes the descriptor out of a control message, and closes those that are too many.
func fileFrom(oob []byte) (*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var f *os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			if f == nil {
				unix.CloseOnExec(fd)
				f = os.NewFile(uintptr(fd), "passed socket")
				continue
			}
			_ = unix.Close(fd)
		}
	}
	return f, nil
}

// peerOf tells who is at the other end of a unix socket.
func peerOf(c *net.UnixConn) (*unix.Ucred, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return nil, err
	}
	return cred, credErr
}
