package process

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"eddy/internal/fastpath/listener"
)

// visit is a talk at the gate of a process that is to be relieved.
type visit struct {
	conn *net.UnixConn
	pid  int
}

// visitGates asks a process and its children for their listening sockets: of a master, it is a worker that has them. No
// gate at all is no error: an older eddy, another user's, or no eddy at all.
func visitGates(pid int) ([]*visit, []listener.Socket, error) {
	var visits []*visit
	var sockets []listener.Socket
	var errs []error
	for id, path := range gates(pid) {
		v, got, err := visitGate(id, path)
		if err != nil {
			errs = append(errs, fmt.Errorf("process %d does not give its listening sockets: %w", id, err))
			continue
		}
		visits, sockets = append(visits, v), append(sockets, got...)
	}
	return visits, sockets, errors.Join(errs...)
}

func visitGate(pid int, path string) (*visit, []listener.Socket, error) {
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		return nil, nil, err
	}
	v := &visit{conn: conn, pid: pid}
	sockets, err := v.sockets()
	if err != nil {
		_ = conn.Close()
		for _, s := range sockets {
			_ = s.File.Close()
		}
		return nil, nil, err
	}
	return v, sockets, nil
}

// sockets asks for the listening sockets. Those that came before an error are given with it.
func (v *visit) sockets() ([]listener.Socket, error) {
	if peer, err := peerOf(v.conn); err != nil {
		return nil, err
	} else if int(peer.Pid) != v.pid {
		return nil, fmt.Errorf("process %d answers there", peer.Pid)
	}
	if err := send(v.conn, askSockets, nil); err != nil {
		return nil, err
	}
	var got []listener.Socket
	for {
		text, f, err := receiveFile(v.conn, packetLimit)
		if err != nil {
			return got, err
		}
		name, isSocket := strings.CutPrefix(text, saySocket)
		if f != nil {
			got = append(got, listener.Socket{Name: name, File: f})
		}
		switch {
		case text == sayEnd && f == nil:
			return got, nil
		case !isSocket || f == nil:
			return got, fmt.Errorf("%q is not understood", text)
		case len(got) > maxSockets:
			return got, fmt.Errorf("more than %d sockets", maxSockets)
		}
	}
}

// leave tells the process which sockets are served elsewhere now, and to leave; with signal 0 somebody else does that.
func (v *visit) leave(taken []string, s syscall.Signal) error {
	defer v.conn.Close()
	for _, name := range taken {
		if err := send(v.conn, sayTaken+name, nil); err != nil {
			return err
		}
	}
	if err := send(v.conn, fmt.Sprintf("%s%d", sayLeave, int(s)), nil); err != nil {
		return err
	}
	text, err := receive(v.conn, packetLimit)
	if err == nil && text != sayOK {
		err = fmt.Errorf("%q is not understood", text)
	}
	return err
}
