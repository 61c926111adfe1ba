// Package observed builds an observed lane out of its model and runs it: capture, engines, ledger, plugins and their
// workers.
//
//	capture ─→ engine 0..n ─→ ledger ─→ event log
//	              │   ▲          │
//	        handoff   reentry    metric hooks
//	              ▼   │
//	            workers (T.async)
//
// A live capture has a ring for each engine, which the kernel fills by flow; of a file one goroutine shares the packets
// out, unless there is one engine only: then that one reads by itself, and a replay is the same every time.
package observed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/ledger"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/ramfs"
	"eddy/internal/fastpath/report"
	"eddy/internal/reentry"
	"eddy/internal/script/async"
	"eddy/internal/script/trisul"
)

// Options are the surroundings of a lane.
type Options struct {
	Version string
	Stdout  io.Writer // where scripts print, and events go with "-"
	Stderr  io.Writer // where messages go

	// Shared is the off path of the process. nil: the lane has one of its own, with the queues and the state folder below.
	Shared *async.Shared
	// Alone says of Shared that only lanes bring work to it: then the end of a replay waits until its queues are empty, and not
	// for the jobs of this lane only.
	Alone    bool
	Queues   []*model.Queue // beside "default"
	StateDir string         // "": the user's
}

// DefaultStopTimeout is what asynchronous work has when a lane is stopped.
const DefaultStopTimeout = 5 * time.Second

// Lane is an observed lane. Build makes it, Start runs it, and it ends by itself behind a replay's last packet, or by
// Stop. Progress and Report are for any goroutine, the rest is for one.
type Lane struct {
	cfg  *model.Observe
	opts Options
	log  *logger

	offPath  offPath
	boxes    atomic.Pointer[[]*reentry.Inbox] // of engines and ledger; nil: not made yet
	plugins  *trisul.Plugins                  // nil: none
	metrics  *trisul.MetricHooks              // nil: none
	registry *counter.Registry
	files    *ramfs.Store
	ledger   *ledger.Ledger
	events   *events
	store    *recorder
	keep     *keeper
	engines  []*engine

	in     *input // of a replay
	rings  rings  // of a live capture
	sharer *sharer

	opened   bool
	started  bool
	written  bool // the outputs are closed
	began    time.Time
	stopping chan struct{} // closed by Stop
	stopOnce sync.Once
	limit    context.Context // what is left of asynchronous work ends with it
	cut      context.CancelFunc
	ended    chan struct{}
	err      error         // of the lane, after ended
	untold   atomic.Uint64 // messages that an engine's inbox had no room for
	final    *report.Lane  // after ended
}

// Build loads the plugins and prepares everything that nobody sees. With an error among the problems the lane is nil and
// nothing is left behind.
func Build(cfg *model.Observe, opts Options) (*Lane, *diag.List) {
	problems := &diag.List{}
	l := &Lane{cfg: cfg, opts: opts, registry: counter.NewRegistry(), stopping: make(chan struct{}), ended: make(chan struct{})}
	l.log = newLogger(opts.Stderr)
	l.limit, l.cut = context.WithCancel(context.Background())
	l.makeOffPath(problems)
	l.plugins = l.loadPlugins(problems)
	l.checkInput(problems)
	if problems.Failed() {
		l.release()
		l.Close()
		return nil, problems
	}
	return l, problems
}

// checkInput wants exactly one kind of input.
func (l *Lane) checkInput(problems *diag.List) {
	cfg := l.cfg
	switch {
	case len(cfg.Read) > 0 && cfg.Interface != "":
		problems.Errorf(cfg.Pos, "", "a lane reads files or an interface, not both")
	case (len(cfg.Read) > 0 || cfg.Interface != "") && l.plugins != nil && l.plugins.HasInput():
		problems.Warnf(cfg.Pos, "", "a plugin has an inputfilter, which is not used: packets come from elsewhere")
	case len(cfg.Read) == 0 && cfg.Interface == "" && (l.plugins == nil || !l.plugins.HasInput()):
		problems.Errorf(cfg.Pos, "name a capture file, an interface, or a plugin with an inputfilter", "there is nothing to observe")
	}
	if cfg.BPF != "" {
		if _, err := capture.CompileFilter(cfg.BPF, packet.LinkEthernet, 0); err != nil {
			problems.Errorf(cfg.Pos, "", "the filter: %v", err)
		}
	}
}

// live says whether packets come as they happen: then nothing on the fast path may wait for what is slower.
func (l *Lane) live() bool { return l.cfg.Interface != "" }

// engineCount is how many engines the lane has.
func (l *Lane) engineCount() int {
	switch {
	case len(l.cfg.Read) == 0 && l.cfg.Interface == "": // a script delivers the packets, in one Lua state
		return 1
	case l.cfg.Engines > 0:
		return l.cfg.Engines
	}
	return runtime.GOMAXPROCS(0)
}

