package counter

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func testGroup(t testing.TB, r *Registry, types ...VarType) *Group {
	t.Helper()
	var meters []Meter
	for _, v := range types {
		meters = append(meters, Meter{Type: v, TopN: 3, Name: fmt.Sprint("m", len(meters))})
	}
	g, err := r.Add(Group{GUID: fmt.Sprintf("{00000000-0000-0000-0000-%012d}", len(r.All())), Name: "test", Meters: numbered(meters...)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// sums gives what a delta has in one meter, by key.
func sums(d *Delta, g *Group, meter int) map[string]float64 {
	m := map[string]float64{}
	for i := range d.Groups {
		if dg := &d.Groups[i]; dg.Group == g {
			for row, key := range dg.Keys {
				m[key] += g.Value(dg.Row(row), meter, 1)
			}
		}
	}
	return m
}

func TestLocal(t *testing.T) {
	r := NewRegistry()
	g := testGroup(t, r, Counter, Maximum)
	l := NewLocal(r, Limits{})
	var d Delta

	l.Add(g, []byte("a"), 0, 1)
	l.AddString(g, "a", 0, 2)
	l.Add(g, []byte("b"), 1, 7)
	l.Add(g, []byte("a"), 2, 1)
	l.Add(g, []byte("a"), -1, 1)
	if l.Group("{99999999-0000-0000-0000-000000000000}") != nil || l.Group(strings.ToLower(g.GUID)) != g {
		t.Error("groups are not found as they should be")
	}
	if got, want := l.Lost(), (Lost{Unknown: 1, Meters: 2}); got != want {
		t.Errorf("lost %+v, want %+v", got, want)
	}
	l.Flush(&d)
	if got := sums(&d, g, 0); len(got) != 2 || got["a"] != 3 || got["b"] != 0 {
		t.Errorf("first flush: %v", got)
	}
	if got := sums(&d, g, 1); got["b"] != 7 {
		t.Errorf("first flush, maximum: %v", got)
	}

	l.Flush(&d)
	if d.Rows() != 0 {
		t.Errorf("a flush of nothing has %d rows", d.Rows())
	}
	l.Add(g, []byte("b"), 0, 5) // known, and its cells must be zero again
	l.Flush(&d)
	if got := sums(&d, g, 0); len(got) != 1 || got["b"] != 5 {
		t.Errorf("third flush: %v", got)
	}
}

func TestLocalBounds(t *testing.T) {
	r := NewRegistry()
	g := testGroup(t, r, Counter)
	for _, c := range []struct {
		name   string
		limits Limits
		known  int // keys that find room
	}{
		{"keys", Limits{Keys: 10}, 10},
		{"bytes", Limits{KeyBytes: 20}, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLocal(r, c.limits)
			var d Delta
			for round := range 3 { // each round with keys of its own: there is room for them again after a flush
				for i := range 20 {
					l.Add(g, []byte{byte('a' + i), byte('0' + round)}, 0, 1)
				}
				l.Flush(&d)
				got := sums(&d, g, 0)
				if len(got) != c.known+1 || got[Other] != float64(20-c.known) {
					t.Errorf("round %d: %v", round, got)
				}
			}
			if l.Lost().Keys != uint64(3*(20-c.known)) {
				t.Errorf("lost %d", l.Lost().Keys)
			}
		})
	}
	t.Run("long keys", func(t *testing.T) {
		l := NewLocal(r, Limits{KeyLen: 4})
		var d Delta
		l.Add(g, []byte("long-1"), 0, 1)
		l.AddString(g, "long-2", 0, 1)
		l.Flush(&d)
		if got := sums(&d, g, 0); got["long"] != 2 {
			t.Error(got)
		}
	})
}

// A slot leads to its key's cells from flush to flush, and says so when the Local has forgotten the key.
func TestSlot(t *testing.T) {
	r := NewRegistry()
	g := testGroup(t, r, Counter)
	l := NewLocal(r, Limits{Keys: 4, KeyLen: 4})
	var d Delta
	if _, ok := l.At(g, Slot{}); ok {
		t.Error("the zero slot leads somewhere")
	}
	a := l.Slot(g, []byte("a"))
	for round := range 3 {
		l.Add(g, []byte("b"), 0, 1)
		l.Add(g, []byte("a"), 0, 1)
		cells, ok := l.At(g, a)
		if !ok {
			t.Fatalf("round %d: the slot is stale", round)
		}
		cells[0] += 10
		l.Flush(&d)
		if got := sums(&d, g, 0); len(got) != 2 || got["a"] != 11 || got["b"] != 1 {
			t.Errorf("round %d: %v", round, got)
		}
	}

	long := l.Slot(g, []byte("long-1"))
	l.Slot(g, []byte("c"))
	other := l.Slot(g, []byte("d")) // there is no room
	for _, s := range []Slot{long, other, other} {
		cells, _ := l.At(g, s)
		cells[0]++
	}
	if l.Lost().Keys != 2 {
		t.Errorf("%+v was lost, want two samples for keys without room", l.Lost())
	}
	l.Flush(&d) // after which all is forgotten
	if got := sums(&d, g, 0); len(got) != 2 || got["long"] != 1 || got[Other] != 2 {
		t.Errorf("at the bounds: %v", got)
	}
	for _, s := range []Slot{a, long, other} {
		if _, ok := l.At(g, s); ok {
			t.Errorf("%v leads to a key that is forgotten", s)
		}
	}
}

// Whatever is added comes out of some flush, once.
func TestLocalLosesNothing(t *testing.T) {
	r := NewRegistry()
	groups := []*Group{testGroup(t, r, Counter), testGroup(t, r, RunningCounter, Counter)}
	rnd := rand.New(rand.NewPCG(1, 2))
	l := NewLocal(r, Limits{Keys: 50})
	var deltas [3]Delta
	want, got := 0., 0.
	for i := range 20_000 {
		g := groups[rnd.IntN(2)]
		l.Add(g, fmt.Append(nil, rnd.IntN(100)), 0, float64(i))
		want += float64(i)
		if rnd.IntN(100) == 0 {
			d := &deltas[rnd.IntN(3)]
			l.Flush(d)
			for _, g := range groups {
				for _, v := range sums(d, g, 0) {
					got += v
				}
			}
		}
	}
	l.Flush(&deltas[0])
	for _, g := range groups {
		for _, v := range sums(&deltas[0], g, 0) {
			got += v
		}
	}
	if got != want {
		t.Errorf("%v came out, %v went in", got, want)
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	r := NewRegistry()
	g := testGroup(t, r, RateCounter, Average, Gauge)
	l := NewLocal(r, Limits{})
	var keys [][]byte
	for i := range 100 {
		keys = append(keys, fmt.Appendf(nil, "C0.A8.01.%02X", i))
	}
	var d [2]Delta
	tick := 0
	round := func() {
		for _, key := range keys {
			for meter := range 3 {
				l.Add(g, key, meter, 1)
			}
		}
		l.Flush(&d[tick&1])
		tick++
	}
	for range 4 {
		round() // the memory of the two deltas and of the Local finds its size
	}
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations for 300 samples of known keys and a flush", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n, " keys"), func(b *testing.B) {
			r := NewRegistry()
			g := testGroup(b, r, RateCounter, Counter)
			l := NewLocal(r, Limits{})
			keys := make([][]byte, n)
			for i := range keys {
				keys[i] = fmt.Appendf(nil, "C0.%02X.%02X.%02X", i>>16, i>>8&255, i&255)
				l.Add(g, keys[i], 0, 1)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				l.Add(g, keys[i], 0, 1)
				if i++; i == n {
					i = 0
				}
			}
		})
	}
}
