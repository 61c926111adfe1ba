package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"eddy/bench/figures"
)

// millionScript fills the queue from many tasks, or says by a file when the first job ran.
const millionScript = `local what, file, jobs = ...
local function say()
    local f = assert(io.open(file, "w"))
    f:close()
end
async.handler("first", function(job)
    if what ~= "fill" then say() end
end)
if what == "fill" then
    local queue, body = async.queue("jobs"), string.rep("0123456789abcdef", 64)
    local left, busy = tonumber(jobs), 256
    for _ = 1, busy do
        core.register_task(function()
            while left > 0 do
                left = left - 1
                assert(queue:push { handler = "first", data = body })
            end
            busy = busy - 1
            if busy == 0 then say() end
        end)
    end
end
`

// The queue runs one job an hour: the others wait.
const millionConfig = `global
    state-dir @STATE
    lua-load @SCRIPT @WHAT @FILE @JOBS
    log stderr format short daemon err
    stats socket @SOCKET level admin
queue jobs
    store disk
    durability os
    workers 1
    rate 1/h
    max-jobs 2m
    max-bytes 8g
    retries 0
listen l
    mode http
    bind 127.0.0.1:@PORT
    timeout client 5s
    http-request return status 200
`

// million is a queue with jobs that wait.
type million struct {
	s    settings
	dir  string
	jobs int
}

// measureMillion starts eddy with a million jobs, and with one.
func measureMillion(ctx context.Context, s settings, root string) (string, error) {
	var t strings.Builder
	for _, jobs := range []int{1, s.jobs} {
		m := million{s: s, dir: filepath.Join(root, "million-"+strconv.Itoa(jobs)), jobs: jobs + s.rounds}
		if err := os.Mkdir(m.dir, 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(m.dir, "million.lua"), []byte(millionScript), 0o644); err != nil {
			return "", err
		}
		filled, err := m.fill(ctx)
		if err != nil {
			return "", err
		}
		size, err := folderSize(filepath.Join(m.dir, "state"))
		if err != nil {
			return "", err
		}
		var first, all, private []float64
		for round := range s.rounds {
			took, rss, own, err := m.first(ctx, round)
			if err != nil {
				return "", err
			}
			first, all, private = append(first, took.Seconds()), append(all, float64(rss)), append(private, float64(own))
			fmt.Fprintf(os.Stderr, "round %d  %d jobs: first job %v after the start, then %s resident, %s its own\n", round+1, jobs, took, figures.MB(rss), figures.MB(own))
		}
		fmt.Fprintf(&t, "- A start with %s jobs of 1 KiB that wait: the first one runs after **%.2f s**; then **%s** are resident (%s without pages of mapped files); the folder has %s. Pushing them from Lua (256 tasks, durability os) took %.1f s.\n",
			figures.Thousands(float64(jobs)), figures.Median(first), figures.MB(int64(figures.Median(all))), figures.MB(int64(figures.Median(private))), figures.MB(size), filled.Seconds())
		if err := os.RemoveAll(m.dir); err != nil {
			return "", err
		}
	}
	return t.String() + "\n", nil
}

// fill pushes the jobs and ends eddy.
func (m *million) fill(ctx context.Context) (time.Duration, error) {
	file := filepath.Join(m.dir, "filled")
	p, begin, err := m.start(ctx, "fill", file)
	if err != nil {
		return 0, err
	}
	err = waitFor(ctx, p, file, 10*time.Minute)
	took := time.Since(begin)
	p.stop(syscall.SIGTERM)
	return took, err
}

// first says how long it takes until the first job has run, and what eddy holds when it has read what there is.
func (m *million) first(ctx context.Context, round int) (took time.Duration, all, private int64, err error) {
	file := filepath.Join(m.dir, fmt.Sprintf("first-%d", round))
	p, begin, err := m.start(ctx, "serve", file)
	if err != nil {
		return 0, 0, 0, err
	}
	defer p.stop(syscall.SIGTERM)
	if err := waitFor(ctx, p, file, time.Minute); err != nil {
		return 0, 0, 0, err
	}
	took = time.Since(begin)
	for range 100 { // until it grows no more
		time.Sleep(500 * time.Millisecond)
		now, own, err := resident(p.cmd.Process.Pid)
		if err != nil {
			return 0, 0, 0, err
		}
		if now <= all+all/100 {
			return took, max(now, all), max(own, private), nil
		}
		all, private = now, own
	}
	return took, all, private, nil
}

func (m *million) start(ctx context.Context, what, file string) (*process, time.Time, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, time.Time{}, err
	}
	_, port, _ := net.SplitHostPort(addr)
	config := filepath.Join(m.dir, what+".cfg")
	text := strings.NewReplacer("@STATE", filepath.Join(m.dir, "state"), "@SCRIPT", filepath.Join(m.dir, "million.lua"), "@WHAT", what, "@FILE", file,
		"@JOBS", strconv.Itoa(m.jobs), "@PORT", port, "@SOCKET", filepath.Join(m.dir, what+".sock")).Replace(millionConfig)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, time.Time{}, err
	}
	begin := time.Now()
	p, err := start(ctx, nil, "tcp", addr, m.dir, m.s.eddy, "-db", "-f", config)
	return p, begin, err
}

// folderSize adds up the files below a folder.
func folderSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
