package listener

import (
	"errors"
	"net"
	"strconv"
	"syscall"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// BindError says why a bind line's address could not be opened.
type BindError struct {
	Pos  diag.Pos // the bind line
	Addr string   // "*:80", "unix@/run/x.sock"
	Err  error
	Hint string // what to do; may be empty
}

// Error gives one line with place, address, reason and hint.
func (e *BindError) Error() string {
	text := "cannot bind " + e.Addr + ": " + e.Err.Error()
	if e.Pos != (diag.Pos{}) {
		text = e.Pos.String() + ": " + text
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// ListenAddr is the address that could not be opened.
func (e *BindError) ListenAddr() string { return e.Addr }

// Unwrap gives the reason.
func (e *BindError) Unwrap() error { return e.Err }

var errNotSocket = errors.New("the file exists and is not a socket")

func newBindError(b *model.Bind, err error) *BindError {
	return &BindError{Pos: b.Pos, Addr: addrText(b), Err: reason(err), Hint: hint(b, err)}
}

// reason is the innermost cause of a network error; what wraps it only repeats the address. A cause that names an
// option ("interface eth9: no such device") keeps the name.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var errno syscall.Errno
	if errors.As(err, &errno) && (errno == syscall.EADDRINUSE || errno == syscall.EADDRNOTAVAIL || errno == syscall.EACCES) {
		return errno
	}
	return err
}

func hint(b *model.Bind, err error) string {
	isFile := b.Addr.Kind == model.AddrUnix
	switch {
	case errors.Is(err, errNotSocket):
		return "move the file away, or choose another path"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another process listens there: stop it, or choose another address or port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address: write one that it has, or * for all"
	case errors.Is(err, syscall.EACCES) && b.Addr.Kind == model.AddrTCP && b.Addr.Port < 1024:
		return "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"
	case errors.Is(err, syscall.EACCES) && isFile:
		return "this user may not write to the folder"
	case errors.Is(err, syscall.EPERM) && isFile:
		return "only root may give the socket another owner"
	case errors.Is(err, syscall.ENOENT) && isFile:
		return "make the folder first"
	case errors.Is(err, syscall.EBADF), errors.Is(err, syscall.ENOTSOCK):
		return "the parent process must pass a bound socket under that number"
	}
	return ""
}

// addrText names the one address that a bind line's entry stands for; a range was split up before.
func addrText(b *model.Bind) string {
	if b.Addr.Kind != model.AddrTCP {
		return b.Addr.Text
	}
	host := b.Addr.Host
	if host == "" {
		host = "*"
	}
	return net.JoinHostPort(host, strconv.Itoa(b.Addr.Port))
}
