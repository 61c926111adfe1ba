package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"eddy/bench/figures"
)

// service is a server that a peer needs: private, on this machine only, and on the disk.
type service struct {
	program string // what has to be installed
	version string // how to ask it
	words   int    // of its answer that name it
	// open starts it with an empty folder, and gives where it listens.
	open func(ctx context.Context, program, dir string) (p *process, address string, err error)
	end  syscall.Signal
	// stays: one server is enough for all measurements; what uses it makes it empty.
	stays bool
}

func postgreSQL() *service {
	return &service{program: "postgres", version: "--version", words: 3, open: openPostgres, end: syscall.SIGINT, stays: true}
}

func redis(appendfsync string) *service {
	return &service{program: "redis-server", version: "--version", words: 3, end: syscall.SIGTERM, open: func(ctx context.Context, program, dir string) (*process, string, error) {
		socket := filepath.Join(dir, "redis.sock")
		p, err := start(ctx, nil, "unix", socket, dir, program, "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "",
			"--appendonly", "yes", "--appendfsync", appendfsync, "--maxclients", "2000")
		return p, socket, err
	}}
}

// beanstalkdServer syncs each job (-f0).
func beanstalkdServer() *service {
	return &service{program: "beanstalkd", version: "-v", words: 2, end: syscall.SIGTERM, open: func(ctx context.Context, program, dir string) (*process, string, error) {
		port, err := freePort()
		if err != nil {
			return nil, "", err
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		p, err := start(ctx, nil, "tcp", address, dir, program, "-l", "127.0.0.1", "-p", strconv.Itoa(port), "-b", dir, "-f0")
		return p, address, err
	}}
}

// find gives the program's path. Debian has PostgreSQL's programs in a folder for each version.
func (s *service) find() (string, error) {
	path, err := exec.LookPath(s.program)
	if err == nil {
		return path, nil
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + s.program); len(found) > 0 {
		return slices.Max(found), nil
	}
	return "", fmt.Errorf("%s is not installed", s.program)
}

func (s *service) name(program string) string { return figures.FirstLine(s.words, program, s.version) }

// openPostgres makes a cluster and starts it, with fsync, and with what else PostgreSQL has as its defaults. It refuses to
// run as root.
func openPostgres(ctx context.Context, program, dir string) (*process, string, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, "", err
	}
	if program, err = filepath.EvalSymlinks(program); err != nil { // beside it are those that belong to it
		return nil, "", err
	}
	data := filepath.Join(dir, "data")
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			return nil, "", err
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(filepath.Dir(program), "initdb"), "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	p, err := start(ctx, as, "unix", filepath.Join(dir, ".s.PGSQL.5432"), dir, program, "-D", data, "-k", dir,
		"-c", "listen_addresses=", "-c", "max_connections=200", "-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB")
	if err != nil {
		return nil, "", err
	}
	if err := ready(ctx, filepath.Join(filepath.Dir(program), "pg_isready"), dir); err != nil {
		p.stop(syscall.SIGINT)
		return nil, "", err
	}
	return p, fmt.Sprintf("host=%s user=bench dbname=postgres", dir), nil
}

// ready waits until PostgreSQL takes more than connections.
func ready(ctx context.Context, program, dir string) error {
	for end := time.Now().Add(startTime); ; time.Sleep(20 * time.Millisecond) {
		out, err := exec.CommandContext(ctx, program, "-h", dir, "-U", "bench").CombinedOutput()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return fmt.Errorf("pg_isready: %w: %s", err, out)
		}
	}
}

// unprivileged is a user who is not root; nil when this process's is not.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	var errs []error
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.Join(errs...)
}
