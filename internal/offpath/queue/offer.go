package queue

import (
	"math"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/reentry"
)

// Bounds of what is accepted and not on the disk yet.
const (
	maxPending      = 64 << 10
	maxPendingBytes = 64 << 20
)

// Offer takes a job in, or says why not. It never waits. The job is as safe as the store promises when Committed says so.
func (q *Queue) Offer(p Push) (Receipt, Refused) {
	j := p.Job
	j.Queue = q.opts.Name
	now := time.Now()
	j.Pushed = now.UnixNano()
	if j.Key != "" {
		j.KeyHash = keyHash(j.Key)
	}
	j.Size = j.Weigh()
	said := q.lock(j.Unique, j.Pushed)
	r, why, victims := q.offer(p, now, said)
	q.mu.Unlock()
	if p.Ticket != nil && (!why.OK() || r.Duplicate) {
		p.Ticket.Withdraw()
	}
	expire(victims, ErrDropped)
	return r, why
}

// offer is Offer with the lock held; it gives the tickets of the jobs that the policy dropped.
func (q *Queue) offer(p Push, now time.Time, said answer) (Receipt, Refused, []*reentry.Ticket) {
	j := p.Job
	if why := q.admissible(j); !why.OK() {
		return Receipt{}, why, nil
	}
	if q.away != nil {
		r, why := q.offerAway(p, now)
		return r, why, nil
	}
	if j.Unique != "" {
		if id, g, ok := q.holder(j.Unique, j.Pushed, said); ok {
			q.n.duplicates++
			return Receipt{ID: id, Duplicate: true, group: g}, Refused{}, nil
		}
	}
	why, victims := q.makeRoom(int64(j.Size))
	if why == dropNew {
		r, tickets := q.dropNewest(p)
		return r, Refused{}, tickets
	}
	if !why.OK() {
		return Receipt{}, why, nil
	}
	r, why := q.accept(p, now)
	return r, why, victims
}

// dropNewest accepts a job and drops it.
func (q *Queue) dropNewest(p Push) (Receipt, []*reentry.Ticket) {
	q.n.pushed++
	q.n.dropped++
	id := q.ids.Next()
	h := &Handle{q: q, id: id, over: true, expired: true, result: reentry.Result{Err: ErrDropped}}
	if p.Ticket == nil {
		return Receipt{ID: id, Handle: h}, nil
	}
	return Receipt{ID: id, Handle: h}, []*reentry.Ticket{p.Ticket}
}

// admissible refuses what has nothing to do with how full the queue is.
func (q *Queue) admissible(j *job.Job) Refused {
	switch {
	case q.closed:
		return q.refuse(handoff.Closed, q.texts.closed)
	case q.drain:
		return q.refuse(handoff.Closed, q.texts.draining)
	case int64(len(j.Data)+len(j.Code)) > q.opts.MaxSize:
		return q.refuse(handoff.TooLarge, q.texts.large)
	case q.away != nil:
	case q.store == nil:
		return q.refuse(handoff.Unavailable, q.texts.unopened)
	case q.trouble.refusing:
		return q.refuse(handoff.Unavailable, q.trouble.text)
	case q.grouped && (q.pending >= maxPending || q.weight > maxPendingBytes):
		return q.refuse(handoff.Unavailable, q.texts.behind)
	}
	return Refused{}
}

// dropNew says that the policy drops the new job.
var dropNew = Refused{Reason: math.MaxUint8}

// makeRoom sees to it that a job of that many bytes fits, as the policy has it. It gives the tickets of those that it dropped.
func (q *Queue) makeRoom(bytes int64) (Refused, []*reentry.Ticket) {
	why := q.opts.Bounds.Refuse(q.used, bytes)
	switch {
	case why.OK():
		return Refused{}, nil
	case why == handoff.TooLarge:
		return q.refuse(why, q.texts.small), nil
	case q.opts.Full == handoff.DropNewest:
		return dropNew, nil
	case q.opts.Full == handoff.DropOldest:
		if tickets, ok := q.displace(bytes); ok {
			return Refused{}, tickets
		}
	}
	if why == handoff.EntriesFull {
		return q.refuse(why, q.texts.entries), nil
	}
	return q.refuse(why, q.texts.bytes), nil
}

// displace drops the oldest ready jobs until one of that many bytes fits. Nothing is dropped when that would not help.
func (q *Queue) displace(bytes int64) (tickets []*reentry.Ticket, ok bool) {
	left := q.used
	n := 0
	q.order.all.each(func(h job.Head) bool {
		if q.grouped && h.ID > q.stable {
			return false // it is on its way to the disk
		}
		n++
		left.Entries--
		left.Bytes -= int64(h.Size)
		ok = q.opts.Bounds.Refuse(left, bytes).OK()
		return !ok
	})
	if !ok {
		return nil, false
	}
	for range n {
		h := *q.order.oldest()
		q.order.remove(h)
		q.change(jobstore.Change{From: h, To: gone(h)})
		q.free(h)
		q.n.dropped++
		tickets = append(tickets, q.handles.end(h.ID, reentry.Result{Err: ErrDropped}, true)...)
	}
	return tickets, true
}

// accept takes a job in for which there is room.
func (q *Queue) accept(p Push, now time.Time) (Receipt, Refused) {
	j := p.Job
	if j.ID == 0 {
		j.ID = q.ids.At(now)
	}
	j.State, j.Due, j.Attempts = job.Ready, j.Pushed, 0
	if j.MaxAttempts == 0 && q.opts.Workers > 0 { // its handler and its viewers want to know
		j.MaxAttempts = uint16(q.opts.Retry.attempts(&j.Body))
	}
	if p.Delay > 0 {
		j.State, j.Due = job.Scheduled, now.Add(p.Delay).UnixNano()
	}
	c := jobstore.Change{Job: j, To: j.Head, Unique: j.Unique, UniqueUntil: q.uniqueUntil(j)}
	r := Receipt{ID: j.ID}
	if q.grouped {
		r.group = q.push(c)
	} else {
		q.one[0] = c
		if err := q.store.Commit(q.one[:]); err != nil {
			q.one[0] = jobstore.Change{}
			return Receipt{}, q.refuse(handoff.Unavailable, "queue '"+q.opts.Name+"': "+err.Error())
		}
		q.one[0] = jobstore.Change{}
		q.n.pushed++
		q.enter(c.To)
	}
	q.used.Entries++
	q.used.Bytes += int64(j.Size)
	if p.Room == nil {
		p.Room = new(Handle)
	}
	r.Handle = q.handles.put(p.Room, q, j.ID, p.Ticket)
	return r, Refused{}
}

// enter brings a job that is in the store to its place: in the order, or among those that wait for their time.
func (q *Queue) enter(h job.Head) {
	if h.State != job.Ready {
		q.dueAt(h.Due)
		return
	}
	q.place(h)
	q.dispatch()
}

// free gives the room of a job back.
func (q *Queue) free(h job.Head) {
	q.used.Entries--
	q.used.Bytes -= int64(h.Size)
}

// gone is the head of a job that is no more.
func gone(h job.Head) job.Head {
	h.State = job.Gone
	return h
}

// keyHash is FNV-1a of a key, never 0. It is on disks: it does not change.
func keyHash(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return max(h, 1)
}
