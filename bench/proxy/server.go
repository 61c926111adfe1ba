package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that the benchmark started; it ends it by its pid.
type process struct {
	name string
	port int
	cmd  *exec.Cmd
	errs bytes.Buffer
	done chan struct{}
}

// The cores: the server under test has the first, everything else the second.
const (
	serverCore = "0"
	loadCore   = "1"
)

// pinned starts a program on one core.
func (b *bench) pinned(core, name string, port int, args ...string) (*process, error) {
	p := &process{name: name, port: port, done: make(chan struct{})}
	p.cmd = exec.Command("taskset", append([]string{"-c", core}, args...)...)
	p.cmd.Stderr = &p.errs
	p.cmd.Dir = b.dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.running = append(b.running, p)
	b.mu.Unlock()
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	for range 500 {
		c, err := net.DialTimeout("tcp", p.addr(), time.Second)
		if err == nil {
			c.Close()
			return p, nil
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("%s did not start: %s", name, p.errs.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil, fmt.Errorf("%s does not answer on %s", name, p.addr())
}

func (p *process) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

func (b *bench) stopAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.running {
		p.stop()
	}
	b.running = nil
}

// cpu is the processor time that the process has used. taskset has become the program itself.
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err1 := strconv.Atoi(f[11]) // fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms
	system, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("cannot read the times of process %d", p.cmd.Process.Pid)
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// resident is the memory that the process holds, in bytes.
func (p *process) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", p.cmd.Process.Pid)
}

// proxy starts one of the two servers with a configuration of its own port.
func (b *bench) proxy(name string, c *benchCase, backendPort int) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	program, extra := b.eddy, ""
	if name == "haproxy" {
		// It wants two descriptors for each connection before it starts, even where there is no server.
		program, extra = b.haproxy, "\n    no strict-limits"
	}
	if program, err = exec.LookPath(program); err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return nil, err
	}
	path := filepath.Join(b.dir, fmt.Sprintf("%s-%s.cfg", c.letter, name))
	text := strings.NewReplacer("@PORT", strconv.Itoa(port), "@BACKEND", strconv.Itoa(backendPort), "@EXTRA", extra).Replace(common + c.config)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return b.pinned(serverCore, name, port, program, "-db", "-f", path)
}

func (b *bench) backend() (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.pinned(loadCore, "backend", port, self, "-backend", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}
