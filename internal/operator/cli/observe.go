package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"eddy/internal/config"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/report"
	"eddy/internal/operator/process"
	"eddy/internal/operator/summary"
)

// Lane is an observed lane, as the command operates it. Report and Progress may be called from any goroutine, and at any
// time; the others by one.
type Lane interface {
	Start() error
	// Wait returns when all was read and the work that plugins scheduled is finished, or when Stop has ended it; with an
	// error when something was read in part only.
	Wait() error
	// Stop ends it: nothing more is captured, scheduled work has until ctx is done or the lane's own limit is over, and the
	// rest is dropped and counted. False when something was dropped. It may be called at any time, before Start and after
	// the end too, to let go of what the lane holds.
	Stop(ctx context.Context) bool
	// Progress gives bytes read of the inputs, their number in all (0 when there is no end to tell) and packets so far.
	Progress() (done, total int64, packets uint64)
	Report() *report.Lane
}

// observeCommand is the first argument that makes eddy observe.
const observeCommand = "observe"

// observation is one execution of "eddy observe".
type observation struct {
	Program
	*console
	f      *observeFlags
	screen *screen // nil when nobody watches
}

// runObserve executes the arguments behind "eddy observe" and returns the exit code.
func (p Program) runObserve(args []string, out, errOut io.Writer) int {
	o := &observation{Program: p, console: newConsole(out, errOut, os.LookupEnv)}
	f, err := parseObserve(args)
	if err != nil {
		return o.usage(err)
	}
	o.f, o.quiet = f, f.quiet
	switch {
	case f.help:
		printObserveHelp(out)
		return exitOK
	case len(f.settings) == 0:
		printObserveHelp(errOut)
		return exitUsage
	}
	// Whoever reads our output may go away. Ignoring the signal would be inherited by the programs that scripts start.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	return o.run(signals)
}

// run builds the lane and sees it through.
func (o *observation) run(signals chan os.Signal) int {
	lane, problems := config.Observe("command", o.f.settings, config.Options{})
	o.problems(problems)
	if lane == nil {
		o.errorf("eddy observe --help explains the flags", "the command line cannot be used: %s", problems.Summary())
		return exitUsage
	}
	if o.f.check && len(lane.Read) == 0 && lane.Interface == "" {
		lane.Read = []string{"-"} // plugins can be checked without packets; nothing is read
	}
	cfg, ok := o.queues()
	if !ok {
		return exitFailed
	}
	if other := overwritten(o.f.json, lane, o.f.files); other != "" {
		o.errorf("name another file", "--json would write over %s", other)
		return exitUsage
	}
	out, errOut, drain, err := o.writers()
	if err != nil {
		o.errorf("", "%v", err)
		return exitFailed
	}
	defer drain()
	var l Lane
	if !starting(signals, startGrace, func() { l, problems = o.Observe(lane, cfg, out, errOut) }) {
		return o.unstarted()
	}
	o.problems(problems)
	if l == nil || problems.Failed() {
		o.errorf("", "nothing was observed: %s", problems.Summary())
		return exitFailed
	}
	if o.f.check {
		stopNow(l)
		o.printf("the plugins are valid")
		return exitOK
	}
	if !starting(signals, startGrace, func() { err = l.Start() }) {
		return o.unstarted()
	}
	if err != nil {
		stopNow(l)
		o.errorf("", "cannot start: %v", err)
		return exitFailed
	}
	if lane.Interface != "" {
		o.printf("observing %s; Ctrl-C ends it", lane.Interface)
	}
	err = o.watch(l, signals)
	stopNow(l) // it has ended
	drain()
	if o.screen != nil {
		o.screen.show("")
	}
	if errors.Is(err, syscall.EPIPE) && abandoned(o.out) {
		err = nil // whoever read our output had enough, as "| head" has
	}
	if err != nil {
		o.failed(err)
	}
	if failed := o.summarize(l.Report()); failed != nil {
		o.errorf("", "cannot write the summary: %v", failed)
		err = failed
	}
	if err != nil {
		return exitFailed
	}
	return exitOK
}

