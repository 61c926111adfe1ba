package top

import (
	"time"

	"eddy/internal/operator/view"
)

// Model is the state of the view. One goroutine has it.
type Model struct {
	Socket   string
	Selected string // a queue's name; "": none
	Notice   string // what became of the last key
	Lost     error  // why there is no newer sample; nil: there is
	LostAt   time.Time

	last, now *Sample
}

// Add takes a newer sample.
func (m *Model) Add(s *Sample) {
	if m.now != nil && m.now.Info["Pid"] == s.Info["Pid"] {
		m.last = m.now
	} else {
		m.last = nil // another process counts anew
	}
	m.now, m.Lost = s, nil
	if m.index() < 0 && len(s.Queues) > 0 {
		m.Selected = s.Queues[0].Name
	}
}

// Lose notes that the process did not answer.
func (m *Model) Lose(err error, at time.Time) {
	if m.Lost == nil {
		m.LostAt = at
	}
	m.Lost = err
}

// index is the selected queue's; -1 when there is none.
func (m *Model) index() int {
	if m.now == nil {
		return -1
	}
	for i := range m.now.Queues {
		if m.now.Queues[i].Name == m.Selected {
			return i
		}
	}
	return -1
}

// Move selects another queue, so many lines down.
func (m *Model) Move(by int) {
	if m.now == nil || len(m.now.Queues) == 0 {
		return
	}
	m.Selected = m.now.Queues[min(max(m.index()+by, 0), len(m.now.Queues)-1)].Name
}

// rates are events in a second between the last two samples.
type rates struct{ in, done, fail, refused float64 }

// since gives the seconds between the last two samples; false when there is but one.
func (m *Model) since() (float64, bool) {
	if m.last == nil {
		return 0, false
	}
	s := m.now.At.Sub(m.last.At).Seconds()
	return s, s > 0
}

// before finds a queue in the sample before.
func (m *Model) before(name string) *view.Queue {
	if m.last == nil {
		return nil
	}
	for i := range m.last.Queues {
		if m.last.Queues[i].Name == name {
			return &m.last.Queues[i]
		}
	}
	return nil
}

// rates gives a queue's rates; false when there is nothing to compare with.
func (m *Model) rates(q *view.Queue) (r rates, ok bool) {
	s, ok := m.since()
	old := m.before(q.Name)
	if !ok || old == nil {
		return r, false
	}
	per := func(now, before uint64) float64 {
		if now < before { // it counts anew
			return 0
		}
		return float64(now-before) / s
	}
	a, b := &q.Counts, &old.Counts
	return rates{per(a.Pushed, b.Pushed), per(a.Done+a.Popped, b.Done+b.Popped), per(a.Failed, b.Failed), per(a.Refused, b.Refused)}, true
}
