package observed

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// complainEvery bounds how often a log says that the event log can't be written.
const complainEvery = time.Minute

// eventFile writes whole lines, and goes on when that fails: a disk that is full now may not be later. What could not be
// written is counted. It takes whole lines only and belongs to one goroutine at a time.
type eventFile struct {
	w    io.Writer
	warn func(text string)
	rest []byte        // the end of a line that was begun
	lost atomic.Uint64 // events
	err  error         // the first
	said time.Time
}

// Write implements io.Writer; it never fails.
func (f *eventFile) Write(p []byte) (int, error) {
	if len(f.rest) > 0 {
		n, err := f.w.Write(f.rest)
		f.rest = f.rest[n:]
		if err != nil {
			f.lose(p, err)
			return len(p), nil
		}
	}
	n, err := f.w.Write(p)
	if err == nil {
		return len(p), nil
	}
	unwritten := p[n:]
	if n > 0 && p[n-1] != '\n' {
		end := bytes.IndexByte(unwritten, '\n') + 1
		f.rest, unwritten = bytes.Clone(unwritten[:end]), unwritten[end:]
	}
	f.lose(unwritten, err)
	return len(p), nil
}

func (f *eventFile) lose(lines []byte, err error) {
	f.lost.Add(uint64(bytes.Count(lines, []byte{'\n'})))
	if f.err == nil {
		f.err = err
	}
	if now := time.Now(); now.Sub(f.said) >= complainEvery {
		f.said = now
		f.warn(fmt.Sprintf("the event log can't be written, events are lost until it can: %v", err))
	}
}

// end is for behind the last event. It says what was lost; nil: nothing.
func (f *eventFile) end() error {
	if len(f.rest) > 0 {
		f.lost.Add(1)
		f.rest = nil
	}
	if f.lost.Load() == 0 {
		return nil
	}
	return fmt.Errorf("%d events were lost, first by: %w", f.lost.Load(), f.err)
}
