package pool

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Line is a part of a report: so many jobs of one origin.
type Line struct {
	Origin Origin
	Number int
}

// Report says what Stop did not let end well.
type Report struct {
	Dropped []Line // accepted, and never run
	Cut     []Line // running, or waiting to hand their result over, when the time was over
	Stuck   []Line // still running: they did not heed their context
}

// Empty says that everything was done.
func (r *Report) Empty() bool { return len(r.Dropped)+len(r.Cut)+len(r.Stuck) == 0 }

// String is "dropped: 12 × copy of keep (keep.lua:3); cut short: 1 × schedule of sha1 (sha1.lua:14)".
func (r *Report) String() string {
	var parts []string
	for _, p := range []struct {
		what  string
		lines []Line
	}{{"dropped", r.Dropped}, {"cut short", r.Cut}, {"still running", r.Stuck}} {
		if len(p.lines) == 0 {
			continue
		}
		words := make([]string, len(p.lines))
		for i, l := range p.lines {
			words[i] = fmt.Sprintf("%d × %s", l.Number, l.Origin)
		}
		parts = append(parts, p.what+": "+strings.Join(words, ", "))
	}
	return strings.Join(parts, "; ")
}

// Stop refuses new jobs and waits until those accepted are done. When ctx is over before that, it drops what waits, cancels
// what runs, and gives that Options.Grace to end. A worker that has not ended by then is left alone and reported.
//
// Owners have to drain their inboxes meanwhile: a worker may wait for room there. Stop is called once.
func (p *Pool) Stop(ctx context.Context) Report {
	p.queue.Close()
	defer p.cancel(ErrStopped)
	select {
	case <-p.gone:
		return Report{}
	case <-ctx.Done():
	}
	waiting := p.queue.Clear() // before the workers are freed to take more
	p.cancel(ErrStopped)
	dropped := tally{}
	for _, j := range waiting {
		dropped.add(j.Origin)
		j.drop(ErrStopped)
	}
	grace := time.NewTimer(p.opts.Grace)
	defer grace.Stop()
	select {
	case <-p.gone:
	case <-grace.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped.merge(dropped)
	return Report{Dropped: dropped.lines(), Cut: p.cut.lines(), Stuck: p.nowRunning().lines()}
}
