package reentry

import "context"

// Ticket is a claim on a result. Its fields are guarded by the inbox's lock.
type Ticket struct {
	inbox *Inbox
	take  func(Result)
	// A ticket goes from unsettled to settled (its result waits in the inbox) to ended, or from any of these to ended when
	// the inbox is closed.
	settled   bool
	expired   bool   // it was settled by Expire
	withdrawn func() // may be nil
	later     bool   // its work begins at due, which is not over as far as anybody has looked
	due       int64
	fate      Fate
	result    Result
}

// Deliver hands the result to the owner. It waits while more results wait for the owner than its inbox may hold, so it is
// not for an owner's goroutine; when ctx is over before there is room, the ticket expires. It gives false when the ticket
// was settled before or its owner is gone: nobody will see the result.
func (t *Ticket) Deliver(ctx context.Context, r Result) bool {
	in := t.inbox
	in.mu.Lock()
	for !t.done() && !in.fits(int64(len(r.Data))) {
		room := in.waitForRoom()
		in.mu.Unlock()
		select {
		case <-room:
			in.mu.Lock()
		case <-ctx.Done():
			t.Expire(context.Cause(ctx))
			return false
		}
	}
	return t.settleAndUnlock(r)
}

// Expire gives the claim up, from any goroutine and without waiting: the owner will take a Result with that error. It gives
// false when the ticket was settled before or its owner is gone.
func (t *Ticket) Expire(why error) bool {
	t.inbox.mu.Lock()
	t.expired = t.expired || !t.done()
	return t.settleAndUnlock(Result{Err: why})
}

// Withdraw takes a ticket back whose work was not accepted: it counts as never issued, and nothing is taken. It is for the
// goroutine that issued it, before anybody else can settle it.
func (t *Ticket) Withdraw() {
	in := t.inbox
	in.mu.Lock()
	if t.done() {
		in.mu.Unlock()
		return
	}
	t.settled = true
	in.later.drop(t)
	in.counts.Issued--
	in.counts.Open--
	in.mu.Unlock()
	if t.withdrawn != nil {
		t.withdrawn()
	}
}

// OnWithdraw has f called when the ticket is withdrawn: then nobody will take a result, and f lets go of what was kept for
// it. It is for the goroutine that issued the ticket, before it gives it away.
func (t *Ticket) OnWithdraw(f func()) { t.withdrawn = f }

// Abandon ends the ticket as OwnerGone: whoever expected its result has gone, though not the inbox. A result that waits is
// dropped. It is for the owner's side, on any goroutine; it gives false when the ticket has ended before.
func (t *Ticket) Abandon() bool {
	in := t.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	if t.fate != Open || in.closed || t.settled && !in.remove(t) {
		return false
	}
	t.settled, t.fate = true, OwnerGone
	in.later.drop(t)
	in.counts.Open--
	in.counts.OwnerGone++
	in.makeRoom() // who waits to deliver to this ticket has to look again
	in.signal()   // Finish may have waited for it
	return true
}

// Fate says how the ticket ended, or that it has not.
func (t *Ticket) Fate() Fate {
	t.inbox.mu.Lock()
	defer t.inbox.mu.Unlock()
	if t.fate == Open && t.inbox.closed {
		return OwnerGone
	}
	return t.fate
}

// done says that the ticket can't be settled any more.
func (t *Ticket) done() bool { return t.settled || t.inbox.closed }

// settleAndUnlock puts the result into the inbox, whose lock the caller holds, and tells the owner.
func (t *Ticket) settleAndUnlock(r Result) bool {
	in := t.inbox
	if t.done() {
		in.counts.Late++
		in.mu.Unlock()
		return false
	}
	t.settled, t.result = true, r
	first := in.put(letter{ticket: t, bytes: int64(len(r.Data))})
	in.mu.Unlock()
	in.announce(first)
	return true
}

// end gives the ticket its fate: its owner took the result.
func (t *Ticket) end(c *Counts) {
	if t.expired {
		t.fate = Expired
		c.Expired++
	} else {
		t.fate = Delivered
		c.Delivered++
	}
}
