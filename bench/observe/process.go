package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// measurement is what one execution of a program took.
type measurement struct {
	wall, cpu time.Duration // cpu: of its children too
	memory
}

// memory is the most that a process held, in bytes.
type memory struct {
	peak    int64 // resident, pages of mapped files included
	private int64 // resident and its own: what no file backs
}

// sampleEvery is how often a process's memory is looked at.
const sampleEvery = 5 * time.Millisecond

// measure executes a program to its end in a folder.
func measure(ctx context.Context, dir string, args []string) (measurement, error) {
	says, err := os.Create(filepath.Join(dir, "stderr.txt"))
	if err != nil {
		return measurement{}, err
	}
	defer says.Close()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Stderr = dir, says
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return measurement{}, err
	}
	var m measurement
	over := make(chan struct{})
	var sampling sync.WaitGroup
	sampling.Go(func() { m.memory = sample(cmd.Process.Pid, over) })
	err = cmd.Wait()
	m.wall = time.Since(begin)
	close(over)
	sampling.Wait()
	if err != nil {
		text, _ := os.ReadFile(says.Name())
		return m, fmt.Errorf("%s: %w: %q", strings.Join(args, " "), err, text[:min(len(text), 2000)])
	}
	m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return m, nil
}

// sample watches a process until over is closed. The process's own account (getrusage) will not do: it begins with what the
// program that started it held.
func sample(pid int, over <-chan struct{}) (m memory) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return m
		case <-tick.C:
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil {
				continue
			}
			now := memoryOf(string(status))
			m.peak, m.private = max(m.peak, now.peak), max(m.private, now.private)
		}
	}
}

// memoryOf reads proc_pid_status(5).
func memoryOf(status string) (m memory) {
	for line := range strings.Lines(status) {
		name, rest, _ := strings.Cut(line, ":")
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmHWM":
			m.peak = kb << 10
		case "RssAnon", "RssShmem":
			m.private += kb << 10
		}
	}
	return m
}
