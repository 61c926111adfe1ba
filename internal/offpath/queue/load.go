package queue

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

var errDied = errors.New("the process died while it ran")

// Attach gives the queue its store, which becomes the queue's to close, and reads what it has. Jobs that are Running there belong to
// a process that died: they are ready again, or dead when they have no attempt left; except those in leased, which another process
// runs and tells about (Ended, Lost), and those that still run here since HandOver. When Start was called, workers begin at once; while the rest of a large store is still
// being read.
func (q *Queue) Attach(s jobstore.Store, leased []job.ID) error {
	q.storing.lock()
	defer q.storing.unlock()
	lent := make(map[job.ID]bool, len(leased))
	for _, id := range leased {
		lent[id] = true
	}
	q.mu.Lock()
	for _, id := range q.runningHere() { // before it came back
		lent[id] = true
	}
	q.mu.Unlock()
	totals := s.Totals()
	var died, elsewhere []job.Head
	err := s.Heads(job.Running, job.Head{}, func(h job.Head) bool {
		if lent[h.ID] {
			elsewhere = append(elsewhere, h)
		} else {
			died = append(died, h)
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("queue '%s': %w", q.opts.Name, err)
	}
	changes, dead, removed := q.revive(s, died)
	for rest, n := changes, 0; len(rest) > 0; rest = rest[n:] {
		n = cut(rest, groupCost(s))
		if err := s.Commit(rest[:n]); err != nil {
			return fmt.Errorf("queue '%s': %w", q.opts.Name, err)
		}
	}
	var elsewhereNow []*attempt
	for _, h := range elsewhere {
		j, err := s.Get(h.ID)
		if err != nil {
			return fmt.Errorf("queue '%s': job %v: %w", q.opts.Name, h.ID, err)
		}
		elsewhereNow = append(elsewhereNow, &attempt{q: q, job: j, from: h, worker: -1, begun: time.Unix(0, h.Due)})
	}

	q.mu.Lock()
	after := func() {}
	defer func() {
		q.mu.Unlock()
		after()
	}()
	if q.closed || q.store != nil {
		return errors.New("queue '" + q.opts.Name + "' takes no store now")
	}
	q.ids.Behind(s.Last())
	q.store = s
	_, q.grouped = s.(jobstore.Durable)
	q.disk.Store(q.grouped)
	q.maxGroup = groupCost(s)
	q.stable = s.Last()
	q.n.redelivered += uint64(len(died))
	q.n.died += uint64(dead + removed)
	q.n.expired += uint64(removed)
	q.used.Entries, q.used.Bytes, q.dead.Entries, q.dead.Bytes = 0, 0, 0, 0
	for state, n := range totals.Jobs {
		q.n.opened += uint64(n)
		if job.State(state) != job.Dead {
			q.used.Entries += int(n)
			q.used.Bytes += totals.Bytes[state]
		} else {
			q.dead.Entries += int(n)
			q.dead.Bytes += totals.Bytes[state]
		}
	}
	for i := range changes {
		switch changes[i].To.State {
		case job.Dead:
			q.free(changes[i].From)
			q.bury(changes[i].To)
		case job.Gone:
			q.free(changes[i].From)
		}
	}
	for _, a := range elsewhereNow {
		if q.runs(a.job.ID) == nil {
			q.lent[a.job.ID] = a
		}
		if a.from.KeyHash != 0 {
			q.order.put(a.job.Head)
		}
	}
	now := time.Now()
	if q.dead.Entries > 0 && q.expire.IsZero() {
		q.expire = now
	}
	q.due = never
	if totals.Jobs[job.Scheduled]+totals.Jobs[job.Retrying] > 0 {
		q.due = now.UnixNano()
	}
	q.trouble = trouble{}
	if p, ok := s.(interface{ Problem() error }); ok { // it can be read, and takes nothing
		if err := p.Problem(); err != nil {
			q.trouble.begin(q, err, time.Now())
		}
	}
	after = q.comeBack()
	if totals.Jobs[job.Ready]+totals.Jobs[job.Retrying]+int64(len(died)) > 0 {
		q.loading = true
		q.loaded = make(chan struct{})
		if q.started {
			q.tasks.Go(q.load)
		}
	}
	q.poke()
	return nil
}

// groupCost is how much a group of a store may cost.
func groupCost(s jobstore.Store) int64 {
	if d, ok := s.(jobstore.Durable); ok {
		return max(min(maxGroup, d.MaxCommit()-marks), 1)
	}
	return maxGroup
}

// revive says what is to become of jobs that were running when their process died.
func (q *Queue) revive(s jobstore.Store, died []job.Head) (changes []jobstore.Change, dead, removed int) {
	now := time.Now()
	for _, h := range died {
		c := jobstore.Change{From: h, To: ready(h, now)}
		j, err := s.Get(h.ID)
		if err == nil {
			if most := q.opts.Retry.attempts(&j.Body); most > 0 && int(h.Attempts) >= most {
				c.To.State = job.Dead
				dead++
				if q.opts.KeepDead <= 0 {
					c.To.State = job.Gone
					dead--
					removed++
				}
				c.Failure = &job.Failure{Attempt: h.Attempts, At: now.UnixNano(), Text: errDied.Error()}
				c.Unique, c.UniqueUntil = j.Unique, q.uniqueUntil(j)
			}
		}
		changes = append(changes, c)
	}
	return changes, dead, removed
}

// load reads the ready jobs of a store into the order, the oldest first, while workers take the first ones already. Jobs with a
// key wait until those are known that keep their places while they retry.
func (q *Queue) load() {
	q.mu.Lock()
	s, last := q.store, q.stable
	q.mu.Unlock()
	const few, many = 256, 4096
	var keyed []job.Head
	after, more, err := q.loadSome(s, job.Head{}, last, few, func(h job.Head) {
		if h.KeyHash == 0 {
			q.order.put(h)
		} else {
			keyed = append(keyed, h)
		}
	})
	if err == nil {
		err = q.loadRetrying(s)
	}
	q.mu.Lock()
	for _, h := range keyed {
		q.order.put(h)
	}
	q.dispatch()
	q.mu.Unlock()
	for more && err == nil {
		after, more, err = q.loadSome(s, after, last, many, q.order.put)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil && q.store == s && !q.closed {
		q.log(logError, fmt.Sprintf("not all of its jobs can be read, and those wait for the next start: %v", err))
	}
	q.loading = false
	for _, h := range q.later {
		q.order.put(h)
	}
	q.later = nil
	close(q.loaded)
	q.dispatch()
	q.poke()
}

// place puts a job that was pushed into the order; one with a key only when the older ones are there.
func (q *Queue) place(h job.Head) {
	if q.loading && h.KeyHash != 0 {
		q.later = append(q.later, h)
		return
	}
	q.order.put(h)
}

// unplace is the opposite.
func (q *Queue) unplace(h job.Head) {
	if !q.order.remove(h) {
		q.later = slices.DeleteFunc(q.later, func(l job.Head) bool { return l.ID == h.ID })
	}
}

// loadSome reads so many heads behind one, up to the last job that was there when the store was opened, and adds them with the
// lock held.
func (q *Queue) loadSome(s jobstore.Store, after job.Head, last job.ID, most int, add func(job.Head)) (job.Head, bool, error) {
	some := make([]job.Head, 0, most)
	err := s.Heads(job.Ready, after, func(h job.Head) bool {
		if h.ID > last {
			return false
		}
		some = append(some, h)
		return len(some) < most
	})
	if err != nil || len(some) == 0 {
		return after, false, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.store != s || q.closed && q.grouped {
		return after, false, nil
	}
	for _, h := range some {
		add(h)
	}
	q.dispatch()
	q.poke()
	return some[len(some)-1], len(some) == most, nil
}

// loadRetrying reads the places of jobs with keys that wait for another attempt.
func (q *Queue) loadRetrying(s jobstore.Store) error {
	const many = 4096
	some := make([]job.Head, 0, many)
	add := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.store == s {
			for _, h := range some {
				q.order.put(h)
			}
		}
		some = some[:0]
	}
	err := s.Heads(job.Retrying, job.Head{}, func(h job.Head) bool {
		if h.KeyHash == 0 {
			return true
		}
		if some = append(some, h); len(some) == many {
			add()
		}
		return true
	})
	add()
	return err
}
