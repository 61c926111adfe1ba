package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/report"
	"eddy/internal/operator/cli"
)

// toyLane is an observed lane that does what its --args say: "over" ends at once, "damaged" too, with an error; "twice"
// with several; "watched" ends when its progress was asked for a few times; "stubborn" takes all the time that Stop has; "logs"
// prints until that fails and "talks" until it is stopped; "loads" and "onload" never get through their start; the others
// wait to be stopped.
type toyLane struct {
	what    string
	name    string
	out     io.Writer
	errOut  io.Writer
	engines int
	limit   time.Duration

	stopping, ended chan struct{}
	stop            sync.Once
	asked           int
	dropped         bool
}

func observe(o *model.Observe, cfg *model.Config, out, errOut io.Writer) (cli.Lane, *diag.List) {
	l := new(diag.List)
	if o.Args == "broken" {
		l.Errorf(diag.Pos{File: "a.lua", Line: 3}, "", "unexpected symbol near 'x'")
		return nil, l
	}
	if o.Args == "loads" {
		fmt.Fprintln(errOut, "loading")
		select {}
	}
	for _, q := range cfg.Queues {
		fmt.Fprintf(errOut, "queue %s in %q\n", q.Name, cfg.Global.StateDir)
	}
	fmt.Fprintf(errOut, "scripts %q read %q interface %q env %v hashes %v timeout %v\n", o.Scripts, o.Read, o.Interface, o.Env, o.Hashes, o.TimeoutTCP)
	return &toyLane{what: o.Args, out: out, errOut: errOut, name: o.Name, engines: o.Engines, limit: o.StopTimeout, stopping: make(chan struct{}), ended: make(chan struct{})}, l
}

func (l *toyLane) Start() error {
	switch l.what {
	case "unable":
		return errors.New("no such device")
	case "onload":
		fmt.Fprintln(l.errOut, "starting")
		select {}
	}
	return nil
}

func (l *toyLane) Wait() error {
	switch l.what {
	case "over":
		fmt.Fprintln(l.out, "a plugin's line")
	case "damaged":
		return errors.New("x.pcap: damaged at byte 99")
	case "twice":
		full := errors.New("the disk is full")
		return errors.Join(full, fmt.Errorf("packets: %w", full), errors.New("another thing"), full)
	case "logs":
		for {
			if _, err := fmt.Fprintln(l.out, "event"); err != nil {
				return fmt.Errorf("event log: %w", err)
			}
		}
	case "talks":
		for {
			select {
			case <-l.stopping:
				return nil
			default:
				fmt.Fprintln(l.out, "line")
			}
		}
	default:
		fmt.Fprintln(l.out, "running")
		<-l.stopping
		<-l.ended
	}
	return nil
}

func (l *toyLane) Stop(ctx context.Context) bool {
	l.stop.Do(func() {
		close(l.stopping)
		if l.what == "stubborn" {
			ctx, cancel := context.WithTimeout(ctx, l.limit)
			defer cancel()
			<-ctx.Done()
			l.dropped = true
		}
		close(l.ended)
	})
	return !l.dropped
}

func (l *toyLane) Progress() (done, total int64, packets uint64) {
	if l.what == "watched" {
		if l.asked++; l.asked == 3 {
			go l.Stop(context.Background())
		}
	}
	return 25_000_000, 100_000_000, 1_240_000
}

func (l *toyLane) Report() *report.Lane {
	r := &report.Lane{Name: l.name, Engines: l.engines, Packets: 3, Bytes: 300, Elapsed: time.Second, Over: true, Began: time.Now()}
	if l.what == "stubborn" {
		select {
		case <-l.ended:
			r.Async = []report.Async{{Plugin: "p", Scheduled: 2, Dropped: []report.Count{{Name: "schedule, a.lua:7", N: 2}}}}
		default:
		}
	}
	return r
}