// Open opens what may need privileges: the capture and the event log. Start does it where nobody has.
func (l *Lane) Open() (err error) {
	if l.opened {
		return nil
	}
	l.opened = true
	cfg := l.cfg
	if err = l.offPath.open(); err != nil {
		return err
	}
	if l.events, err = openEvents(cfg.Eve, cfg.EveTypes, l.opts.Stdout, l.log); err != nil {
		return err
	}
	switch {
	case cfg.Interface != "":
		l.rings, err = openRings(capture.LiveOptions{
			Interface: cfg.Interface, BPF: cfg.BPF, SnapLen: cfg.SnapLen, RingSize: cfg.RingSize, Fanout: cfg.Fanout, Promiscuous: true,
		}, l.engineCount())
	case len(cfg.Read) > 0:
		l.in, err = openFiles(cfg.Read, cfg.BPF)
	}
	return err
}

// Start opens the outputs and lets it all run. After an error there is nothing left to stop.
func (l *Lane) Start() error {
	l.began = time.Now()
	err := l.Open()
	if err == nil {
		err = l.prepare()
	}
	if err == nil && l.offPath.own != nil {
		l.offPath.own.Start()
	}
	l.started = true
	if err != nil {
		l.err = err
		l.release()
		close(l.ended)
		return err
	}
	go l.run()
	return nil
}

// run is the lane's life. Its order is that of the data: the capture ends, engines finish with what is out, the ledger
// flushes, workers stop, outputs close.
func (l *Lane) run() {
	defer close(l.ended)
	var books, lanes sync.WaitGroup
	books.Go(func() {
		if err := l.ledger.Run(context.Background()); err != nil {
			l.err = errors.Join(l.err, err)
		}
	})
	if l.sharer != nil {
		lanes.Go(func() { l.fail(l.sharer.run()) })
	}
	for i, e := range l.engines {
		lanes.Go(func() {
			if l.sharer != nil {
				e.take(l.sharer, l.sharer.out[i])
			} else {
				e.read()
			}
			e.finish()
		})
	}
	lanes.Wait()
	for _, e := range l.engines {
		l.fail(e.err)
	}
	l.ledger.Close(l.limit)
	books.Wait()
	if l.metrics != nil {
		l.metrics.Stop()
	}
	if l.plugins != nil {
		l.plugins.Stop(l.limit)
	}
	l.endJobs()
	if l.in != nil {
		l.fail(l.in.err())
	}
	l.fail(l.closeOutputs())
	l.final = l.makeFinal()
	l.release()
}

func (l *Lane) fail(err error) {
	if err != nil {
		l.err = errors.Join(l.err, err)
	}
}

// closeOutputs writes out what is left. The second time it does nothing.
func (l *Lane) closeOutputs() (err error) {
	if l.written {
		return nil
	}
	l.written = true
	if l.store != nil {
		err = errors.Join(err, l.store.close())
	}
	if l.keep != nil {
		err = errors.Join(err, l.keep.close(l.limit))
	}
	if l.events != nil {
		err = errors.Join(err, l.events.close())
	}
	return err
}

// patience is how long the end of a replay waits for asynchronous work before it says so.
const patience = 5 * time.Second

// announce says what the lane waits for when it takes long: a script can schedule for ever.
func (l *Lane) announce() *time.Timer {
	return time.AfterFunc(patience, func() {
		if n := l.pending(); n > 0 {
			l.log.log(levelNotice, "eddy", fmt.Sprintf("waiting for %d pieces of asynchronous work; Ctrl-C ends it", n))
		}
	})
}

// release gives back what Build and open made. It may be called for a lane that is half built.
func (l *Lane) release() {
	l.cut()
	l.fail(l.closeOutputs())
	l.rings.close()
	if l.in != nil {
		l.in.Close()
	}
	l.endJobs()
	if l.plugins != nil {
		l.plugins.Close()
	}
	if l.files != nil {
		l.fail(l.files.Close())
	}
}

// Wait waits for the lane's end and says what went wrong. Whatever it is, what could be observed was.
func (l *Lane) Wait() error {
	<-l.ended
	return l.err
}

// stopTimeout is what asynchronous work has when the lane is stopped.
func (l *Lane) stopTimeout() time.Duration {
	if l.cfg.StopTimeout != 0 {
		return l.cfg.StopTimeout
	}
	return DefaultStopTimeout
}

// Stop ends the capture, gives asynchronous work until ctx is over (or the configuration's own limit), and waits for the
// end. It says false when something was cut off.
func (l *Lane) Stop(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, l.stopTimeout())
	defer cancel()
	l.stopOnce.Do(func() {
		close(l.stopping)
		if !l.started {
			l.release()
			close(l.ended)
		}
	})
	for i, e := range l.engines {
		l.wake(i, e)
	}
	select {
	case <-l.ended:
		return true
	case <-ctx.Done():
	}
	select {
	case <-l.ended: // just in time
		return true
	default:
	}
	l.cut()
	if l.plugins != nil {
		l.plugins.Interrupt() // a hook that computes would go on
	}
	<-l.ended
	return false
}

// tickets is how many results may be on their way to an inbox: as many as there may be asynchronous work. 0: the default.
func (l *Lane) tickets() int { return l.cfg.AsyncMaxEntries }

// wake has a live engine look at its inbox. Any goroutine may call it, also while the other engines are still made.
func (l *Lane) wake(i int, e *engine) {
	if i < len(l.rings) {
		l.rings[i].Wake()
	} else if in := e.input.Load(); in != nil {
		in.Wake()
	}
}
