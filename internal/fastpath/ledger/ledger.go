// Package ledger is the metric side of an observed lane. Engines hand over what they learn, tick by tick (Feed); one
// goroutine, the ledger's, puts it into buckets of capture time, calls the metric hooks, and writes what they let pass.
//
//	engine 0 ── Feed ──┐
//	engine 1 ── Feed ──┼─ queue ─→ Run: take a batch → hooks for what is new → bucket
//	engine n ── Feed ──┘                all engines have passed a bucket's end → flush it: filter, output, hooks
package ledger

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
	"eddy/internal/reentry"
)

// Output takes what the filters of the hooks have let pass: the records of package learned, Topper and Tracked. It is
// called on the ledger's goroutine, and keeps no record of the kinds *learned.Counter and *Topper.
type Output interface {
	Write(r learned.Record) error
}

// Options of a Ledger.
type Options struct {
	Registry *counter.Registry
	Hooks    Hooks
	Output   Output        // nil: none
	Bucket   time.Duration // whole seconds; 0: 60 s
	Engines  int           // at least 1
	Live     bool          // engines don't wait for the ledger: what there is no room for is dropped and counted

	// Inbox has what comes back from asynchronous work that metric hooks have scheduled; nil: there is none.
	Inbox *reentry.Inbox

	Queue int // batches that wait; 0: 64
	Keys  int // of one group in one bucket: what is beyond is counted as counter.Other; 0: 1,000,000
	Held  int // records of one kind that wait for their bucket's end; beyond it they are flushed early; 0: 65,536
}

func (o Options) withDefaults() Options {
	if o.Bucket < second {
		o.Bucket = 60 * second
	}
	o.Bucket = o.Bucket.Truncate(second)
	o.Engines = max(o.Engines, 1)
	if o.Queue <= 0 {
		o.Queue = 64
	}
	if o.Keys <= 0 {
		o.Keys = 1_000_000
	}
	if o.Held <= 0 {
		o.Held = 65_536
	}
	return o
}

// Ledger keeps the books of a lane. Give may be called by any goroutine, everything else as it says.
type Ledger struct {
	options Options
	queue   chan *Batch
	pool    pool
	close   sync.Once
	closing chan struct{}
	limit   context.Context // Close's, once closing is closed
	stopped chan struct{}
	dropped dropped

	// What follows belongs to the goroutine of Run.

	clock     clock
	settled   int64 // s since 1970: all buckets that end at or before it are flushed; math.MaxInt64: not known yet
	started   bool  // all engines have begun, and time passes
	lane      calendar
	others    []*calendar // of groups with buckets of their own
	accounts  []*account  // by Group.ID
	free      freeBooks
	flows     desk[*learned.FlowRecord]
	alerts    desk[*learned.Alert]
	resources desk[*learned.Resource]
	documents desk[*learned.Document]
	trackers  []*tracking
	added     additions
	builtin   *counter.Records // counts records for the built-in groups
	fromRecs  *counter.Local   // what builtin has counted of the batch at hand
	scratch   scratch
	labels    labels
	tally     Summary
	outputErr error
	completed int64 // s: begin of the last bucket that was flushed
}

// scratch is memory that is used again and again.
type scratch struct {
	values      []float64
	delta       counter.Delta
	counter     learned.Counter
	topper      Topper
	top, bottom best[int]
}

// dropped counts what Give could not hand over.
type dropped struct{ batches, items, rows atomic.Uint64 }

// New gives a ledger whose Run is to be started.
func New(o Options) *Ledger {
	o = o.withDefaults()
	l := &Ledger{
		options:  o,
		queue:    make(chan *Batch, o.Queue),
		pool:     pool{free: make(chan *Batch, o.Queue+o.Engines)},
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
		clock:    newClock(o.Engines),
		lane:     calendar{size: int64(o.Bucket / second)},
		fromRecs: counter.NewLocal(o.Registry, counter.Limits{}),
	}
	l.settled = math.MaxInt64
	l.builtin = counter.NewRecords(o.Registry, l.fromRecs)
	l.added.local = counter.NewLocal(o.Registry, counter.Limits{})
	hooks := &o.Hooks
	flows := make([]Monitor[*learned.FlowRecord], len(hooks.Flow))
	for i := range hooks.Flow {
		flows[i] = hooks.Flow[i].Monitor
	}
	l.flows = newDesk(flows, nil)
	l.alerts = newDesk(hooks.Alert, func(a *learned.Alert) string { return a.Group })
	l.resources = newDesk(hooks.Resource, func(r *learned.Resource) string { return r.Group })
	l.documents = newDesk(hooks.Document, func(d *learned.Document) string { return d.Group })
	for _, t := range hooks.Tracker {
		l.trackers = append(l.trackers, newTracking(t, l.lane.size))
	}
	return l
}

// Run is the ledger's goroutine: it takes batches until Close is called, and then flushes everything. It returns early
// when ctx ends, and then flushes nothing more. An error of the output does not end it, but is what it returns.
func (l *Ledger) Run(ctx context.Context) error {
	defer close(l.stopped)
	var results <-chan struct{}
	if l.options.Inbox != nil {
		results = l.options.Inbox.Ready()
		defer l.options.Inbox.Close()
	}
	for {
		select {
		case b := <-l.queue:
			l.take(b)
		case <-results:
			l.options.Inbox.Drain(0)
			l.addNow()
		case <-ctx.Done():
			return ctx.Err()
		case <-l.closing:
			l.takeAll()
			l.await()
			l.finish()
			l.await()
			return l.outputErr
		}
	}
}

// takeAll takes what is in the queue.
func (l *Ledger) takeAll() {
	for {
		select {
		case b := <-l.queue:
			l.take(b)
		default:
			return
		}
	}
}

// Close lets Run finish what was given so far and waits until it has returned. Results of asynchronous work are waited
// for until ctx ends. Run must have been started.
func (l *Ledger) Close(ctx context.Context) {
	l.close.Do(func() {
		l.limit = ctx
		close(l.closing)
	})
	<-l.stopped
}

// await delivers the results of what is still out.
func (l *Ledger) await() {
	if l.options.Inbox != nil {
		l.options.Inbox.Finish(l.limit)
	}
}

// Give hands over a batch; it is the ledger's from then on. It waits for room, but not in a live lane (except for an
// engine's last batch): there a batch that there is no room for is dropped and counted, and Give returns false. So it
// does once Run has returned.
func (l *Ledger) Give(b *Batch) bool {
	if l.options.Live && !b.Last {
		select {
		case l.queue <- b:
			return true
		default:
			return l.drop(b)
		}
	}
	select {
	case l.queue <- b:
		return true
	case <-l.stopped:
		return l.drop(b)
	}
}

func (l *Ledger) drop(b *Batch) bool {
	l.dropped.batches.Add(1)
	l.dropped.items.Add(uint64(b.items()))
	l.dropped.rows.Add(uint64(b.Counters.Rows()))
	l.pool.put(b)
	return false
}

// Waiting gives the number of batches in the queue; any goroutine may ask.
func (l *Ledger) Waiting() int { return len(l.queue) }

// write hands a record to the output. The first error is kept, later records are still tried.
func (l *Ledger) write(r learned.Record) {
	if l.options.Output == nil {
		return
	}
	if err := l.options.Output.Write(r); err != nil {
		l.tally.OutputErrors++
		if l.outputErr == nil {
			l.outputErr = errors.Join(errors.New("the ledger's output"), err)
		}
	}
}
