package disk

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// Commit makes all changes, or none. It does not look whether a From is what the store has.
func (s *Store) Commit(changes []jobstore.Change) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	cost, adds := int64(0), false
	for i := range changes {
		c := &changes[i]
		if err := c.Check(); err != nil {
			return err
		}
		cost += jobstore.Cost(c)
		adds = adds || c.From.State == 0
	}
	if cost > s.maxCommit {
		return fmt.Errorf("%s are too much for one commit: at most %s", size(cost), size(s.maxCommit))
	}
	var err error
	before := s.meta.commits
	for range 2 { // the second time after a failure that is over
		var d *database
		d, err = s.writable()
		if s.meta.commits > before {
			return nil // it was a part of the store before the failure
		}
		if err != nil {
			return err
		}
		if err = s.room(cost, adds); err != nil {
			s.reclaim(d)
			return err
		}
		if err = s.pressure(d); err == nil {
			if err = s.commit(d, changes); err == nil {
				return nil
			}
		}
		if d.z.frozen() == nil {
			return s.explain(err)
		}
	}
	// Twice: not again at once.
	if reopenErr := s.reopen(); reopenErr != nil {
		return reopenErr
	}
	return s.explain(err)
}

// entryCost is what the database adds to an entry at most when it has it in memory.
const entryCost = 256

func (s *Store) commit(d *database, changes []jobstore.Change) error {
	b := d.NewBatch()
	for i := range changes {
		if c := &changes[i]; c.Failure != nil || c.Job != nil && c.From.State != 0 {
			_ = b.Close()
			b = d.NewIndexedBatch() // what it has already must be read
			break
		}
	}
	w := writer{s: s, d: d, b: b, meta: s.meta}
	w.meta.commits++
	w.sweep() // first: a change may take what is over
	for i := range changes {
		w.change(&changes[i])
	}
	s.val = w.meta.append(s.val)
	w.set([]byte{keyMeta}, s.val)
	if w.err == nil && int64(b.Len())+int64(b.Count())*entryCost > s.memtable()/2-entryCost*64 {
		w.err = fmt.Errorf("%s are too much for one commit", size(int64(b.Len())))
	}
	if w.err != nil {
		_ = b.Close()
		return w.err
	}
	if err := d.apply(b); err != nil {
		return err // the batch is the database's
	}
	_ = b.Close()
	s.owner.accepted(w.meta.commits)
	s.mu.Lock()
	s.meta = w.meta
	s.mu.Unlock()
	s.sweep.done(&w)
	if w.ended.last != 0 {
		s.ended.add(w.ended.first)
		s.ended.add(w.ended.last)
	}
	return nil
}

// writer puts changes into a batch. The first error stays.
type writer struct {
	s    *Store
	d    *database
	b    *pebble.Batch
	meta meta
	err  error

	ended        span            // jobs that are removed
	taken        map[string]hold // unique keys, by this batch
	timedUniques int             // of these with an end
	swept        bool            // looked for unique keys that are over
	left         bool            // and there are more
}

type hold struct {
	id    job.ID
	until int64
}

func (w *writer) set(key, value []byte) {
	if w.err == nil {
		w.err = w.b.Set(key, value, nil)
	}
}

func (w *writer) delete(key []byte) {
	if w.err == nil {
		w.err = w.b.Delete(key, nil)
	}
}

func (w *writer) change(c *jobstore.Change) {
	s, id := w.s, c.ID()
	w.meta.totals.Apply(c)
	w.meta.last = max(w.meta.last, id)
	added, removed := c.From.State == 0, !c.To.State.Kept()

	moved := added || removed || c.From.State != c.To.State || c.From.State.Timed() && c.From.Due != c.To.Due
	if !added && moved {
		s.key = headKey(s.key, c.From.State, c.From.Due, id)
		w.delete(s.key)
		if c.From.State.Timed() && !c.To.State.Timed() {
			s.key = idKey(s.key, keyTimed, id)
			w.delete(s.key)
		}
	}
	if !removed {
		s.key = headKey(s.key, c.To.State, c.To.Due, id)
		if moved && c.To.State.Timed() {
			place := s.key[1:]
			w.set(idKey(nil, keyTimed, id), place[:len(place)-8])
		}
		s.val = appendHead(s.val, &c.To)
		w.set(s.key, s.val)
	}
	w.body(c, id, added, removed)
	if c.Unique != "" {
		w.unique(c, id)
	}
}

