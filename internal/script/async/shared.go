package async

import (
	"sync"

	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
)

// Shared is what all states of a process have in common. Its methods may be called from any goroutine.
type Shared struct {
	Queues   *queue.Set
	Handlers *queue.Handlers
	Owners   *Owners
	Seal     *Seal

	mu      sync.Mutex
	past    reentry.Counts // of awaits, and of Results that were stopped
	results map[*Results]struct{}
}

// NewShared puts the parts together. The queues are those of the configuration; each has Owners as its queue.Options.Owners.
func NewShared(queues *queue.Set, handlers *queue.Handlers, owners *Owners, seal *Seal) *Shared {
	return &Shared{Queues: queues, Handlers: handlers, Owners: owners, Seal: seal, results: map[*Results]struct{}{}}
}

// Tickets says what became of the tickets of all awaits, and of those that Results issued. At any moment
// Issued = Open + Delivered + Expired + OwnerGone.
func (s *Shared) Tickets() reentry.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.past
	for r := range s.results {
		all.Add(r.inbox.Counts())
	}
	return all
}

func (s *Shared) enlist(r *Results) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results[r] = struct{}{}
}

// retire keeps the counts of Results whose inbox was closed.
func (s *Shared) retire(r *Results) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.results[r]; ok {
		delete(s.results, r)
		s.past.Add(r.inbox.Counts())
	}
}

// awaits counts a ticket of an await that begins (fate Open), or ends.
func (s *Shared) awaits(f reentry.Fate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == reentry.Open {
		s.past.Issued++
		s.past.Open++
		return
	}
	s.past.Open--
	switch f {
	case reentry.Delivered:
		s.past.Delivered++
	case reentry.Expired:
		s.past.Expired++
	default:
		s.past.OwnerGone++
	}
}
