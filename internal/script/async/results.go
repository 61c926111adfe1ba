package async

import (
	"context"
	"fmt"
	"sync"
	"time"

	"eddy/internal/reentry"
)

// Results is the way back to states whose scripts may run at any time: an inbox, with a goroutine that looks into it. Its
// methods may be called from any goroutine.
type Results struct {
	shared *Shared
	inbox  *reentry.Inbox
	slots  chan struct{} // a token for each that may run
	quit   chan struct{}
	done   chan struct{} // the goroutine has ended
	runs   sync.WaitGroup
	stop   sync.Once
}

// ResultsOptions of Results; zero fields take the defaults that are named.
type ResultsOptions struct {
	Runs  int             // how many results are handled at once; 0: 64
	Inbox reentry.Options // bounds of what is on its way
}

// NewResults starts the goroutine.
func NewResults(s *Shared, o ResultsOptions) *Results {
	if o.Runs <= 0 {
		o.Runs = 64
	}
	r := &Results{shared: s, inbox: reentry.New(o.Inbox), slots: make(chan struct{}, o.Runs), quit: make(chan struct{}), done: make(chan struct{})}
	s.enlist(r)
	go r.run()
	return r
}

// run hands out what comes in. While as many results are handled as may be, the others wait in the inbox, within its bounds.
func (r *Results) run() {
	defer close(r.done)
	for {
		select {
		case r.slots <- struct{}{}:
		case <-r.quit:
			return
		}
		for r.inbox.Drain(1) == 0 { // what it calls takes the slot over, see start
			select {
			case <-r.inbox.Ready():
			case <-r.quit:
				return
			}
		}
	}
}

// start runs f in the slot that run has taken.
func (r *Results) start(f func()) {
	r.runs.Go(func() {
		defer func() { <-r.slots }()
		f()
	})
}

// Issue is Lane.Issue: take is called on a goroutine of its own. Without one there is no ticket.
func (r *Results) Issue(due time.Time, take func(reentry.Result)) (*reentry.Ticket, error) {
	if take == nil {
		return nil, nil
	}
	issue := func(t func(reentry.Result)) (*reentry.Ticket, bool) { return r.inbox.Issue(t) }
	if !due.IsZero() {
		issue = func(t func(reentry.Result)) (*reentry.Ticket, bool) { return r.inbox.IssueLater(due, t) }
	}
	t, ok := issue(func(res reentry.Result) { r.start(func() { take(res) }) })
	if !ok {
		return nil, fmt.Errorf("too many results are on their way")
	}
	return t, nil
}

// Post is Lane.Post: f is called on a goroutine of its own.
func (r *Results) Post(bytes int64, f func()) bool {
	return r.inbox.Post(bytes, func() { r.start(f) })
}

// Counts are those of the tickets.
func (r *Results) Counts() reentry.Counts { return r.inbox.Counts() }

// Stop waits until no result is on its way any more, those of delayed jobs aside, or ctx ends; what comes later has no owner.
// It returns when what is running has ended, which is for the states' contexts to see to.
func (r *Results) Stop(ctx context.Context) {
	r.stop.Do(func() {
		r.finish(ctx)
		close(r.quit)
		<-r.done
		r.inbox.Close()
		r.shared.retire(r)
	})
	r.runs.Wait()
}

// finish waits for the open tickets.
func (r *Results) finish(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for r.inbox.Begun() > 0 || r.inbox.Waiting() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
