package job

import (
	"math"
	"slices"
)

// overhead is what a job takes beside its text: its head, its entries in a store and in the queue's order.
const overhead = 128

// Weigh gives the bytes that count against the queue's bound (Head.Size).
func (j *Job) Weigh() uint32 {
	b := &j.Body
	n := overhead + len(b.Queue) + len(b.Handler) + len(b.Code) + len(b.Data) + len(b.Key) + len(b.Unique) +
		len(b.OnResult) + len(b.OnError) + len(b.Owner) + len(b.Origin.Where) + len(b.Origin.Request)
	return uint32(min(n, math.MaxUint32))
}

// AddFailure keeps f behind the earlier ones: the last MaxFailures of them, their texts shortened to the bounds.
func AddFailure(list []Failure, f Failure) []Failure {
	f.Text = clip(f.Text, MaxErrorText)
	f.Traceback = clip(f.Traceback, MaxTraceback)
	list = append(slices.Clip(list), f)
	if over := len(list) - MaxFailures; over > 0 {
		list = append(list[:0:0], list[over:]...)
	}
	return list
}

// clip shortens s to at most max bytes, and says so where there is room to.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	const more = "…"
	cut := max - len(more)
	for cut > 0 && s[cut]&0xC0 == 0x80 { // not within a character
		cut--
	}
	return s[:cut] + more
}
