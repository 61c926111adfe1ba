package stdlib

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// child is a program that a script started, with /bin/sh -c, in a process group of its own.
type child struct {
	lib  *Library
	cmd  *exec.Cmd
	done chan struct{} // closed when it was waited for; how is set then
	how  outcome
	stop func() bool // ends the watch on the context; under lib.mu

	mu     sync.Mutex
	waited bool // somebody waits for it, or has
	reaped bool // its number may belong to another by now
}

// grace is what a child whose handle was collected gets to take in what was written to it.
const grace = time.Second

// spawn starts line. The child dies with its group when ctx ends. Its files are eddy's own where nil, but it never
// reads eddy's standard input: a program in the background must not.
func (l *Library) spawn(ctx context.Context, line string, stdin, stdout *os.File) (*child, error) {
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = l.opts.Stdout, l.opts.Stderr
	if stdin != nil {
		cmd.Stdin = stdin
	}
	if stdout != nil {
		cmd.Stdout = stdout
	}
	c := &child{lib: l, cmd: cmd, done: make(chan struct{})}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, context.Canceled
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l.children[c] = struct{}{}
	c.stop = context.AfterFunc(ctx, c.kill)
	return c, nil
}

// kill ends the child and its group.
func (c *child) kill() {
	c.mu.Lock()
	if !c.reaped {
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) // it may have ended already
	}
	c.mu.Unlock()
	c.reap()
}

// reap makes someone wait for the child; done tells when. Until then it keeps its number, ended or not, so that kill
// reaches what is left of its group and nobody else.
func (c *child) reap() {
	c.mu.Lock()
	first := !c.waited
	c.waited = true
	c.mu.Unlock()
	if first {
		c.lib.background(c.wait)
	}
}

func (c *child) wait() {
	_ = c.cmd.Wait() // the state tells more
	c.mu.Lock()
	c.reaped = true
	c.mu.Unlock()
	c.how = outcome{"exit", c.cmd.ProcessState.ExitCode()}
	if ws, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		c.how = outcome{"signal", int(ws.Signal())}
	}
	c.lib.mu.Lock()
	delete(c.lib.children, c)
	stop := c.stop
	c.lib.mu.Unlock()
	stop()
	close(c.done)
}

// finish waits for the child's end; when ctx ends first the child is killed.
func (c *child) finish(ctx context.Context) (outcome, error) {
	c.reap()
	select {
	case <-c.done:
	case <-ctx.Done():
		c.kill()
		<-c.done
		return c.how, ctx.Err()
	}
	return c.how, nil
}

// process is a child with a pipe to it: io.popen.
type process struct {
	osFile
	child *child
	reads bool // eddy reads what the child writes
}

// popen starts line with one end of a pipe; reads says which.
func (l *Library) popen(ctx context.Context, line string, reads bool) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ours, theirs := r, w
	if !reads {
		ours, theirs = w, r
	}
	defer theirs.Close()
	var c *child
	if reads {
		c, err = l.spawn(ctx, line, nil, theirs)
	} else {
		c, err = l.spawn(ctx, line, theirs, nil)
	}
	if err != nil {
		ours.Close()
		return nil, err
	}
	return &process{osFile: *newOSFile(ours), child: c, reads: reads}, nil
}

func (p *process) shut(ctx context.Context) (outcome, error) {
	if err := p.f.Close(); err != nil {
		return outcome{}, err
	}
	return p.child.finish(ctx)
}

// abandon is the end of a handle that nobody holds any more. What was written to the child is given a moment.
func (p *process) abandon() {
	_ = p.f.Close()
	if p.reads {
		p.child.kill()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	_, _ = p.child.finish(ctx)
}