func (w *writer) body(c *jobstore.Change, id job.ID, added, removed bool) {
	s := w.s
	switch {
	case removed:
		w.ended.add(id)
		s.key = idKey(s.key, keyBody, id)
		w.delete(s.key)
		s.key = idKey(s.key, keyFailure, id)
		w.delete(s.key)
		return
	case added:
		s.val = job.AppendBody(s.val[:0], &c.Job.Body)
		s.key = idKey(s.key, keyBody, id)
		w.set(s.key, s.val)
		if len(c.Job.Failures) > 0 {
			w.failures(id, c.Job.Failures)
		}
	case c.Job != nil:
		w.edit(id, c.Job.Data)
	}
	if c.Failure != nil {
		s.key = idKey(s.key, keyFailure, id)
		list, err := getFailures(w.b, s.key)
		if err != nil && w.err == nil {
			w.err = err
		}
		w.failures(id, job.AddFailure(list, *c.Failure))
	}
}

func (w *writer) failures(id job.ID, list []job.Failure) {
	s := w.s
	s.val = job.AppendFailures(s.val[:0], list)
	s.key = idKey(s.key, keyFailure, id)
	w.set(s.key, s.val)
}

func (w *writer) edit(id job.ID, data []byte) {
	s := w.s
	s.key = idKey(s.key, keyBody, id)
	body, err := getBody(w.b, s.key)
	if err != nil {
		if w.err == nil {
			w.err = err
		}
		return
	}
	body.Data = data
	s.val = job.AppendBody(s.val[:0], &body)
	w.set(s.key, s.val)
}

func (w *writer) unique(c *jobstore.Change, id job.ID) {
	s := w.s
	if !c.Releases() {
		s.key = uniqueKey(s.key, c.Unique)
		s.val = appendHold(s.val, id, c.UniqueUntil)
		w.set(s.key, s.val)
		if w.taken == nil {
			w.taken = make(map[string]hold)
		}
		w.taken[c.Unique] = hold{id, c.UniqueUntil}
		if c.UniqueUntil != 0 {
			s.key = expiryKey(s.key, c.UniqueUntil, c.Unique)
			w.set(s.key, nil)
			w.timedUniques++
		}
		return
	}
	// Another job may hold it by now, or it has an end of its own.
	s.key = uniqueKey(s.key, c.Unique)
	if w.held(c.Unique, id) {
		w.delete(s.key)
		delete(w.taken, c.Unique)
	}
}

// held says that the job holds the key without an end.
func (w *writer) held(key string, id job.ID) bool {
	if h, ok := w.taken[key]; ok {
		return h == hold{id, 0}
	}
	holder, until, err := getHold(w.d, uniqueKey(nil, key))
	if err != nil && !errors.Is(err, pebble.ErrNotFound) {
		if w.err == nil {
			w.err = err
		}
		return false
	}
	return err == nil && holder == id && until == 0
}

// sweep says when unique keys that are over are removed.
type sweep struct {
	next  time.Time
	taken int
}

const (
	sweepPause = time.Minute
	sweepTaken = 4096      // or when so many were taken since
	sweepMost  = 1024      // keys of one commit
	sweepBytes = 256 << 10 // and bytes
)

func (p *sweep) done(w *writer) {
	p.taken += w.timedUniques
	if !w.swept || w.left {
		return
	}
	p.next, p.taken = time.Now().Add(sweepPause), 0
}

// sweep adds the removal of unique keys that are over, now and then.
func (w *writer) sweep() {
	s := w.s
	if w.err != nil || s.sweep.taken < sweepTaken && time.Now().Before(s.sweep.next) {
		return
	}
	w.swept = true
	now := s.o.Now().UnixNano()
	it, err := w.d.NewIter(&pebble.IterOptions{LowerBound: []byte{keyExpiry}, UpperBound: expiryKey(nil, now, "\x00")})
	if err != nil {
		w.err = err
		return
	}
	defer it.Close()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n > sweepMost || w.b.Len() > sweepBytes {
			w.left = true
			return
		}
		w.expire(it.Key())
	}
	if err := it.Error(); err != nil && w.err == nil {
		w.err = err
	}
}

// expire removes a unique key, unless somebody took it again with a later end.
func (w *writer) expire(expiry []byte) {
	w.delete(expiry)
	if len(expiry) < 9 {
		return
	}
	key := uniqueKey(nil, string(expiry[9:]))
	_, until, err := getHold(w.d, key)
	if errors.Is(err, pebble.ErrNotFound) {
		return
	}
	if err != nil {
		if w.err == nil {
			w.err = err
		}
		return
	}
	if string(expiryKey(nil, until, string(expiry[9:]))) == string(expiry) {
		w.delete(key)
	}
}
