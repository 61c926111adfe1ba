package async

import (
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
)

// maxRemembered is how many of its last pushes a run can wait for without a look into the queues.
const maxRemembered = 16

// Frame is what is kept for one run of a script, or for all runs of one request. Its zero value is ready. It is used by one
// goroutine at a time: that of the run.
type Frame struct {
	pushes  []pushed // the last ones
	next    int      // the oldest of them, when there are maxRemembered
	refused string   // why the last push gave nil
	inbox   *reentry.Inbox

	handling bool // it is of a handler
	gaveUp   bool
	giveUp   string // async.give_up's text
}

type pushed struct {
	id     job.ID
	handle *queue.Handle
}

// Reset forgets everything: nobody can ask any more.
func (f *Frame) Reset() {
	for i := range f.pushes {
		f.pushes[i].handle.Release()
	}
	clear(f.pushes)
	f.pushes, f.next = f.pushes[:0], 0
	f.refused, f.giveUp, f.gaveUp = "", "", false
}

func (f *Frame) remember(id job.ID, h *queue.Handle) {
	if h == nil {
		return
	}
	if len(f.pushes) < maxRemembered {
		f.pushes = append(f.pushes, pushed{id, h})
		return
	}
	f.pushes[f.next].handle.Release()
	f.pushes[f.next] = pushed{id, h}
	f.next = (f.next + 1) % maxRemembered
}

// find gives the handle of a push that is remembered; nil: none.
func (f *Frame) find(id job.ID) *queue.Handle {
	for i := range f.pushes {
		if f.pushes[i].id == id {
			return f.pushes[i].handle
		}
	}
	return nil
}

// box is the inbox for what the run waits for itself, a ticket at a time.
func (f *Frame) box() *reentry.Inbox {
	if f.inbox == nil {
		f.inbox = reentry.New(reentry.Options{Tickets: 4, Posts: 1})
	}
	return f.inbox
}
