package async

import (
	"context"
	"errors"
	"fmt"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
	"eddy/internal/script/vm"
)

// errTimeout is what an await gives when its time is over.
var errTimeout = errors.New("timeout")

// await: async_await(id [, seconds]) gives the job's result, or nil and why there is none.
func (d *Desk) await(c *vm.Call) error {
	site, err := d.site(c)
	switch {
	case err != nil:
		return err
	case site.Loading:
		return fmt.Errorf("async.await: not while the script is loaded")
	case site.NoWait != "":
		return fmt.Errorf("async.await: %s; give the job an onresult", site.NoWait)
	}
	var limit time.Duration = -1
	if !c.IsNil(2) {
		if limit, err = seconds(c, 2, "async.await: the time"); err != nil {
			return err
		}
	}
	f := site.Frame
	if f == nil {
		f = &Frame{}
	}
	if c.IsNil(1) { // what a push gives that was refused
		why := f.refused
		if why == "" {
			why = "there is no job: its id is nil"
		}
		c.PushNil()
		c.PushStr(why)
		return nil
	}
	id, err := argID(c)
	if err != nil {
		return err
	}
	handle := f.find(id)
	return d.opts.Lane.Wait(c, func(ctx context.Context) vm.Resume {
		if handle == nil {
			if handle, err = d.lookup(id); err != nil {
				return vm.Resume{Values: []vm.Value{vm.Nil(), vm.Str(err.Error())}}
			}
			defer handle.Release()
		}
		return d.wait(ctx, f.box(), handle, limit)
	})
}

func argID(c *vm.Call) (job.ID, error) {
	if c.Kind(1) != vm.KindStr {
		return 0, fmt.Errorf("async.await: the id must be what push gave, not a %s", c.Kind(1))
	}
	id, err := job.ParseID(c.Str(1))
	if err != nil {
		return 0, fmt.Errorf("async.await: %w", err)
	}
	return id, nil
}

// lookup finds a job that somebody else pushed.
func (d *Desk) lookup(id job.ID) (*queue.Handle, error) {
	for _, q := range d.shared().Queues.All() {
		h, err := q.Find(id)
		if err == nil {
			return h, nil
		}
		if !errors.Is(err, jobstore.ErrNotFound) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("there is no job %v any more: it has ended", id)
}

// wait waits for the end of a job, off the state's lock.
func (d *Desk) wait(ctx context.Context, in *reentry.Inbox, h *queue.Handle, limit time.Duration) vm.Resume {
	var result reentry.Result
	got := false
	t, ok := in.Issue(func(r reentry.Result) { result, got = r, true })
	if !ok {
		return vm.Resume{Err: errors.New("async.await: too many results are on their way")}
	}
	s := d.shared()
	s.awaits(reentry.Open)
	defer func() { s.awaits(t.Fate()) }()
	h.Attach(t)
	var over <-chan time.Time
	if limit >= 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	gone := ctx.Done()
	for in.Drain(0); !got; in.Drain(0) {
		select {
		case <-in.Ready():
		case <-over:
			t.Expire(errTimeout) // or it was settled in the same moment
			over = nil
		case <-gone:
			if t.Abandon() {
				return vm.Resume{Err: errors.New("async.await: the caller has gone, or eddy is stopping")}
			}
			gone = nil
		}
	}
	return outcome(result)
}

// giveUp: async_give_up(text) ends the run of a handler, and its job.
func (d *Desk) giveUp(c *vm.Call) error {
	site, err := d.site(c)
	if err != nil {
		return err
	}
	if site.Frame == nil || !site.Frame.handling {
		return fmt.Errorf("async.give_up: this is no handler")
	}
	site.Frame.gaveUp, site.Frame.giveUp = true, "the handler gave up"
	if b := c.Bytes(1); b != nil {
		site.Frame.giveUp = string(b)
	}
	return c.Exit()
}
