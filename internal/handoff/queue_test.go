package handoff

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// offer is an item for a test: its name is the item.
type offer struct {
	item  string
	key   string
	bytes int64
	want  Refusal
}

func offerAll(t *testing.T, q *Queue[string], offers []offer) {
	t.Helper()
	for _, o := range offers {
		if got := q.Offer(o.item, Keys{o.key}, o.bytes); got != o.want {
			t.Errorf("offer of %s: %v, want %v", o.item, got, o.want)
		}
	}
}

// take takes what is there, or fails.
func take(t *testing.T, q *Queue[string]) Taken[string] {
	t.Helper()
	taken, ok, _ := q.tryTake()
	if !ok {
		t.Fatal("there is nothing to take")
	}
	return taken
}

// rest takes and does everything, one at a time.
func rest(q *Queue[string]) (items []string) {
	for {
		taken, ok, _ := q.tryTake()
		if !ok {
			return items
		}
		items = append(items, taken.Item)
		taken.Done()
	}
}

func TestPolicies(t *testing.T) {
	for _, tt := range []struct {
		name    string
		bounds  Bounds
		full    Full
		offers  []offer
		left    []string
		dropped []string
	}{
		{"entries", Bounds{Entries: 2}, Reject,
			[]offer{{"a", "", 1, Accepted}, {"b", "", 1, Accepted}, {"c", "", 1, EntriesFull}},
			[]string{"a", "b"}, nil},
		{"bytes, to the last one", Bounds{Bytes: 10}, Reject,
			[]offer{{"a", "", 6, Accepted}, {"b", "", 5, BytesFull}, {"c", "", 4, Accepted}, {"d", "", 1, BytesFull}, {"e", "", 0, Accepted}},
			[]string{"a", "c", "e"}, nil},
		{"too large, whatever the policy", Bounds{Bytes: 10}, DropOldest,
			[]offer{{"a", "", 6, Accepted}, {"b", "", 11, TooLarge}},
			[]string{"a"}, nil},
		{"no bounds", Bounds{}, Reject,
			[]offer{{"a", "", 1 << 60, Accepted}, {"b", "", 1 << 60, Accepted}},
			[]string{"a", "b"}, nil},
		{"the oldest goes", Bounds{Entries: 2}, DropOldest,
			[]offer{{"a", "", 1, Accepted}, {"b", "", 1, Accepted}, {"c", "", 1, Accepted}},
			[]string{"b", "c"}, []string{"a"}},
		{"as many as are needed go", Bounds{Bytes: 10}, DropOldest,
			[]offer{{"a", "", 4, Accepted}, {"b", "", 4, Accepted}, {"c", "", 2, Accepted}, {"d", "", 7, Accepted}},
			[]string{"c", "d"}, []string{"a", "b"}},
		{"the oldest of a key makes way for the next of it", Bounds{Entries: 2}, DropOldest,
			[]offer{{"a", "k", 1, Accepted}, {"b", "k", 1, Accepted}, {"c", "k", 1, Accepted}},
			[]string{"b", "c"}, []string{"a"}},
		{"the newest goes", Bounds{Entries: 2}, DropNewest,
			[]offer{{"a", "", 1, Accepted}, {"b", "", 1, Accepted}, {"c", "", 1, Accepted}},
			[]string{"a", "b"}, []string{"c"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var dropped []string
			q := New(Options[string]{Bounds: tt.bounds, Full: tt.full, Dropped: func(s string) { dropped = append(dropped, s) }})
			offerAll(t, q, tt.offers)
			if got := rest(q); !slices.Equal(got, tt.left) {
				t.Errorf("left: %v, want %v", got, tt.left)
			}
			if !slices.Equal(dropped, tt.dropped) {
				t.Errorf("dropped: %v, want %v", dropped, tt.dropped)
			}
			if used := q.own.Used(); used != (Bounds{}) {
				t.Errorf("an empty queue uses %+v", used)
			}
		})
	}
}

