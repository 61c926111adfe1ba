package queue

import (
	"context"
	"errors"

	"eddy/internal/offpath/job"
	"eddy/internal/reentry"
)

// maxHandles is how many pushes back a handle without a ticket is remembered.
const maxHandles = 64 << 10

var errInboxFull = errors.New("the job's result does not fit into its owner's inbox")

// Handle is a pushed job in the hands of who pushed it: as long as it is kept, the job's end can be asked for. Any goroutine may
// call its methods.
type Handle struct {
	q  *Queue
	id job.ID
	// The queue's lock guards these.
	over    bool
	expired bool // the job did not come to an end of its own
	result  reentry.Result
	tickets []*reentry.Ticket
	twin    *Handle // another one of the same job, which is asked in place of this one; nil: none
}

// ID is the job's.
func (h *Handle) ID() job.ID { return h.id }

// Attach settles t when the job ends, or at once when it has: delivered with the job's result, or its last error when it is dead;
// expired when it was deleted or dropped, or nobody can know any more. It may read from the disk when the job was pushed long
// ago.
func (h *Handle) Attach(t *reentry.Ticket) {
	q := h.q
	q.mu.Lock()
	if open := q.handles.open[h.id]; !h.over && open != nil && open != h {
		h.twin = open // this one was released, and somebody found the job
	}
	if h.twin != nil {
		h = h.twin
	}
	if !h.over {
		known := q.handles.open[h.id] == h
		h.tickets = append(h.tickets, t)
		q.handles.open[h.id] = h
		q.mu.Unlock()
		if !known && !q.there(h.id) {
			q.forget(h)
		}
		return
	}
	q.mu.Unlock()
	if h.expired {
		t.Expire(h.result.Err)
		return
	}
	full, cancel := context.WithCancelCause(context.Background())
	cancel(errInboxFull) // the caller may be the one who has to make room: it must not wait
	t.Deliver(full, h.result)
}

// Release says that nobody is going to ask any more. Tickets that were attached are settled all the same.
func (h *Handle) Release() {
	q := h.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(h.tickets) == 0 && q.handles.open[h.id] == h {
		delete(q.handles.open, h.id)
	}
}

// Find gives a handle of a job that is there, whoever pushed it; jobstore.ErrNotFound when it is not. It may read from the disk.
func (q *Queue) Find(id job.ID) (*Handle, error) {
	q.mu.Lock()
	h := q.handles.open[id]
	if h == nil {
		h = q.handles.add(q, id, nil)
	}
	q.mu.Unlock()
	if _, err := q.Get(id); err != nil {
		h.Release()
		return nil, err
	}
	return h, nil
}

// there says that a job is in the store, and may still end.
func (q *Queue) there(id job.ID) bool {
	j, err := q.Get(id)
	return err == nil && j.State != job.Dead
}

// forget expires the tickets of a job that has ended unseen.
func (q *Queue) forget(h *Handle) {
	q.mu.Lock()
	tickets := q.handles.end(h.id, reentry.Result{Err: ErrUnknown}, true)
	q.mu.Unlock()
	expire(tickets, ErrUnknown)
}

func expire(tickets []*reentry.Ticket, why error) {
	for _, t := range tickets {
		t.Expire(why)
	}
}

// handles are the handles of jobs that have not ended. The queue's lock guards them.
type handles struct {
	open   map[job.ID]*Handle
	recent []job.ID // a ring of the last pushes
	at     int
}

func (s *handles) init() { s.open = make(map[job.ID]*Handle) }

// add makes a handle. The one that was made maxHandles ago is forgotten if it has no ticket.
func (s *handles) add(q *Queue, id job.ID, t *reentry.Ticket) *Handle {
	return s.put(new(Handle), q, id, t)
}

// put is add for a handle that has its memory.
func (s *handles) put(h *Handle, q *Queue, id job.ID, t *reentry.Ticket) *Handle {
	h.q, h.id = q, id
	if t != nil {
		h.tickets = []*reentry.Ticket{t}
	}
	s.open[id] = h
	if len(s.recent) < maxHandles {
		s.recent = append(s.recent, id)
		return h
	}
	if old := s.open[s.recent[s.at]]; old != nil && len(old.tickets) == 0 {
		delete(s.open, old.id)
	}
	s.recent[s.at] = id
	s.at = (s.at + 1) % maxHandles
	return h
}

// end notes that a job has ended, and gives the tickets to settle after the lock was let go.
func (s *handles) end(id job.ID, r reentry.Result, expired bool) []*reentry.Ticket {
	h := s.open[id]
	if h == nil {
		return nil
	}
	delete(s.open, id)
	h.over, h.expired, h.result = true, expired, r
	tickets := h.tickets
	h.tickets = nil
	return tickets
}

// all ends all handles.
func (s *handles) all(why error) []*reentry.Ticket {
	var tickets []*reentry.Ticket
	for id := range s.open {
		tickets = append(tickets, s.end(id, reentry.Result{Err: why}, true)...)
	}
	return tickets
}
