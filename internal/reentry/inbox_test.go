package reentry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errLate = errors.New("too late")

// keeper is an owner that remembers what it took.
type keeper struct {
	in    *Inbox
	takes []string
}

func (k *keeper) issue(t *testing.T, name string) *Ticket {
	t.Helper()
	ticket, ok := k.in.Issue(func(r Result) { k.takes = append(k.takes, fmt.Sprintf("%s=%s %v", name, r.Data, r.Err)) })
	if !ok {
		t.Fatalf("no ticket for %s", name)
	}
	return ticket
}

func TestFates(t *testing.T) {
	ctx := context.Background()
	deliver := func(t *Ticket) bool { return t.Deliver(ctx, Result{Data: []byte("yes")}) }
	expire := func(t *Ticket) bool { return t.Expire(errLate) }
	for _, tt := range []struct {
		name  string
		steps string // d deliver, e expire, D drain, C close; lower-case steps that are refused have a ! behind them
		fate  Fate
		takes string
		count Counts
	}{
		{"delivered", "dD", Delivered, "x=yes <nil>", Counts{Issued: 1, Delivered: 1}},
		{"expired", "eD", Expired, "x= too late", Counts{Issued: 1, Expired: 1}},
		{"nobody did anything", "D", Open, "", Counts{Issued: 1, Open: 1}},
		{"delivered, not taken", "d", Open, "", Counts{Issued: 1, Open: 1}},
		{"delivered twice", "dd!D", Delivered, "x=yes <nil>", Counts{Issued: 1, Delivered: 1, Late: 1}},
		{"expired first", "ed!D", Expired, "x= too late", Counts{Issued: 1, Expired: 1, Late: 1}},
		{"delivered first", "de!D", Delivered, "x=yes <nil>", Counts{Issued: 1, Delivered: 1, Late: 1}},
		{"settled again after it was taken", "dDe!d!D", Delivered, "x=yes <nil>", Counts{Issued: 1, Delivered: 1, Late: 2}},
		{"owner gone", "C", OwnerGone, "", Counts{Issued: 1, OwnerGone: 1}},
		{"owner gone, then delivered", "Cd!e!", OwnerGone, "", Counts{Issued: 1, OwnerGone: 1, Late: 2}},
		{"owner gone before it took", "dCD", OwnerGone, "", Counts{Issued: 1, OwnerGone: 1}},
		{"owner gone after it took", "dDCC", Delivered, "x=yes <nil>", Counts{Issued: 1, Delivered: 1}},
		{"owner gone after it expired", "eDC", Expired, "x= too late", Counts{Issued: 1, Expired: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &keeper{in: New(Options{})}
			ticket := k.issue(t, "x")
			for i, step := range tt.steps {
				ok := !strings.HasPrefix(tt.steps[i+1:], "!")
				switch step {
				case 'd':
					if deliver(ticket) != ok {
						t.Errorf("step %d: Deliver gave %v", i, !ok)
					}
				case 'e':
					if expire(ticket) != ok {
						t.Errorf("step %d: Expire gave %v", i, !ok)
					}
				case 'D':
					k.in.Drain(0)
				case 'C':
					k.in.Close()
				}
			}
			if got := ticket.Fate(); got != tt.fate {
				t.Errorf("fate: %v, want %v", got, tt.fate)
			}
			if got := strings.Join(k.takes, "; "); got != tt.takes {
				t.Errorf("took %q, want %q", got, tt.takes)
			}
			if got := k.in.Counts(); got != tt.count {
				t.Errorf("got %+v, want %+v", got, tt.count)
			}
		})
	}
}

