package stdlib

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"eddy/internal/script/vm"
)

var (
	errClosed  = errors.New("attempt to use a closed file")
	errBadFile = error(syscall.EBADF)
	errTooBig  = errors.New("not enough memory: one read may bring 64 MiB; read the file in pieces")
)

// errno is the number of the system error in err, or 0.
func errno(err error) int {
	var e syscall.Errno
	switch {
	case errors.As(err, &e):
		return int(e)
	case errors.Is(err, fs.ErrClosed):
		return int(syscall.EBADF)
	}
	return 0
}

// reason is what C's strerror says. Go's texts are the same, with a small first letter.
func reason(err error) string {
	if n := errno(err); n != 0 {
		s := syscall.Errno(n).Error()
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return err.Error()
}

// failure is nil, a message and a number: how functions of io and os tell of what the system refused. What ends the
// run, or is the script's own mistake, is raised.
func failure(err error, name string) vm.Resume {
	if raised(err) {
		return vm.Resume{Err: err}
	}
	text := reason(err)
	if name != "" {
		text = name + ": " + text
	}
	return vm.Resume{Values: []vm.Value{vm.Nil(), vm.Str(text), vm.Int(int64(errno(err)))}}
}

func raised(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || err == errClosed || err == errTooBig
}

// push returns r's values from a Func that did not wait.
func push(c *vm.Call, r vm.Resume) error {
	if r.Err != nil {
		return r.Err
	}
	for _, v := range r.Values {
		if err := c.PushValue(v); err != nil {
			return err
		}
	}
	return nil
}

func hasNewline(p []byte) bool { return bytes.IndexByte(p, '\n') >= 0 }
