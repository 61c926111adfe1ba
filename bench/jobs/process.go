package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a program that the benchmark started; it ends it by its pid.
type process struct {
	name string
	cmd  *exec.Cmd
	says buffer
	done chan struct{}
}

// buffer keeps what a program says, the first part of it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if room := 8<<10 - b.text.Len(); room > 0 {
		b.text.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.text.String())
}

// startTime is how long a server may take to answer.
const startTime = 20 * time.Second

// start starts a server as a user (nil: the one who runs this) and waits until address ("unix" or "tcp", and where) answers.
func start(ctx context.Context, as *syscall.Credential, network, address, dir string, args ...string) (*process, error) {
	p := &process{name: args[0], cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = &p.says, &p.says, dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	for begin := time.Now(); time.Since(begin) < startTime; {
		c, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			c.Close()
			return p, nil
		}
		select {
		case <-ctx.Done():
			p.stop(syscall.SIGTERM)
			return nil, ctx.Err()
		case <-p.done:
			return nil, fmt.Errorf("%s did not start: %s", p.name, &p.says)
		case <-time.After(10 * time.Millisecond):
		}
	}
	p.stop(syscall.SIGTERM)
	return nil, fmt.Errorf("%s does not answer on %s: %s", p.name, address, &p.says)
}

// stop asks the process to end, and ends it if it does not.
func (p *process) stop(signal syscall.Signal) {
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// resident is the memory that a process holds, in bytes: all of it, and its own, which no file backs.
func resident(pid int) (all, private int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	all, private = residentOf(string(text))
	if all == 0 {
		return 0, 0, fmt.Errorf("process %d has no VmRSS", pid)
	}
	return all, private, nil
}

// residentOf reads proc_pid_status(5).
func residentOf(status string) (all, private int64) {
	for line := range strings.Lines(status) {
		name, rest, _ := strings.Cut(line, ":")
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmRSS":
			all = kb << 10
		case "RssAnon", "RssShmem":
			private += kb << 10
		}
	}
	return all, private
}

// cpuTime is the processor time that a process has used. Threads that have ended are not in it.
func cpuTime(pid int) (sum time.Duration, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // it has just ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", f, err)
		}
		sum += time.Duration(ns)
	}
	if sum == 0 {
		return 0, fmt.Errorf("process %d has no processor time", pid)
	}
	return sum, nil
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}