func TestWithdraw(t *testing.T) {
	k := &keeper{in: New(Options{Tickets: 1})}
	ticket := k.issue(t, "x")
	if _, ok := k.in.Issue(nil); ok {
		t.Error("a second ticket was issued where one may be open")
	}
	withdrawn := 0
	ticket.OnWithdraw(func() { withdrawn++ })
	ticket.Withdraw()
	ticket.Withdraw()
	if withdrawn != 1 {
		t.Errorf("told %d times that the ticket was withdrawn", withdrawn)
	}
	if got := k.in.Counts(); got != (Counts{}) {
		t.Errorf("a ticket that was withdrawn counts: %+v", got)
	}
	if ticket.Expire(errLate) || k.in.Finish(t.Context()) != 0 || len(k.takes) != 0 {
		t.Errorf("took %v of a ticket that was withdrawn", k.takes)
	}
	k.issue(t, "y") // there is room again
	k.in.Close()
	if _, ok := k.in.Issue(nil); ok {
		t.Error("a closed inbox issued a ticket")
	}
}

func TestPost(t *testing.T) {
	var got []int
	in := New(Options{Posts: 2, Bytes: 100})
	note := func(i int) func() { return func() { got = append(got, i) } }
	for i, tt := range []struct {
		bytes int64
		want  bool
	}{{60, true}, {50, false}, {40, true}, {0, false}} {
		if in.Post(tt.bytes, note(i)) != tt.want {
			t.Errorf("post %d: %v", i, !tt.want)
		}
	}
	if n := in.Drain(1); n != 1 || !in.Waiting() {
		t.Errorf("drained %d", n)
	}
	<-in.Ready() // says that there is more
	if in.Post(1000, note(4)) {
		t.Error("a post over the bound was taken beside another")
	}
	in.Drain(0)
	if !in.Post(1000, note(5)) { // alone it may be
		t.Error("a large post was refused by an empty inbox")
	}
	in.Drain(0)
	if want := []int{0, 2, 5}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	in.Close()
	if in.Post(0, note(6)) {
		t.Error("a closed inbox took a post")
	}
}

// What is called from Drain may use the inbox.
func TestDrainFromWithin(t *testing.T) {
	in := New(Options{})
	var got []string
	in.Post(0, func() {
		got = append(got, "first")
		in.Post(0, func() { got = append(got, "third") })
		in.Drain(1)
	})
	in.Post(0, func() { got = append(got, "second") })
	if n := in.Drain(0); n != 2 {
		t.Errorf("drained %d", n)
	}
	in.Post(0, in.Close)
	in.Post(0, func() { got = append(got, "after Close") })
	in.Drain(0)
	if want := []string{"first", "second", "third"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
}

// The wake function and the signal come with the first letter of an empty box, and the box is never forgotten.
func TestWake(t *testing.T) {
	woken := 0
	k := &keeper{}
	k.in = New(Options{Wake: func() {
		woken++
		k.in.Waiting() // no lock is held
		k.in.Open()
	}})
	for range 3 {
		if woken != 0 {
			t.Fatal("woken by nothing")
		}
		a, b := k.issue(t, "a"), k.issue(t, "b")
		a.Expire(errLate)
		b.Expire(errLate)
		<-k.in.Ready()
		if woken != 1 {
			t.Errorf("woken %d times", woken)
		}
		k.in.Drain(0)
		woken = 0
	}
}

// A result for which there is no room waits, off the path, until the owner has taken some.
func TestDeliverWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{in: New(Options{Bytes: 10})}
		a, b, c, d := k.issue(t, "a"), k.issue(t, "b"), k.issue(t, "c"), k.issue(t, "d")
		delivered := make(chan string, 3)
		deliver := func(ctx context.Context, name string, ticket *Ticket, size int) {
			if ticket.Deliver(ctx, Result{Data: []byte(strings.Repeat(name, size))}) {
				delivered <- name
			} else {
				delivered <- "not " + name
			}
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		deliver(t.Context(), "a", a, 20) // more than the bound, alone
		go deliver(t.Context(), "b", b, 6)
		go deliver(impatient, "c", c, 10)
		d.Deliver(t.Context(), Result{}) // nothing needs no room
		synctest.Wait()
		if len(delivered) != 1 {
			t.Fatalf("%d delivered", len(delivered))
		}
		time.Sleep(2 * time.Minute) // c gives up
		synctest.Wait()
		if open := k.in.Finish(t.Context()); open != 0 {
			t.Errorf("%d are open", open)
		}
		synctest.Wait()
		close(delivered)
		var all []string
		for name := range delivered {
			all = append(all, name)
		}
		if want := []string{"a", "not c", "b"}; !slices.Equal(all, want) {
			t.Errorf("got %v, want %v", all, want)
		}
		want := []string{"a=" + strings.Repeat("a", 20) + " <nil>", "d= <nil>", "c= context deadline exceeded", "b=bbbbbb <nil>"}
		if !slices.Equal(k.takes, want) {
			t.Errorf("took %q, want %q", k.takes, want)
		}
	})
}

