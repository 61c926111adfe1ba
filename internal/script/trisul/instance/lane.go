package instance

import (
	"context"
	"errors"
	"time"

	"eddy/internal/fastpath/ramfs"
	"eddy/internal/reentry"
	jobs "eddy/internal/script/async"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/vm"
)

// hookLane is what hooks are to package async: what pushes, and where results come back. Nothing in it waits.
type hookLane struct {
	in     *Instance
	noWait string
	file   *ramfs.File // of the hook whose job's result is given back now
}

var _ jobs.Lane = (*hookLane)(nil)

// Site implements jobs.Lane.
func (l *hookLane) Site(c *vm.Call) jobs.Site {
	m := object.Owner(c)
	if m == nil {
		return jobs.Site{Loading: true, NoWait: l.noWait}
	}
	return jobs.Site{Request: m.About(), NoWait: l.noWait}
}

// Issue implements jobs.Lane: the ticket is one of the engine's inbox.
func (l *hookLane) Issue(c *vm.Call, due time.Time, take func(reentry.Result)) (*reentry.Ticket, error) {
	m := object.Owner(c)
	if m == nil {
		return nil, errors.New("jobs can be pushed in hooks, not while the file is loaded; onload is the first place for it")
	}
	file, back := m.File, take
	if take != nil && file != nil {
		back = func(r reentry.Result) {
			l.file = file
			take(r)
			l.file = nil
		}
	}
	return l.in.jobs.Issue(m.Lane.Inbox(), due, file, m.Ending, back)
}

// Post implements jobs.Lane: named takers of results that nobody waits for run on one engine, and in one state there.
func (l *hookLane) Post(bytes int64, f func()) bool {
	in := l.in.named.Load()
	return in != nil && in.Post(bytes, f)
}

// Take implements jobs.Lane. It runs on the engine's goroutine, between two packets. What is scheduled meanwhile holds on to
// the file that the job was about.
func (l *hookLane) Take(fn vm.Ref, args []vm.Value) {
	in := l.in
	in.jobs.Given()
	in.Moment.Next()
	in.Moment.File = l.file
	defer in.Moment.Forget()
	in.taken.run.Args = append(append(in.taken.run.Args[:0], vm.RefValue(fn)), args...)
	in.taken.Call()
}

// Wait implements jobs.Lane. Hooks don't wait, so nobody calls it.
func (l *hookLane) Wait(*vm.Call, func(context.Context) vm.Resume) error { return errors.New(l.noWait) }
