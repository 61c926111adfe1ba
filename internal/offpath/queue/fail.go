package queue

import "time"

// Fail says why the queue's store could not be opened: pushes are refused with that, until Attach brings a store.
func (q *Queue) Fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.texts.unopened = "queue '" + q.opts.Name + "' takes nothing: its store could not be opened: " + err.Error()
	q.trouble.since, q.trouble.text = time.Now(), q.texts.unopened
}
