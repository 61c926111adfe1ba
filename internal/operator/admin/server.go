// Package admin answers commands on the "stats socket" (management.txt §9.3): a line comes in, text goes out.
//
// A connection starts non-interactive: one line, which may hold several commands separated by ';', is answered and
// the connection closes. "prompt" makes it stay. Lines, connections and waiting times are bounded.
package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds.
const (
	maxLine         = 16 << 10
	maxConns        = 10 // HAProxy's "stats maxconn"
	defaultTimeout  = 10 * time.Second
	defaultSockMode = 0o600
)

// Level is what a socket's users may do.
type Level uint8

// The levels of "stats socket ... level", least first.
const (
	User Level = iota
	Operator
	Admin
)

// ParseLevel reads a level; "" is Operator, as in HAProxy.
func ParseLevel(s string) Level {
	switch s {
	case "user":
		return User
	case "admin":
		return Admin
	}
	return Operator
}

// Listen is one address to listen on.
type Listen struct {
	Network string // "unix" or "tcp"
	Addr    string // a path, '@' and a name in Linux's abstract namespace, or host:port
	File    *os.File
	Mode    uint32 // permission bits of a path; 0: only its owner may connect
	UID     int    // owner of a path; -1: leave it
	GID     int
	Level   Level
}

// Server holds the sockets and the commands.
type Server struct {
	Commands []Command
	Timeout  time.Duration // silence after which a connection is closed; 0: 10 s

	mu        sync.Mutex
	listeners []boundListener
	conns     map[net.Conn]struct{}
	closed    bool
	wg        sync.WaitGroup
	slots     chan struct{}
}

type boundListener struct {
	net.Listener
	level Level
}

// Open binds all addresses, or none. A socket file that a dead process has left is replaced; one that somebody still
// listens on is an error.
func (s *Server) Open(addrs []Listen) error {
	for _, a := range addrs {
		ln, err := open(a)
		if err != nil {
			s.closeListeners()
			return fmt.Errorf("stats socket %s: %w", a.Addr, reason(err))
		}
		s.listeners = append(s.listeners, boundListener{ln, a.Level})
	}
	return nil
}

// Check says why Open would fail, as far as that can be told without opening anything.
func Check(addrs []Listen) error {
	for _, a := range addrs {
		if !a.isFile() {
			continue
		}
		err := inUse(a.Addr)
		if err == nil {
			err = unix.Access(filepath.Dir(a.Addr), unix.W_OK|unix.X_OK)
		}
		if err != nil {
			return fmt.Errorf("stats socket %s: %w", a.Addr, err)
		}
	}
	return nil
}

// reason takes what repeats the address, or names a temporary file, off a network error.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// isFile tells whether the address is a path.
func (a Listen) isFile() bool {
	return a.File == nil && a.Network == "unix" && a.Addr != "" && a.Addr[0] != '@'
}

