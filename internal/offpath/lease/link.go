package lease

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"eddy/internal/offpath/job"

	"golang.org/x/sys/unix"
)

// version of what processes say to each other. Both have to have the same.
const version = 1

// maxFrame bounds a message: a job with its payload and some names.
const maxFrame = 256 << 20

type kind uint8

const (
	kindTakeover kind = iota + 1 // new → old: Relieves, Names
	kindProbe                    // the same as a question only
	kindStranger                 // old → new: it was not named
	kindStopping                 // it ends already
	kindRefused                  // Text
	kindGiven                    // Running; the lock follows as a descriptor
	kindOpened                   // new → old: the stores are open
	kindPush                     // guest → owner: Seq, Queue, Job, Delay
	kindEnded                    // guest → owner: Seq, Queue, ID, Outcome
	kindLost                     // guest → owner: Queue, IDs
	kindAnswer                   // owner → guest: Seq, Failure
)

// message is all that is ever said; each kind uses some fields.
type message struct {
	Kind     kind
	Version  int
	Seq      uint64
	Relieves []int
	Names    []string
	Running  map[string][]job.ID
	Text     string
	Queue    string
	Job      *job.Job
	Delay    time.Duration
	ID       job.ID
	IDs      []job.ID
	Outcome  *outcome
	Failure  *failure
}

// link is a connection between two processes: frames of four bytes of length and a message, as one stream of package gob.
// One goroutine receives; any may send.
type link struct {
	conn *net.UnixConn

	mu  sync.Mutex // of sending
	out bytes.Buffer
	enc *gob.Encoder

	in  bytes.Buffer
	dec *gob.Decoder
}

func newLink(c *net.UnixConn) *link {
	l := &link{conn: c}
	l.enc, l.dec = gob.NewEncoder(&l.out), gob.NewDecoder(&l.in)
	return l
}

func (l *link) close() { _ = l.conn.Close() }

// deadline bounds what follows; 0: no bound.
func (l *link) deadline(d time.Duration) {
	t := time.Time{}
	if d > 0 {
		t = time.Now().Add(d)
	}
	_ = l.conn.SetDeadline(t)
}

func (l *link) send(m *message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Reset()
	l.out.Write(make([]byte, 4))
	if err := l.enc.Encode(m); err != nil {
		return err
	}
	b := l.out.Bytes()
	if len(b)-4 > maxFrame {
		return fmt.Errorf("%d bytes are too many for a message", len(b))
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	_, err := l.conn.Write(b)
	if l.out.Cap() > 1<<20 {
		l.out = bytes.Buffer{}
	}
	return err
}

func (l *link) receive(m *message) error { return receive(l.conn, &l.in, l.dec, m) }

// receive reads one message. The buffer is what the decoder reads from: a frame has the definitions of types that its message
// needs, and nothing is left when it was decoded.
func receive(r io.Reader, in *bytes.Buffer, dec *gob.Decoder, m *message) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > maxFrame {
		return fmt.Errorf("a message of %d bytes", n)
	}
	in.Reset()
	if _, err := io.CopyN(in, r, int64(n)); err != nil { // memory grows with what has come, not with what was announced
		return err
	}
	*m = message{}
	if err := dec.Decode(m); err != nil {
		return fmt.Errorf("a message that is not understood: %w", err)
	}
	if in.Len() > 0 {
		return errors.New("a message with something behind it")
	}
	if in.Cap() > 1<<20 {
		*in = bytes.Buffer{}
	}
	return nil
}

// sendFile passes a file: one byte with its descriptor.
func (l *link) sendFile(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	if err := raw.Control(func(fd uintptr) {
		_, _, sendErr = l.conn.WriteMsgUnix([]byte{1}, unix.UnixRights(int(fd)), nil)
	}); err != nil {
		return err
	}
	return sendErr
}

func (l *link) receiveFile() (*os.File, error) {
	b, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := l.conn.ReadMsgUnix(b, oob)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil && len(fds) == 1 {
			unix.CloseOnExec(fds[0])
			return os.NewFile(uintptr(fds[0]), "owner.lock"), nil
		}
	}
	return nil, errors.New("no lock was passed")
}

// peer gives the process at the other end, which has to be of the same user, or root's.
func (l *link) peer() (pid int, err error) {
	raw, err := l.conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return 0, err
	}
	switch {
	case credErr != nil:
		return 0, credErr
	case cred.Uid != 0 && int(cred.Uid) != syscall.Geteuid():
		return 0, fmt.Errorf("the process at the other end belongs to user %d", cred.Uid)
	}
	return int(cred.Pid), nil
}
