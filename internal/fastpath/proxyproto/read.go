package proxyproto

import (
	"io"
	"net"
	"os"
	"syscall"
)

// Read takes a header off the front of a connection and not a byte more, so that whoever reads next finds what the
// client sent. It blocks; the caller sets a read deadline. The connection must be a socket.
func Read(c net.Conn) (Header, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return Header{}, os.ErrInvalid
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return Header{}, err
	}
	var room [256]byte // most headers fit
	have := room[:0]
	for {
		if cap(have)-len(have) < headV2 {
			have = append(make([]byte, 0, 4*cap(have)), have...)
		}
		seen, err := peek(raw, have[len(have):cap(have)])
		if err != nil {
			return Header{}, err
		}
		h, n, err := Parse(have[:len(have)+seen])
		if err != nil {
			return Header{}, err
		}
		// What is there belongs to the header, as far as the header goes: take it.
		take := seen
		if n > 0 {
			take = n - len(have)
		}
		if _, err := io.ReadFull(c, have[len(have):len(have)+take]); err != nil {
			return Header{}, err
		}
		have = have[:len(have)+take]
		if n > 0 {
			return h, nil
		}
	}
}

// peek looks at the bytes that wait in the socket, at least one, and leaves them there.
func peek(raw syscall.RawConn, p []byte) (n int, err error) {
	var callErr error
	err = raw.Read(func(fd uintptr) bool {
		for {
			n, _, callErr = syscall.Recvfrom(int(fd), p, syscall.MSG_PEEK)
			if callErr != syscall.EINTR {
				return callErr != syscall.EAGAIN
			}
		}
	})
	switch {
	case err != nil:
		return 0, err
	case callErr != nil:
		return 0, os.NewSyscallError("recv", callErr)
	case n == 0:
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}
