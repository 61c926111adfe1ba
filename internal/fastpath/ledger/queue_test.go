package ledger

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
	"eddy/internal/reentry"
)

// slow runs a ledger with a queue of one batch whose message hook waits until it is let go.
func slow(t *testing.T, live bool) (r *rig, entered, letGo chan struct{}) {
	entered, letGo = make(chan struct{}, 100), make(chan struct{})
	r = start(t, 1, func(r *rig, o *Options) {
		o.Live, o.Queue = live, 1
		o.Hooks.OnMessage = []func(string, string){func(_, text string) {
			entered <- struct{}{}
			<-letGo
			r.say("%s", text)
		}}
	})
	return r, entered, letGo
}

func message(text string) *Batch {
	return &Batch{Tick: at(0), Time: at(0), Messages: []Message{{Text: text}}}
}

// A live engine does not wait for a slow hook: what there is no room for is dropped, and counted.
func TestLiveDrops(t *testing.T) {
	r, entered, letGo := slow(t, true)
	if !r.Give(message("taken")) {
		t.Fatal("an empty queue has no room")
	}
	<-entered // the hook has the first batch; the queue is empty
	if !r.Give(message("queued")) || r.Waiting() != 1 {
		t.Fatal("the queue has room for one")
	}
	full := message("dropped")
	full.Records = []learned.Record{&learned.DNS{}}
	if r.Give(full) {
		t.Fatal("a full queue has room")
	}
	close(letGo)
	same(t, r.end(), `
		taken
		queued`)
	if s := r.Summary(1); s.DroppedBatches != 1 || s.DroppedRecords != 2 {
		t.Errorf("dropped %d batches, %d records; want 1 and 2", s.DroppedBatches, s.DroppedRecords)
	}
}

// A replay waits for a slow hook, and loses nothing.
func TestReplayWaits(t *testing.T) {
	r, entered, letGo := slow(t, false)
	r.Give(message("1"))
	<-entered
	r.Give(message("2"))
	var given sync.WaitGroup
	given.Go(func() {
		if !r.Give(message("3")) {
			t.Error("a replay's batch was dropped")
		}
	})
	close(letGo)
	given.Wait()
	same(t, r.end(), "1\n2\n3")
	if s := r.Summary(1); s.DroppedBatches != 0 {
		t.Errorf("dropped %d batches", s.DroppedBatches)
	}
}

// Whoever waits for room is let go when Run returns.
func TestGiveAfterTheEnd(t *testing.T) {
	registry, _ := testRegistry(t)
	l := New(Options{Registry: registry, Queue: 1})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run gave %v", err)
	}
	for range 3 {
		l.Give(message("nobody reads it"))
	}
	if n := l.Summary(1).DroppedBatches; n < 2 {
		t.Errorf("%d batches were dropped, want all but what the queue holds", n)
	}
	l.Close(context.Background())
}

type broken struct{ writes int }

func (b *broken) Write(learned.Record) error {
	b.writes++
	return errors.New("disk full")
}

// An output that fails does not end the ledger, but is told.
func TestOutputFails(t *testing.T) {
	registry, _ := testRegistry(t)
	out := &broken{}
	l := New(Options{Registry: registry, Output: out})
	ended := make(chan error, 1)
	go func() { ended <- l.Run(context.Background()) }()
	f := l.Feed(0, counter.Limits{})
	f.Advance(at(0))
	f.Record(&learned.DNS{})
	f.Record(&learned.DNS{})
	f.Close()
	l.Close(context.Background())
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Run gave %v", err)
	}
	if n := l.Summary(1).OutputErrors; n != 2 || out.writes != 2 {
		t.Errorf("%d errors were counted, %d writes tried; want 2", n, out.writes)
	}
}

// What is learned before the first packet is not lost, however much it is.
func TestBeforeTheFirstPacket(t *testing.T) {
	for _, packets := range []bool{true, false} {
		alerts := 0
		r := start(t, 2, func(r *rig, o *Options) {
			o.Hooks.Alert = []Monitor[*learned.Alert]{{Flush: func(*learned.Alert) { alerts++ }}}
		})
		f := r.Feed(0, counter.Limits{})
		for range batchItems + 1 {
			f.Record(&learned.Alert{})
		}
		if packets {
			f.Advance(at(30))
			f.Advance(at(100))
		}
		f.Close()
		r.Feed(1, counter.Limits{}).Close() // an engine that never saw a packet
		r.end()
		if alerts != batchItems+1 {
			t.Errorf("%d alerts were flushed", alerts)
		}
		if s := r.Summary(1); packets && (s.First != base+30 || s.Last != base+100) {
			t.Errorf("from %d to %d", s.First, s.Last)
		}
	}
}

// Results of asynchronous work run on the ledger's goroutine; at the end they are waited for, and what they add is
// flushed.
func TestInbox(t *testing.T) {
	inbox := reentry.New(reentry.Options{})
	r := start(t, 1, func(r *rig, o *Options) {
		o.Inbox = inbox
		o.Hooks.Alert = []Monitor[*learned.Alert]{{Flush: func(a *learned.Alert) { r.say("flush %s", a.Key) }}}
		o.Hooks.OnMessage = []func(string, string){func(_, text string) {
			ticket, _ := inbox.Issue(func(res reentry.Result) { r.Add(&learned.Alert{Key: string(res.Data)}) })
			go ticket.Deliver(context.Background(), reentry.Result{Data: []byte(text)})
		}}
	})
	f := r.Feed(0, counter.Limits{})
	f.Advance(at(0))
	f.Message("", "asked")
	f.Close()
	same(t, r.end(), "flush asked")
	if inbox.Post(0, func() {}) {
		t.Error("the inbox is open after the ledger's end")
	}
}

// Work that does not come back holds the end up no longer than the limit.
func TestInboxLimit(t *testing.T) {
	inbox := reentry.New(reentry.Options{})
	if _, ok := inbox.Issue(func(reentry.Result) { t.Error("a result that nobody has sent") }); !ok {
		t.Fatal("no ticket")
	}
	registry, _ := testRegistry(t)
	l := New(Options{Registry: registry, Inbox: inbox})
	ended := make(chan error, 1)
	go func() { ended <- l.Run(context.Background()) }()
	limit, cancel := context.WithCancel(context.Background())
	cancel()
	l.Close(limit)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := inbox.Counts().OwnerGone; n != 1 {
		t.Errorf("%d tickets ended with their owner gone, want 1", n)
	}
}
