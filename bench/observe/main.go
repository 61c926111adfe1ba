// Command observe compares eddy's observed lane with Suricata and tcpflow on this machine: the same captures, in turn within
// one run.
//
// It makes its captures: 2,000 interleaved HTTP downloads of 10 KB to 1 MB, with 1 % of the segments reordered and 1 %
// retransmitted, and 1,000,000 small mixed packets. Every program reads them to the end several times, and the order changes
// from round to round; what it found is checked against what is in them. What counts is the median of the rounds' ratios.
//
// A peer that is not installed is left out.
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
	"syscall"

	"eddy/bench/figures"
)

// settings are the command's flags.
type settings struct {
	eddy, suricata, tcpflow string
	engines                 string
	rounds                  int
	dir                     string
	files, packets          int
	update                  string
}

func main() {
	var s settings
	flag.StringVar(&s.eddy, "eddy", "bin/eddy", "eddy's program")
	flag.StringVar(&s.suricata, "suricata", "suricata", "Suricata's program")
	flag.StringVar(&s.tcpflow, "tcpflow", "tcpflow", "tcpflow's program")
	flag.StringVar(&s.engines, "engines", "1", "eddy's engines")
	flag.IntVar(&s.rounds, "rounds", 5, "rounds")
	flag.StringVar(&s.dir, "dir", "", "folder for the captures and what the programs write (default: one of its own, removed at the end)")
	flag.IntVar(&s.files, "files", 2000, "downloads in the first capture")
	flag.IntVar(&s.packets, "packets", 1_000_000, "packets in the second capture")
	flag.StringVar(&s.update, "update", "", "put the table between the markers of this Markdown file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	if s.rounds < 1 {
		return errors.New("-rounds has to be at least 1")
	}
	var err error
	if s.eddy, err = exec.LookPath(s.eddy); err != nil {
		return fmt.Errorf("%w: build eddy with \"make build\"", err)
	}
	if s.eddy, err = filepath.Abs(s.eddy); err != nil {
		return err
	}
	for _, peer := range []*string{&s.suricata, &s.tcpflow} {
		path, err := exec.LookPath(*peer)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s is not installed and is left out\n", *peer)
		}
		*peer = path
	}
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "eddy-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(s.dir)
	}
	fmt.Fprintln(os.Stderr, "making the captures in", s.dir)
	c, err := makeCaptures(s.dir, s.files, s.packets)
	if err != nil {
		return err
	}
	cmp := compare(s, c)
	if err := cmp.run(ctx, s, c); err != nil {
		return err
	}
	report := cmp.report(s, c)
	fmt.Print(report)
	if wrong := cmp.wrong(); wrong != nil || s.update == "" {
		return wrong
	}
	return figures.UpdateSection(s.update, "bench-observe", report)
}
