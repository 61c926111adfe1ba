package ledger

import (
	"strings"
	"testing"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// TestBatchBytes: records with long texts don't gather by the thousand before they are handed over.
func TestBatchBytes(t *testing.T) {
	l := New(Options{Registry: counter.NewRegistry(), Queue: 100})
	f := l.Feed(0, counter.Limits{})
	long := strings.Repeat("x", 32<<10)
	for range 1000 {
		f.Record(&learned.Resource{URI: long, Contents: long})
	}
	if n := len(l.queue); n < 1000*2*len(long)/batchBytes/2 {
		t.Errorf("%d batches", n)
	}
	for range len(l.queue) {
		bytes := 0
		for _, r := range (<-l.queue).Records {
			bytes += weight(r)
		}
		if bytes > batchBytes+2*len(long) {
			t.Errorf("a batch of %d bytes", bytes)
		}
	}
}
