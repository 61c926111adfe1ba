// Package process is what eddy does as a Unix process: it starts itself again in the background or as a worker, lets
// go of privileges, writes its pid, and hands over from an older process (management.txt §3, §4).
//
// A process started by another one of ours reports back over a pipe on descriptor 3. One line "ready" means that it
// serves; when the pipe closes without it, it has failed and has already said why.
package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Role is why a process was started.
type Role string

// The roles. Plain is what a user starts.
const (
	Plain  Role = ""
	Daemon Role = "daemon" // started by a Plain process with -D, which waits for it to be ready
	Worker Role = "worker" // started by a master
)

// The environment variables that tell a child its role. They are taken out of the environment at once, so that
// nothing which the child starts sees them.
const (
	roleVar   = "EDDY_PROCESS_ROLE"
	oldVar    = "EDDY_PROCESS_OLD" // workers: the processes to relieve
	readyFD   = 3
	readyLine = "ready\n"
)

// Self is what this process was told by the one that started it.
type Self struct {
	Role  Role
	Old   string // the processes a worker is to relieve, for ParseHandover
	ready *os.File
	null  *os.File // /dev/null, opened before the root folder changes
}

// Start finds out the role. It is to be called once, before anything else starts.
func Start() *Self {
	s := &Self{Role: Role(os.Getenv(roleVar)), Old: os.Getenv(oldVar)}
	os.Unsetenv(roleVar)
	os.Unsetenv(oldVar)
	if s.Role != Plain {
		syscall.CloseOnExec(readyFD)
		s.ready = os.NewFile(readyFD, "ready pipe")
		s.null, _ = os.OpenFile(os.DevNull, os.O_RDWR, 0) // a nil one fails in detach
	}
	return s
}

// Ready tells the process that started this one that it serves. With background, a process that was started by
// another one of ours lets go of the terminal: its standard descriptors become /dev/null.
func (s *Self) Ready(background bool) error {
	if s.ready == nil {
		return nil
	}
	_, err := io.WriteString(s.ready, readyLine)
	s.ready.Close()
	s.ready = nil
	if background {
		err = errors.Join(err, detach(s.null))
	}
	s.null.Close()
	return err
}

// child is a process that was started by spawn.
type child struct {
	cmd   *exec.Cmd
	ready *os.File
}

// spawn starts this program again in a role with the same arguments, in folder dir.
func spawn(role Role, dir string, old Handover, attr *syscall.SysProcAttr) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find the program's own file: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	cmd := &exec.Cmd{
		Path: exe, Args: os.Args, Dir: dir,
		Env:   append(os.Environ(), roleVar+"="+string(role), oldVar+"="+old.String()),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		ExtraFiles:  []*os.File{w},
		SysProcAttr: attr,
	}
	if err := cmd.Start(); err != nil {
		r.Close()
		return nil, fmt.Errorf("cannot start %s: %w", exe, err)
	}
	return &child{cmd: cmd, ready: r}, nil
}

// await blocks until the child says that it is ready, or has failed, or the time is over.
func (c *child) await(limit time.Duration) bool {
	defer c.ready.Close()
	_ = c.ready.SetReadDeadline(time.Now().Add(limit))
	line, err := bufio.NewReader(io.LimitReader(c.ready, int64(len(readyLine)))).ReadString('\n')
	return err == nil && line == readyLine
}