// What was taken counts until it is done, and no policy drops it.
func TestTakenStays(t *testing.T) {
	q := New(Options[string]{Bounds: Bounds{Entries: 2, Bytes: 10}, Full: DropOldest})
	offerAll(t, q, []offer{{"a", "", 6, Accepted}, {"b", "", 1, Accepted}})
	a := take(t, q)
	offerAll(t, q, []offer{
		{"c", "", 5, BytesFull}, // b would have to go, and that would not be enough: it stays
		{"d", "", 4, Accepted},  // in b's place
	})
	b := take(t, q)
	offerAll(t, q, []offer{{"e", "", 0, EntriesFull}})
	if b.Item != "d" {
		t.Errorf("took %s", b.Item)
	}
	a.Done()
	a.Done() // counts once
	offerAll(t, q, []offer{{"f", "", 6, Accepted}})
	c := q.Counts()
	want := Counts{Offered: 6, Accepted: 4, Dropped: 1, Done: 1, Waiting: 1, Taken: 1, Bytes: 10, Oldest: c.Oldest}
	want.Refused[BytesFull], want.Refused[EntriesFull] = 1, 1
	if c != want {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestSharedBudget(t *testing.T) {
	budget := NewBudget(Bounds{Entries: 3, Bytes: 10})
	a := New(Options[string]{Budget: budget})
	b := New(Options[string]{Bounds: Bounds{Entries: 1}, Budget: budget, Full: DropOldest})
	offerAll(t, a, []offer{{"a1", "", 1, Accepted}, {"a2", "", 1, Accepted}, {"a3", "", 9, SharedBytesFull}, {"a4", "", 11, TooLarge}})
	offerAll(t, b, []offer{
		{"b1", "", 1, Accepted},
		{"b2", "", 1, SharedEntriesFull}, // b1 stays: what is accepted is not dropped for what may be refused
	})
	offerAll(t, a, []offer{{"a5", "", 1, SharedEntriesFull}})
	if got := budget.Used(); got != (Bounds{3, 3}) {
		t.Errorf("used %+v", got)
	}
	take(t, a).Done()
	offerAll(t, b, []offer{{"b3", "", 8, Accepted}})
	if got := rest(b); !slices.Equal(got, []string{"b3"}) {
		t.Errorf("left in b: %v", got)
	}
	if got := a.Clear(); !slices.Equal(got, []string{"a2"}) {
		t.Errorf("cleared from a: %v", got)
	}
	if used, peak := budget.Used(), budget.Peak(); used != (Bounds{}) || peak != (Bounds{3, 10}) {
		t.Errorf("used %+v, peak %+v", used, peak)
	}
}

func TestKeys(t *testing.T) {
	q := New(Options[string]{})
	offerAll(t, q, []offer{{item: "x1", key: "x"}, {item: "x2", key: "x"}, {item: "y1", key: "y"}, {item: "free"}, {item: "x3", key: "x"}, {item: "y2", key: "y"}})
	x, y, free := take(t, q), take(t, q), take(t, q)
	if x.Item != "x1" || y.Item != "y1" || free.Item != "free" {
		t.Fatalf("took %s, %s, %s", x.Item, y.Item, free.Item)
	}
	if _, ok, _ := q.tryTake(); ok {
		t.Fatal("two of one key were taken at a time")
	}
	free.Done()
	y.Done()
	x.Done()
	if got, want := rest(q), []string{"y2", "x2", "x3"}; !slices.Equal(got, want) { // keys take turns
		t.Errorf("got %v, want %v", got, want)
	}
	if len(q.order.lanes) != 0 {
		t.Errorf("%d keys are remembered", len(q.order.lanes))
	}
}

// An item with two keys waits for both, and holds both up: a copy after a write to its source, a removal of the source after
// the copy.
func TestTwoKeys(t *testing.T) {
	q := New(Options[string]{})
	for _, o := range []struct {
		item string
		keys Keys
	}{
		{"write a", Keys{"a"}}, {"copy a to b", Keys{"b", "a"}}, {"remove a", Keys{"a"}}, {"write b", Keys{"b"}}, {"write c", Keys{"c", "c"}},
	} {
		q.Offer(o.item, o.keys, 0)
	}
	expect := func(items ...string) (all []Taken[string]) {
		t.Helper()
		for _, item := range items {
			taken := take(t, q)
			if taken.Item != item {
				t.Fatalf("took %s, want %s", taken.Item, item)
			}
			all = append(all, taken)
		}
		if taken, ok, _ := q.tryTake(); ok {
			t.Fatalf("took %s, too", taken.Item)
		}
		return all
	}
	first := expect("write a", "write c")
	first[1].Done()
	first[0].Done()
	expect("copy a to b")[0].Done()
	for _, taken := range expect("write b", "remove a") {
		taken.Done()
	}
	if len(q.order.lanes) != 0 || q.Pending() != 0 {
		t.Errorf("%d keys, %d items are left", len(q.order.lanes), q.Pending())
	}
}

func TestTakeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Options[string]{})
		got := make(chan string, 10)
		for range 3 {
			go func() {
				for {
					taken, ok := q.Take(t.Context())
					if !ok {
						got <- "end"
						return
					}
					got <- taken.Item
					time.Sleep(time.Second) // of the bubble
					taken.Done()
				}
			}()
		}
		synctest.Wait()
		offerAll(t, q, []offer{{item: "a", key: "k"}, {item: "b", key: "k"}, {item: "c"}})
		q.Close()
		offerAll(t, q, []offer{{item: "late", want: Closed}})
		start := time.Now()
		if err := q.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("a, b after it, and c beside them took %v", took)
		}
		synctest.Wait()
		items := map[string]int{}
		for range 6 {
			items[<-got]++
		}
		if items["a"] != 1 || items["b"] != 1 || items["c"] != 1 || items["end"] != 3 {
			t.Errorf("got %v", items)
		}
	})
}

