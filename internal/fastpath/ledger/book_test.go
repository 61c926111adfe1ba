package ledger

import (
	"strings"
	"testing"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// Keys are bounded by their number and by their length.
func TestBookRoom(t *testing.T) {
	b := &book{group: counter.NewRegistry().All()[0], index: map[string]uint32{}}
	long := strings.Repeat("k", maxKeyBytes/4)
	for i := range 4 {
		key := long[1:] + string(rune('a'+i))
		if !b.room(key, 100) {
			t.Fatalf("no room for key %d", i)
		}
		b.add(key)
	}
	if b.room("x", 100) {
		t.Error("room beyond the bytes of all keys")
	}
	free := freeBooks{}
	free.put(b)
	if again := free.take(b.group); !again.room("x", 100) || again.room("x", 0) {
		t.Error("a book that is used again has the wrong room")
	}
}

func TestLabelBytes(t *testing.T) {
	var l labels
	g := counter.NewRegistry().All()[0]
	learn := func(key, label string) { l.learn(&learned.KeyInfo{Group: g.GUID, Key: key, Label: label}) }
	learn("a", strings.Repeat("x", maxLabelBytes-10))
	learn("b", strings.Repeat("y", 100))
	if l.of(g, "b") == strings.Repeat("y", 100) {
		t.Error("a label beyond the bound was kept")
	}
	learn("a", "short") // gives the room back
	learn("b", strings.Repeat("y", 100))
	if l.of(g, "a") != "short" || l.of(g, "b") != strings.Repeat("y", 100) {
		t.Errorf("%q, %q", l.of(g, "a"), l.of(g, "b"))
	}
}
