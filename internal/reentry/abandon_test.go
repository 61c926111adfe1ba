package reentry

import (
	"testing"
	"testing/synctest"
)

// Abandon ends a ticket wherever it stands, once, and nothing of it is taken.
func TestAbandon(t *testing.T) {
	in := New(Options{Bytes: 4})
	taken := 0
	issue := func() *Ticket {
		ticket, ok := in.Issue(func(Result) { taken++ })
		if !ok {
			t.Fatal("no ticket")
		}
		return ticket
	}
	ctx := t.Context()
	open, waiting, ended, other := issue(), issue(), issue(), issue()
	if !ended.Deliver(ctx, Result{}) || in.Drain(0) != 1 {
		t.Fatal("not delivered")
	}
	if !waiting.Deliver(ctx, Result{Data: []byte("1234")}) || !other.Expire(nil) {
		t.Fatal("not settled")
	}
	for _, tt := range []struct {
		name   string
		ticket *Ticket
		want   bool
		fate   Fate
	}{
		{"open", open, true, OwnerGone}, {"again", open, false, OwnerGone}, {"its result waits", waiting, true, OwnerGone},
		{"ended", ended, false, Delivered},
	} {
		if got := tt.ticket.Abandon(); got != tt.want || tt.ticket.Fate() != tt.fate {
			t.Errorf("%s: %v, %v", tt.name, got, tt.ticket.Fate())
		}
	}
	if open.Deliver(ctx, Result{}) || open.Expire(nil) {
		t.Error("settled afterwards")
	}
	if n := in.Drain(0); n != 1 || taken != 2 || in.Waiting() {
		t.Errorf("drained %d, %d were taken", n, taken)
	}
	back := issue()
	back.Withdraw()
	if back.Abandon() {
		t.Error("abandoned what was withdrawn")
	}
	want := Counts{Issued: 4, Delivered: 1, Expired: 1, OwnerGone: 2, Late: 2}
	if c := in.Counts(); c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
	gone := issue()
	in.Close()
	if gone.Abandon() || gone.Fate() != OwnerGone || in.Counts().OwnerGone != 3 {
		t.Errorf("%v, %+v", gone.Fate(), in.Counts())
	}
}

// Who waits to deliver, or for the end of all tickets, sees that one was abandoned.
func TestAbandonWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := New(Options{Bytes: 4})
		full, _ := in.Issue(func(Result) {})
		full.Deliver(t.Context(), Result{Data: []byte("1234")})
		late, _ := in.Issue(func(Result) {})
		delivered := make(chan bool)
		go func() { delivered <- late.Deliver(t.Context(), Result{Data: []byte("56")}) }()
		synctest.Wait()
		late.Abandon()
		if <-delivered {
			t.Error("delivered")
		}
		last, _ := in.Issue(func(Result) {})
		go func() {
			synctest.Wait()
			last.Abandon()
		}()
		if open := in.Finish(t.Context()); open != 0 {
			t.Errorf("%d are open", open)
		}
		in.Close()
	})
}
