package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"eddy/bench/jobs/load"
)

// subject is a queue that is measured: a program that knows it by a name, and the server that it needs.
type subject struct {
	title   string // "Asynq, Redis with appendfsync always"
	name    string // as the program knows it
	program string
	args    []string // before the plan's flags
	service *service // nil: it needs none
	safe    string   // what an accepted push means, for the table
	noWork  bool     // it can only be pushed to

	binary  string   // of the service, found
	running *process // of a service that stays
	address string
	dir     string // of the running service

	results map[measure][]load.Result
}

// measure is one thing that is measured of all subjects.
type measure struct{ producers, workers int }

func (m measure) String() string {
	if m.workers > 0 {
		return fmt.Sprintf("end to end, %d producers, %d workers", m.producers, m.workers)
	}
	return fmt.Sprintf("%d producers", m.producers)
}

// run measures once, with an empty queue.
func (s *subject) run(ctx context.Context, root string, m measure, length time.Duration) (load.Result, error) {
	dir, err := os.MkdirTemp(root, s.name+"-")
	if err != nil {
		return load.Result{}, err
	}
	defer os.RemoveAll(dir)
	address, end, err := s.serve(ctx, root)
	if err != nil {
		return load.Result{}, err
	}
	defer end()
	args := append(append([]string(nil), s.args...), "-subject", s.name, "-dir", dir, "-address", address,
		"-producers", strconv.Itoa(m.producers), "-workers", strconv.Itoa(m.workers), "-length", length.String())
	ctx, cancel := context.WithTimeout(ctx, length+5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, args...)
	var says bytes.Buffer
	cmd.Stderr = &says
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.Output()
	if err != nil {
		return load.Result{}, fmt.Errorf("%s, %v: %w: %s", s.title, m, err, bytes.TrimSpace(says.Bytes()[:min(says.Len(), 2000)]))
	}
	var r load.Result
	return r, json.Unmarshal(out, &r)
}

// serve sees to it that the subject's server runs. end ends it, unless it stays.
func (s *subject) serve(ctx context.Context, root string) (address string, end func(), err error) {
	if s.service == nil || s.running != nil {
		return s.address, func() {}, nil
	}
	if err := os.Chmod(root, 0o711); err != nil { // a server's user has to get into its own folder
		return "", nil, err
	}
	if s.dir, err = os.MkdirTemp(root, s.service.program+"-"); err != nil {
		return "", nil, err
	}
	p, address, err := s.service.open(ctx, s.binary, s.dir)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	s.running, s.address = p, address
	if s.service.stays {
		return address, func() {}, nil
	}
	return address, s.close, nil
}

// close ends the subject's server.
func (s *subject) close() {
	if s.running != nil {
		s.running.stop(s.service.end)
		_ = os.RemoveAll(s.dir)
		s.running = nil
	}
}

// peers are the queues that eddy is compared with. left says what is not there, and why.
func peers(ctx context.Context, root string) (found []*subject, versions []string, left []string) {
	program := filepath.Join(root, "peers")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir = filepath.Join("bench", "jobs", "peers")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, nil, []string{fmt.Sprintf("all peers: bench/jobs/peers does not build: %v: %s", err, bytes.TrimSpace(out))}
	}
	for _, s := range []*subject{
		{title: "River, PostgreSQL", name: "river", service: postgreSQL(), safe: "synced"},
		{title: "Asynq, Redis, appendfsync always", name: "asynq", service: redis("always"), safe: "synced"},
		{title: "Asynq, Redis, appendfsync everysec", name: "asynq", service: redis("everysec"), safe: "synced each second"},
		{title: "beanstalkd -f0", name: "beanstalkd", service: beanstalkdServer(), safe: "synced"},
		{title: "NATS JetStream, sync always", name: "jetstream", safe: "synced"},
	} {
		s.program = program
		if s.service != nil {
			path, err := s.service.find()
			if err != nil {
				left = append(left, s.title+": "+err.Error())
				continue
			}
			s.binary = path
			if v := s.service.name(path); !slices.Contains(versions, v) {
				versions = append(versions, v)
			}
		}
		found = append(found, s)
	}
	return found, versions, left
}
