package reentry

import "context"

// Ticket is a claim on a result. Its fields are guarded by the inbox's lock.
type Ticket struct {
	inbox *Inbox
	take  func(Result)
	// A ticket goes from unsettled to settled (its result waits in the inbox) to ended, or from any of these to ended when
	// the inbox is closed.
	settled bool
	expired bool // it was settled by Expire
	fate    Fate
	result  Result
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
	defer in.mu.Unlock()
	if t.done() {
		return
	}
	t.settled = true
	in.counts.Issued--
	in.counts.Open--
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
