package reentry

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
)

// Many workers settle tickets in every way, some twice, while owners drain and some go: each ticket ends exactly once, each
// result is taken at most once and only if its fate says so, and the counts add up.
func TestEveryTicketEndsOnce(t *testing.T) {
	const owners, each, workers = 4, 2000, 4
	type claim struct {
		ticket *Ticket
		taken  int
	}
	work := make(chan *claim, 100)
	var settling sync.WaitGroup
	for w := range workers {
		settling.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for c := range work {
				ctx := context.Background()
				for n := r.IntN(3); n >= 0; n-- {
					if r.IntN(3) == 0 {
						c.ticket.Expire(errLate)
					} else {
						c.ticket.Deliver(ctx, Result{Data: make([]byte, r.IntN(50))})
					}
				}
			}
		})
	}

	claims := make([][]*claim, owners)
	inboxes := make([]*Inbox, owners)
	var owning sync.WaitGroup
	for o := range owners {
		in := New(Options{Bytes: 100, Tickets: 10})
		inboxes[o] = in
		owning.Go(func() {
			for n := range each {
				if o == 0 && n == each/2 {
					in.Close() // the first owner goes in the middle of it
					return
				}
				c := &claim{}
				for {
					var ok bool
					if c.ticket, ok = in.Issue(func(Result) { c.taken++ }); ok {
						break
					}
					<-in.Ready() // as many are open as may be
					in.Drain(1 + n%3)
				}
				claims[o] = append(claims[o], c)
				for sent := false; !sent; { // an owner does not wait without draining
					select {
					case work <- c:
						sent = true
					case <-in.Ready():
						in.Drain(0)
					}
				}
			}
			if o == 1 {
				in.Close() // the second at its end, with tickets open
				return
			}
			in.Finish(context.Background())
		})
	}
	owning.Wait()
	close(work)
	settling.Wait()

	for o, in := range inboxes {
		var want Counts
		for _, c := range claims[o] {
			want.Issued++
			fate := c.ticket.Fate()
			switch fate {
			case Delivered:
				want.Delivered++
			case Expired:
				want.Expired++
			case OwnerGone:
				want.OwnerGone++
			default:
				t.Errorf("owner %d: a ticket is %v", o, fate)
			}
			if took := fate != OwnerGone; took && c.taken != 1 || !took && c.taken != 0 {
				t.Errorf("owner %d: a ticket that is %v was taken %d times", o, fate, c.taken)
			}
		}
		got := in.Counts()
		got.Late = 0
		if got != want {
			t.Errorf("owner %d: %+v, want %+v", o, got, want)
		}
	}
}
