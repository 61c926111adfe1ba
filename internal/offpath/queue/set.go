package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"eddy/internal/offpath/pool"
)

// Set is the queues of a process, in the order of its configuration. Any goroutine may call its methods.
type Set struct {
	mu     sync.RWMutex
	all    []*Queue
	byName map[string]*Queue
}

// NewSet makes an empty Set.
func NewSet() *Set { return &Set{byName: make(map[string]*Queue)} }

// Add adds a queue. A name can be there once.
func (s *Set) Add(q *Queue) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, twice := s.byName[q.Name()]; twice {
		return fmt.Errorf("queue '%s' is there twice", q.Name())
	}
	s.all = append(s.all, q)
	s.byName[q.Name()] = q
	return nil
}

// Queue gives the queue of that name.
func (s *Set) Queue(name string) (*Queue, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	q, ok := s.byName[name]
	return q, ok
}

// All gives all queues.
func (s *Set) All() []*Queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.all)
}

// Start starts all queues.
func (s *Set) Start() {
	for _, q := range s.All() {
		q.Start()
	}
}

// StopTaking is the queues' StopTaking.
func (s *Set) StopTaking() {
	for _, q := range s.All() {
		q.StopTaking()
	}
}

// Stop stops all queues at the same time, and gives one report of all.
func (s *Set) Stop(ctx context.Context) pool.Report {
	all := s.All()
	reports := make([]pool.Report, len(all))
	var wait sync.WaitGroup
	for i, q := range all {
		wait.Go(func() { reports[i] = q.Stop(ctx) })
	}
	wait.Wait()
	var sum pool.Report
	for _, r := range reports {
		sum.Merge(r)
	}
	return sum
}