// writers are where plugins print and messages go. On a terminal the progress line makes room for them; drain shows what
// is still on its way.
func (o *observation) writers() (out, errOut io.Writer, drain func(), err error) {
	if o.quiet || !terminal(o.err) {
		return o.out, o.err, func() {}, nil
	}
	o.screen = &screen{w: o.err}
	o.err = o.screen.beside(o.err)
	if !terminal(o.out) {
		return o.out, o.err, func() {}, nil
	}
	out, drain, err = o.screen.pipe(o.out)
	return out, o.err, drain, err
}

// watch waits for the end of the lane, shows how far it is, and obeys signals.
func (o *observation) watch(l Lane, signals <-chan os.Signal) error {
	done := make(chan error, 1)
	go func() { done <- l.Wait() }()
	stop := stopper{lane: l}
	defer stop.wait()
	began := time.Now()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	left := false // nobody reads standard output any more
	for {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			if s == syscall.SIGHUP {
				o.printf("%s", summary.Line(l.Report(), time.Now()))
				continue
			}
			stop.again()
		case <-tick.C:
			if !left && abandoned(o.out) {
				left = true
				stop.again()
			}
			if elapsed := time.Since(began); o.screen != nil && elapsed >= progressAfter {
				read, total, packets := l.Progress()
				o.screen.show(progressLine(read, total, packets, elapsed, columns(o.screen.w)))
			}
		}
	}
}

// stopper stops a lane beside whoever waits for its end.
type stopper struct {
	lane   Lane
	cancel context.CancelFunc // nil before the stop has begun
	ended  sync.WaitGroup
}

// again begins the stop, or cuts it short when it has begun.
func (s *stopper) again() {
	if s.cancel != nil {
		s.cancel()
		return
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.ended.Go(func() { s.lane.Stop(ctx) })
}

// wait returns when the stop is over, if it was begun.
func (s *stopper) wait() {
	s.ended.Wait()
	if s.cancel != nil {
		s.cancel()
	}
}

// summarize prints what was observed, and writes it as JSON where that was asked for.
func (o *observation) summarize(r *report.Lane) error {
	s := summary.Of(r, process.PeakRSS())
	var text, file error
	if !o.f.silent && (!o.quiet || o.f.summary) {
		text = s.Text(o.err)
	}
	switch o.f.json {
	case "":
	case "-":
		file = s.JSON(o.out)
	default:
		file = writeFile(o.f.json, s.JSON)
	}
	return errors.Join(text, file)
}

// queues reads the configurations that -f names; false when that was not possible, which is said. Without any it gives an
// empty one.
func (o *observation) queues() (cfg *model.Config, ok bool) {
	if len(o.f.files) == 0 {
		return &model.Config{}, true
	}
	cfg, problems := o.Load(config.Options{Files: o.f.files, Env: os.LookupEnv, Version: o.Version})
	if cfg != nil {
		for _, m := range cfg.Observes {
			problems.Warnf(m.Pos, "eddy -f FILE runs it", "eddy observe takes queues and the state-dir from a configuration; this section is not used")
		}
	}
	o.problems(problems)
	if cfg == nil {
		o.errorf("", "the configuration cannot be used: %s", problems.Summary())
	}
	return cfg, cfg != nil
}

// overwritten gives the file of a lane that the summary would be written over; "" when there is none.
func overwritten(summary string, lane *model.Observe, configurations []string) string {
	if summary == "" || summary == "-" {
		return ""
	}
	for _, path := range slices.Concat(lane.Read, lane.Scripts, configurations, []string{lane.Eve, lane.Store}) {
		if path != "" && path != "-" && config.SameFile(summary, path) {
			return path
		}
	}
	return ""
}

// writeFile writes a file anew.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// stopNow ends a lane without waiting for anything.
func stopNow(l Lane) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.Stop(ctx)
}
