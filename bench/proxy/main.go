// Command proxy compares eddy with HAProxy on this machine: same configuration, same load, in turn within one run.
//
// The server under test has one core to itself; wrk, and the backend where there is one, have another. Every case
// runs several rounds, and the two servers swap places from round to round. What counts is the median of the
// rounds' ratios; the absolute figures are medians too, and say more about the machine than about the servers.
//
//	A  redirect                                          requests per second
//	B  redirect, and a Lua action that fills a FIFO      requests per second
//	C  proxying an answer of 1 KB                        requests per second
//	D  mode tcp, 1 MB answers                            requests per second
//	E  10,000 idle keep-alive connections                resident memory
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"eddy/bench/figures"
)

// settings are the command's flags.
type settings struct {
	eddy, haproxy string
	rounds        int
	length        time.Duration
	conns         int
	idle          int
	cases         string
	update        string
}

func main() {
	var s settings
	haproxy := os.Getenv("HAPROXY")
	if haproxy == "" {
		haproxy = "haproxy"
	}
	flag.StringVar(&s.eddy, "eddy", "bin/eddy", "eddy's program")
	flag.StringVar(&s.haproxy, "haproxy", haproxy, "HAProxy's program")
	flag.IntVar(&s.rounds, "rounds", 5, "rounds for each case")
	flag.DurationVar(&s.length, "length", 5*time.Second, "length of one measurement")
	flag.IntVar(&s.conns, "conns", 64, "connections that wrk keeps busy")
	flag.IntVar(&s.idle, "idle", 10000, "idle connections of case E")
	flag.StringVar(&s.cases, "cases", "ABCDE", "which cases to run")
	flag.StringVar(&s.update, "update", "", "put the table between the markers of this Markdown file")
	backend := flag.String("backend", "", "(internal) serve as the backend on this address")
	flag.Parse()
	if *backend != "" {
		fmt.Fprintln(os.Stderr, serveBackend(*backend)) // it ends with an error only
		os.Exit(1)
	}
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(s settings) error {
	for _, tool := range []string{"wrk", "taskset", s.eddy, s.haproxy} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: install wrk, util-linux (taskset) and haproxy; build eddy with \"make build\"", err)
		}
	}
	if runtime.NumCPU() < 2 {
		return errors.New("two cores are needed: one for the server, one for the load")
	}
	if s.rounds < 1 {
		return errors.New("-rounds has to be at least 1")
	}
	dir, err := os.MkdirTemp("", "eddy-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	b := &bench{settings: s, dir: dir}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		b.stopAll()
		os.RemoveAll(dir)
		os.Exit(1)
	}()
	defer b.stopAll()

	report, err := b.runCases()
	if err != nil {
		return err
	}
	fmt.Print(report)
	if s.update == "" {
		return nil
	}
	return figures.UpdateSection(s.update, "bench-proxy", report)
}
