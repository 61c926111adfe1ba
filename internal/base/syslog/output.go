package syslog

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// maxBatch bounds the bytes that one write to a stream carries.
const maxBatch = 32 << 10

// output is one target with its ring. The mutex guards everything above the line; below it is the goroutine's own.
type output struct {
	mu      sync.Mutex
	ring    ring
	format  *formatter
	line    []byte // scratch of put
	missing uint64 // dropped since the target was last told
	dropped uint64 // dropped in all
	count   int    // position in the sampling run
	closing bool
	wake    chan struct{} // holds at most one token

	t     Target
	o     Options
	dst   dest
	lines []byte // the batch as it was fetched, and the lengths of its lines
	lens  []int
	batch []byte // what of it is not yet delivered
	sizes []int
	up    bool // the last send succeeded
}

func newOutput(t Target, o Options) *output {
	return &output{
		ring:   newRing(o.Ring),
		format: newFormatter(t, o),
		wake:   make(chan struct{}, 1),
		t:      t, o: o,
		dst: newDest(t, o),
	}
}

// put formats a line into the ring or counts it as dropped.
func (o *output) put(level int, tag string, msg []byte) {
	level = min(max(level, Emerg), Debug)
	if level > o.t.Level {
		return
	}
	level = max(level, o.t.MinLevel)
	now := o.o.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.sampled() {
		return
	}
	o.line = o.format.appendLine(o.line[:0], now, level, tag, msg)
	if o.closing {
		o.dropped++
		return
	}
	if !o.ring.push(o.line) {
		o.missing++
		o.dropped++
		return
	}
	if cap(o.line) > 64<<10 {
		o.line = nil // one giant line must not stay in memory
	}
	o.signal()
}

func (o *output) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *output) sampled() bool {
	if o.t.SampleOf <= 0 {
		return true
	}
	o.count = o.count%o.t.SampleOf + 1
	for _, r := range o.t.Sample {
		if o.count >= r[0] && o.count <= r[1] {
			return true
		}
	}
	return false
}

// finish says that no more lines are taken and that the goroutine should end once the ring is empty.
func (o *output) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closing = true
	o.signal()
}

func (o *output) totalDropped() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}

// pending is the number of lines that wait. After run has returned it includes those in hand.
func (o *output) pending() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ring.lines + len(o.sizes)
}

// run is the target's goroutine: it takes lines in batches, delivers them, and starts over with a growing pause when
// the target is out of reach. It ends when ctx is done, or after finish with everything delivered.
func (o *output) run(ctx context.Context) {
	defer o.dst.close()
	var pause time.Duration
	for {
		if !o.fetch(ctx) {
			return
		}
		err := o.dst.send(ctx, o.batch, &o.sizes)
		if lost := o.dst.lost(); lost > 0 {
			o.lose(lost)
		}
		if o.up = err == nil; o.up {
			pause = 0
			continue
		}
		if ctx.Err() != nil {
			return
		}
		pause = min(max(2*pause, o.o.MinBackoff), o.o.MaxBackoff)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// fetch waits until there is a batch in hand. Lines that a failed send has left over stay in front.
func (o *output) fetch(ctx context.Context) bool {
	if len(o.sizes) > 0 {
		left := 0
		for _, n := range o.sizes {
			left += n
		}
		o.batch = o.batch[len(o.batch)-left:]
		return true
	}
	for {
		o.mu.Lock()
		o.lines, o.lens = o.lines[:0], o.lens[:0]
		if o.missing > 0 && o.up {
			text := fmt.Sprintf("%d log lines were dropped because %s did not take them", o.missing, o.t.String())
			o.missing = 0
			o.add(o.format.appendLine(nil, o.o.Now(), max(min(Warning, o.t.Level), o.t.MinLevel), "", []byte(text)))
		}
		for len(o.lines) < maxBatch {
			line, ok := o.ring.pop(o.line[:0])
			if !ok {
				break
			}
			o.line = line
			o.add(line)
		}
		o.batch, o.sizes = o.lines, o.lens
		closing := o.closing
		o.mu.Unlock()
		if len(o.sizes) > 0 {
			return true
		}
		if closing {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-o.wake:
		}
	}
}

func (o *output) add(line []byte) {
	o.lines = append(o.lines, line...)
	o.lens = append(o.lens, len(line))
}

// lose counts lines that were fetched and cannot be delivered any more.
func (o *output) lose(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.missing += uint64(n)
	o.dropped += uint64(n)
}
