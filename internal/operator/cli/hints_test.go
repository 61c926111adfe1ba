package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"eddy/internal/operator/jobs"
)

func TestSocketHint(t *testing.T) {
	dir := t.TempDir()
	for want, err := range map[string]error{
		"is the process stopped": os.ErrDeadlineExceeded,
		"no eddy made this":      syscall.ENOENT,
		"mode does not let you":  &net.OpError{Err: os.NewSyscallError("connect", syscall.EACCES)},
		"this is a folder":       os.NewSyscallError("connect", syscall.ECONNREFUSED),
		"":                       syscall.ECONNRESET,
	} {
		if got := socketHint(&jobs.ConnError{Socket: dir, Err: err}); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%v: %s", err, got)
		}
	}
}

func TestListenHint(t *testing.T) {
	bind := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.EACCES)}
	folder := fmt.Errorf("cannot make the state folder: %w", &fs.PathError{Op: "mkdir", Path: "/root/x", Err: syscall.EACCES})
	for want, err := range map[string]error{
		"ports below 1024":            bind,
		"mkdir -p":                    fmt.Errorf("stats socket /x/y: %w", syscall.ENOENT),
		"-sf PID":                     fmt.Errorf("listen: %w", syscall.EADDRINUSE),
		"give the folder to the user": folder,
		"":                            errors.New("something else"),
	} {
		if got := listenHint(err); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%v: %s", err, got)
		}
	}
}