// A Take that is called off passes on what it was woken for.
func TestTakeCalledOff(t *testing.T) {
	for range 100 { // select chooses at random
		synctest.Test(t, func(t *testing.T) {
			q := New(Options[string]{})
			ctx, cancel := context.WithCancel(t.Context())
			got := make(chan string, 1)
			go q.Take(ctx)
			synctest.Wait()
			go func() {
				taken, _ := q.Take(t.Context())
				got <- taken.Item
			}()
			synctest.Wait()
			cancel()
			q.Offer("a", Keys{}, 1)
			if item := <-got; item != "a" { // a lost wake-up is a deadlock, which synctest reports
				t.Errorf("took %q", item)
			}
		})
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Options[string]{})
		if err := q.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		q.Offer("a", Keys{}, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := q.Wait(ctx); err != context.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		if items := q.Clear(); len(items) != 1 || q.Pending() != 0 {
			t.Errorf("cleared %v, %d are left", items, q.Pending())
		}
		if err := q.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Options[string]{})
		if c := q.Counts(); !c.Oldest.IsZero() {
			t.Errorf("an empty queue's oldest is of %v", c.Oldest)
		}
		first := time.Now()
		q.Offer("a", Keys{}, 1)
		time.Sleep(time.Second)
		q.Offer("b", Keys{}, 1)
		if c := q.Counts(); !c.Oldest.Equal(first) {
			t.Errorf("oldest of %v, want %v", c.Oldest, first)
		}
		take(t, q)
		if c := q.Counts(); !c.Oldest.Equal(first.Add(time.Second)) {
			t.Errorf("oldest of %v after a was taken", c.Oldest)
		}
	})
}

func TestRefusalsHaveWords(t *testing.T) {
	seen := map[string]Refusal{}
	for r := range NumRefusals {
		if s := r.String(); s == "unknown" {
			t.Errorf("%d has no words", r)
		} else if other, twice := seen[s]; twice {
			t.Errorf("%d and %d are both %q", r, other, s)
		} else {
			seen[s] = r
		}
	}
}

func BenchmarkOfferTakeDone(b *testing.B) {
	for _, key := range []string{"", "k"} {
		b.Run("key="+key, func(b *testing.B) {
			q := New(Options[int]{Bounds: Bounds{Entries: 100, Bytes: 1 << 20}, Budget: NewBudget(Bounds{Entries: 100, Bytes: 1 << 20})})
			b.ReportAllocs()
			for i := range b.N {
				if r := q.Offer(i, Keys{key}, 100); !r.OK() {
					b.Fatal(r)
				}
				t, _, _ := q.tryTake()
				t.Done()
			}
		})
	}
}