func open(a Listen) (net.Listener, error) {
	if a.File != nil {
		return net.FileListener(a.File)
	}
	if !a.isFile() {
		return net.Listen(a.Network, a.Addr)
	}
	// The socket appears under its name only when its mode and owner are set, so there is no moment in which
	// somebody else could connect.
	temp := fmt.Sprintf("%s.%d.tmp", a.Addr, os.Getpid())
	_ = os.Remove(temp)
	if err := inUse(a.Addr); err != nil {
		return nil, err
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: temp, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	mode := os.FileMode(a.Mode)
	if mode == 0 {
		mode = defaultSockMode
	}
	err = os.Chmod(temp, mode)
	if err == nil && (a.UID >= 0 || a.GID >= 0) {
		err = os.Chown(temp, a.UID, a.GID)
	}
	if err == nil {
		err = os.Rename(temp, a.Addr)
	}
	if err != nil {
		_ = os.Remove(temp)
		ln.Close()
		return nil, err
	}
	st, err := os.Stat(a.Addr)
	if err != nil {
		ln.Close()
		return nil, err
	}
	return &pathListener{UnixListener: ln, path: a.Addr, file: st}, nil
}

// inUse refuses to take over the path of something that is not a socket.
func inUse(path string) error {
	st, err := os.Lstat(path)
	if err == nil && st.Mode()&os.ModeSocket == 0 {
		return errors.New("there is a file of that name, and it is not a socket")
	}
	return nil
}

// pathListener removes its socket file when it closes, unless a newer process has put its own there.
type pathListener struct {
	*net.UnixListener
	path string
	file os.FileInfo
}

func (p *pathListener) Close() error {
	if st, err := os.Stat(p.path); err == nil && os.SameFile(st, p.file) {
		_ = os.Remove(p.path)
	}
	return p.UnixListener.Close()
}

// Serve starts answering and returns at once. Close ends it.
func (s *Server) Serve() {
	s.conns = map[net.Conn]struct{}{}
	s.slots = make(chan struct{}, maxConns)
	for _, ln := range s.listeners {
		s.wg.Go(func() { s.accept(ln) })
	}
}

// accept takes connections while fewer than maxConns are open; more wait in the kernel.
func (s *Server) accept(ln boundListener) {
	for {
		s.slots <- struct{}{}
		c, err := ln.Accept()
		if err != nil {
			<-s.slots
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(50 * time.Millisecond) // out of descriptors, most likely
			continue
		}
		if !s.add(c) {
			c.Close()
			<-s.slots
			return
		}
		s.wg.Go(func() {
			defer func() { s.remove(c); <-s.slots }()
			s.serve(c, ln.level)
		})
	}
}

func (s *Server) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c net.Conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

func (s *Server) closeListeners() {
	for _, ln := range s.listeners {
		ln.Close()
	}
	s.listeners = nil
}

// Release closes the sockets that a newer process cannot open while they are open here: all but those with a path.
// Connections go on.
func (s *Server) Release() {
	for _, ln := range s.listeners {
		if _, isFile := ln.Listener.(*pathListener); !isFile {
			ln.Close()
		}
	}
}

// Close closes the sockets and all connections, and waits until their goroutines have ended.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.closeListeners()
	s.wg.Wait()
}

// session is one connection.
type session struct {
	conn        net.Conn
	in          *bufio.Reader
	level       Level
	interactive bool
	prompt      bool
	timeout     time.Duration
	server      *Server
	quit        bool
}

func (s *Server) serve(c net.Conn, level Level) {
	x := &session{conn: c, level: level, timeout: s.Timeout, server: s}
	if x.timeout <= 0 {
		x.timeout = defaultTimeout
	}
	x.in = bufio.NewReaderSize(x, maxLine)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for !x.quit {
		if x.prompt {
			_, _ = io.WriteString(x, "\n> ")
		}
		line, err := x.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			fmt.Fprintf(x, "The line is longer than %d bytes.\n", maxLine)
			x.drain()
			return
		}
		if err != nil && (len(line) == 0 || !errors.Is(err, io.EOF)) {
			return
		}
		for _, words := range split(string(line)) {
			x.run(ctx, words)
			if x.quit {
				return
			}
		}
		if err != nil || !x.interactive {
			return
		}
	}
}

// drain reads away what the client still sends, within bounds: closing over unread bytes would reset the connection
// and could take the answer with it.
func (x *session) drain() {
	if c, ok := x.conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	_ = x.conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, x.conn, 1<<20)
}

// Read and Write renew the connection's timeout. Writing fails for good after the connection is gone.
func (x *session) Read(b []byte) (int, error) {
	_ = x.conn.SetReadDeadline(time.Now().Add(x.timeout))
	return x.conn.Read(b)
}

func (x *session) Write(b []byte) (int, error) {
	_ = x.conn.SetWriteDeadline(time.Now().Add(x.timeout))
	return x.conn.Write(b)
}