// Whoever waits for room is told that the owner is gone.
func TestCloseFreesDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{in: New(Options{Bytes: 1})}
		k.issue(t, "a").Deliver(t.Context(), Result{Data: []byte("a")})
		b := k.issue(t, "b")
		delivered := make(chan bool)
		go func() { delivered <- b.Deliver(t.Context(), Result{Data: []byte("b")}) }()
		synctest.Wait()
		k.in.Close()
		if <-delivered {
			t.Error("delivered to nobody")
		}
		if c := k.in.Counts(); c.OwnerGone != 2 || c.Open != 0 {
			t.Errorf("got %+v", c)
		}
	})
}

// Finish waits for results, and for the results of what they start.
func TestFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := New(Options{})
		depth := 0
		var start func(Result)
		start = func(Result) {
			if depth++; depth > 5 {
				return
			}
			ticket, _ := in.Issue(start)
			go func() {
				time.Sleep(time.Second)
				ticket.Deliver(t.Context(), Result{Data: []byte{1}})
			}()
		}
		start(Result{})
		if open := in.Finish(t.Context()); open != 0 || depth != 6 {
			t.Errorf("%d are open at depth %d", open, depth)
		}
		in.Issue(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if open := in.Finish(ctx); open != 1 {
			t.Errorf("%d are open", open)
		}
	})
}

// Finish does not wait for what begins later, but for what has begun meanwhile.
func TestFinishLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := New(Options{})
		issue := func(delay time.Duration) *Ticket {
			ticket, ok := in.IssueLater(time.Now().Add(delay), func(Result) {})
			if !ok {
				t.Fatal("no ticket")
			}
			return ticket
		}
		soon, far, gone := issue(time.Second), issue(time.Hour), issue(time.Minute)
		gone.Withdraw()
		if open := in.Finish(t.Context()); open != 0 || in.Open() != 2 {
			t.Errorf("waited for %d, %d are open", open, in.Open())
		}
		busy, _ := in.Issue(func(Result) {})
		go func() {
			time.Sleep(2 * time.Second)
			busy.Deliver(t.Context(), Result{})
			time.Sleep(2 * time.Second)
			soon.Deliver(t.Context(), Result{})
		}()
		began := time.Now()
		if open := in.Finish(t.Context()); open != 0 || time.Since(began) != 4*time.Second {
			t.Errorf("waited for %d, %v", open, time.Since(began))
		}
		far.Expire(errLate) // before its time
		in.Drain(0)
		issue(time.Hour)
		issue(time.Hour)
		in.Close()
		want := Counts{Issued: 5, Delivered: 2, Expired: 1, OwnerGone: 2}
		if c := in.Counts(); c != want || in.Finish(t.Context()) != 0 {
			t.Errorf("got %+v, want %+v", c, want)
		}
	})
}

func BenchmarkIssueDeliverDrain(b *testing.B) {
	in := New(Options{})
	ctx := context.Background()
	data := []byte("result")
	b.ReportAllocs()
	for range b.N {
		t, _ := in.Issue(func(Result) {})
		t.Deliver(ctx, Result{Data: data})
		in.Drain(0)
	}
}
