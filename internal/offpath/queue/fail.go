package queue

import "time"

// Fail says why the queue's store could not be opened: pushes are refused with that, until Attach brings a store.
func (q *Queue) Fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.texts.unopened = "queue '" + q.opts.Name + "' takes nothing: its store could not be opened: " + err.Error()
	if q.trouble.since.IsZero() {
		q.trouble.since = time.Now()
	}
	q.trouble.text = q.texts.unopened
}
