package ledger

import (
	"slices"

	"eddy/internal/fastpath/learned"
)

// interval is one time bucket while it is open, and what it has come to have. Buckets begin at multiples of their size.
type interval struct {
	start, end int64   // s since 1970; end is not part of it
	books      []*book // by Group.ID; nil: nothing was counted

	// Of the lane's own buckets: the records that wait for its end.
	flows     []*learned.FlowRecord
	alerts    []*learned.Alert
	resources []*learned.Resource
	documents []*learned.Document
	bytes     int // of the texts in alerts, resources and documents
}

// calendar has the open buckets of one size, by time. More than one is open while engines are at different times.
type calendar struct {
	size int64 // s
	open []*interval
}

// at gives the bucket of a time, and opens it if need be.
func (c *calendar) at(t int64) *interval {
	start := floor(t, c.size)
	i := len(c.open)
	for i > 0 && c.open[i-1].start >= start {
		i--
	}
	if i < len(c.open) && c.open[i].start == start {
		return c.open[i]
	}
	iv := &interval{start: start, end: start + c.size}
	c.open = slices.Insert(c.open, i, iv)
	return iv
}

// ending takes out the bucket that ends at a time: nil if none does. A bucket that nothing was put into is made only if
// empty ones are asked for.
func (c *calendar) ending(t int64, empty bool) *interval {
	if len(c.open) > 0 && c.open[0].end == t {
		iv := c.open[0]
		c.open = slices.Delete(c.open, 0, 1)
		return iv
	}
	if empty && t%c.size == 0 {
		return &interval{start: t - c.size, end: t}
	}
	return nil
}

// firstEnd gives when the oldest open bucket ends, or otherwise what it is given.
func (c *calendar) firstEnd(otherwise int64) int64 {
	if len(c.open) == 0 {
		return otherwise
	}
	return min(otherwise, c.open[0].end)
}

// lastEnd gives when the newest open bucket ends, or otherwise what it is given.
func (c *calendar) lastEnd(otherwise int64) int64 {
	if len(c.open) == 0 {
		return otherwise
	}
	return max(otherwise, c.open[len(c.open)-1].end)
}
