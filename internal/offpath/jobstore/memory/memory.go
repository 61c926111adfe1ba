// Package memory keeps the jobs of a queue in memory: they live as long as the process.
package memory

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// Store is a jobstore.Store. Any goroutine may call its methods.
type Store struct {
	mu     sync.RWMutex
	closed bool
	jobs   map[job.ID]*entry
	order  [job.Gone + 1]order // of the states that are kept
	unique uniques
	totals jobstore.Totals
	last   job.ID
}

type entry struct {
	head     job.Head
	job      *job.Job      // its Body; never changed, only replaced
	failures []job.Failure // never changed, only replaced
}

// New makes an empty Store.
func New() *Store {
	return &Store{jobs: make(map[job.ID]*entry), unique: newUniques()}
}

// Commit makes all changes, or none. A From that is not what the store has is an error.
func (s *Store) Commit(changes []jobstore.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return jobstore.ErrClosed
	}
	if len(changes) == 1 {
		c := &changes[0]
		var e *entry
		if c.From.State != 0 || c.ID() <= s.last { // a new one has a new id, nearly always
			e = s.jobs[c.ID()]
		}
		err := fits(c, e.now(), e != nil)
		if err == nil {
			s.apply(c, e)
		}
		return err
	}
	if err := s.check(changes); err != nil {
		return err
	}
	for i := range changes {
		s.apply(&changes[i], s.jobs[changes[i].ID()])
	}
	return nil
}

// check sees to it that apply can't fail. A job may be changed more than once in a commit.
func (s *Store) check(changes []jobstore.Change) error {
	heads := make(map[job.ID]job.Head, len(changes))
	for i := range changes {
		c := &changes[i]
		now, found := heads[c.ID()]
		if !found {
			var e *entry
			e, found = s.jobs[c.ID()]
			now = e.now()
		}
		if err := fits(c, now, found && now.State.Kept()); err != nil {
			return err
		}
		heads[c.ID()] = c.To
	}
	return nil
}

func (e *entry) now() job.Head {
	if e == nil {
		return job.Head{}
	}
	return e.head
}

func fits(c *jobstore.Change, now job.Head, found bool) error {
	if err := c.Check(); err != nil {
		return err
	}
	switch {
	case c.From.State == 0 && found:
		return fmt.Errorf("job %v is added and is there already", c.ID())
	case c.From.State != 0 && !found:
		return fmt.Errorf("job %v: %w", c.ID(), jobstore.ErrNotFound)
	case c.From.State != 0 && c.From != now:
		return fmt.Errorf("job %v is said to be %+v, and is %+v", c.ID(), c.From, now)
	}
	return nil
}

// apply makes a change of a job; e is what is there of it.
func (s *Store) apply(c *jobstore.Change, e *entry) {
	s.totals.Apply(c)
	id := c.ID()
	s.unique.apply(c, id)
	if c.From.State == 0 {
		s.jobs[id] = &entry{head: c.To, job: c.Job, failures: slices.Clone(c.Job.Failures)}
		s.order[c.To.State].put(c.To)
		s.last = max(s.last, id)
		return
	}
	s.order[c.From.State].remove(c.From)
	if !c.To.State.Kept() {
		delete(s.jobs, id)
		return
	}
	e.head = c.To
	if c.Job != nil {
		edited := &job.Job{Body: e.job.Body}
		edited.Data = c.Job.Data
		e.job = edited
	}
	if c.Failure != nil {
		e.failures = job.AddFailure(slices.Clone(e.failures), *c.Failure)
	}
	s.order[c.To.State].put(c.To)
}

// Get gives a copy of a job.
func (s *Store) Get(id job.ID) (*job.Job, error) {
	j := new(job.Job)
	if err := s.Lend(id, j); err != nil {
		return nil, err
	}
	j.Failures, j.Data, j.Code = slices.Clone(j.Failures), bytes.Clone(j.Data), bytes.Clone(j.Code)
	return j, nil
}

// Lend is jobstore.Lender's.
func (s *Store) Lend(id job.ID, j *job.Job) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return jobstore.ErrClosed
	}
	e := s.jobs[id]
	if e == nil {
		return jobstore.ErrNotFound
	}
	j.Head, j.Body, j.Failures = e.head, e.job.Body, e.failures
	return nil
}

// Heads calls f without a lock, with the jobs as they were when Heads was called.
func (s *Store) Heads(st job.State, after job.Head, f func(job.Head) bool) error {
	if !st.Kept() {
		return nil
	}
	s.mu.Lock() // a snapshot marks blocks as shared
	if s.closed {
		s.mu.Unlock()
		return jobstore.ErrClosed
	}
	snapshot := s.order[st].snapshot(after)
	s.mu.Unlock()
	snapshot.each(st.Timed(), after, f)
	return nil
}

// Totals says how many jobs there are.
func (s *Store) Totals() jobstore.Totals {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.totals
}

// Unique gives the holder of a unique key.
func (s *Store) Unique(key string, now int64) (job.ID, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.unique.holder(key, now)
}

// Last is the largest id that was ever added.
func (s *Store) Last() job.ID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.last
}

// Close forgets all jobs.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.jobs, s.order, s.unique = nil, [job.Gone + 1]order{}, newUniques()
	return nil
}
