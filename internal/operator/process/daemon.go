package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startLimit is how long a child may take from its start until it serves: loading scripts, waiting for the ports of
// an older process.
const startLimit = 2 * time.Minute

// ErrChildFailed says that a child ended, or was ended, before it was ready. The child has said why.
var ErrChildFailed = errors.New("the new process did not start")

// Daemonize starts this program again in a session of its own, in folder dir, and returns its pid once it serves.
// When it fails, code is its exit code.
func Daemonize(dir string) (pid, code int, err error) {
	c, err := spawn(Daemon, dir, Handover{}, &syscall.SysProcAttr{Setsid: true})
	if err != nil {
		return 0, 1, err
	}
	if c.await(startLimit) {
		pid = c.cmd.Process.Pid
		_ = c.cmd.Process.Release()
		return pid, 0, nil
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if err := c.cmd.Wait(); errors.As(err, &exit) && exit.ExitCode() > 0 {
		return 0, exit.ExitCode(), ErrChildFailed
	}
	return 0, 1, ErrChildFailed
}

// detach makes the standard descriptors those of null, which is /dev/null.
func detach(null *os.File) error {
	if null == nil {
		return errors.New("cannot let go of the terminal: there is no " + os.DevNull)
	}
	for fd := range 3 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return fmt.Errorf("cannot let go of the terminal: %w", err)
		}
	}
	return nil
}
