// Command jobs measures eddy's queues: against other job queues and the bare store, in turn within one run; what they cost
// the lane that serves requests; and what a million jobs cost.
//
// Durable pushes: so many producers each wait for one push of a KiB after the other. End to end: 64 producers and 16
// workers whose jobs have nothing to do. Every queue has the whole machine while it is measured, an empty store, and all
// rounds in turn; what counts is the median of the rounds' ratios.
//
// A peer that is not installed, or whose library cannot be had, is left out with a line that says so. The servers that
// peers need are private, listen on this machine only, and are started and ended by the benchmark.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"eddy/bench/figures"
	"eddy/bench/jobs/load"
	"eddy/bench/jobs/own"
)

// settings are the command's flags.
type settings struct {
	eddy   string
	parts  string
	rounds int
	length time.Duration
	dir    string
	only   string
	jobs   int
	rate   int
	cores  string
	update string
}

// internal is the first argument of the benchmark when it runs itself to measure one subject.
const internal = "measure-one"

func main() {
	if len(os.Args) > 1 && os.Args[1] == internal {
		load.Command(internal, os.Args[2:], own.Subjects())
	}
	if len(os.Args) > 1 && os.Args[1] == internalServer {
		serveInternal(os.Args[2:])
	}
	if len(os.Args) > 1 && os.Args[1] == internalLoad {
		loadInternal(os.Args[2:])
	}
	var s settings
	flag.StringVar(&s.eddy, "eddy", "bin/eddy", "eddy's program")
	flag.StringVar(&s.parts, "parts", "queues,lua,million,lane", "what to measure: some of these")
	flag.IntVar(&s.rounds, "rounds", 5, "rounds")
	flag.DurationVar(&s.length, "length", 3*time.Second, "length of one measurement")
	flag.StringVar(&s.dir, "dir", "", "folder on the disk to measure (default: one in the temporary folder); what is made in it is removed at the end")
	flag.StringVar(&s.only, "only", "", "measure only queues and cases that have this in their names")
	flag.IntVar(&s.jobs, "jobs", 1_000_000, "jobs that wait when eddy starts")
	flag.IntVar(&s.rate, "rate", 2000, "requests per second of the lane")
	flag.StringVar(&s.cores, "cores", serverCore, "cores that eddy has in the lane's part, as taskset wants them; the load has "+loadCore)
	flag.StringVar(&s.update, "update", "", "put the tables between the markers of this Markdown file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	if s.rounds < 1 {
		return errors.New("-rounds has to be at least 1")
	}
	if s.eddy, err = exec.LookPath(s.eddy); err != nil {
		return fmt.Errorf("%w: build eddy with \"make build\"", err)
	}
	if s.eddy, err = filepath.Abs(s.eddy); err != nil {
		return err
	}
	root, err := os.MkdirTemp(s.dir, "eddy-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	var report strings.Builder
	for _, part := range strings.Split(s.parts, ",") {
		var text string
		switch part {
		case "queues":
			text, err = compareQueues(ctx, s, root)
		case "lua":
			text, err = measureLua(ctx)
		case "million":
			text, err = measureMillion(ctx, s, root)
		case "lane":
			text, err = measureLane(ctx, s, root)
		default:
			err = fmt.Errorf("-parts: there is no %q", part)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		report.WriteString(text)
	}
	head := fmt.Sprintf("%s, %s; %d rounds in turn; medians.\n\n", figures.Machine(), time.Now().Format("2006-01-02"), s.rounds)
	fmt.Print(head + report.String())
	if s.update == "" {
		return nil
	}
	return figures.UpdateSection(s.update, "bench-jobs", head+report.String())
}
