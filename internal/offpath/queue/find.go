package queue

import (
	"slices"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// Filter chooses jobs.
type Filter struct {
	States  []job.State // none: all
	Handler string
	Key     string
	After   job.ID // those behind it; it need not be there any more
	Limit   int    // 0: 100
}

// Get gives a whole job; jobstore.ErrNotFound when it is not there. It may read from the disk.
func (q *Queue) Get(id job.ID) (*job.Job, error) {
	q.mu.Lock()
	s := q.store
	if j := q.pushed(id); j != nil {
		q.mu.Unlock()
		return j, nil
	}
	waits := slices.ContainsFunc(q.hand, func(a *attempt) bool { return a.from.ID == id })
	q.mu.Unlock()
	if s == nil {
		return nil, jobstore.ErrNotFound
	}
	j, err := s.Get(id)
	if err == nil && waits && j.State == job.Running {
		j.State = job.Ready // it is marked, and nobody has begun it
	}
	return j, err
}

// pushed looks for a job among those that are on their way to the disk.
func (q *Queue) pushed(id job.ID) *job.Job {
	groups := q.groups
	if q.flying != nil {
		groups = append([]*group{q.flying}, groups...)
	}
	for _, g := range groups {
		if at, ok := g.find(id); ok {
			j := *g.changes[at].Job
			j.Head = g.changes[at].To
			return &j
		}
	}
	return nil
}

// List gives jobs: state by state, in each as the store has them (Scheduled and Retrying ones by when they are due, others by
// age). more says that there are further ones, behind the last of these. It may read much from the disk.
func (q *Queue) List(f Filter) (jobs []*job.Job, more bool, err error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	states := f.States
	if len(states) == 0 {
		states = []job.State{job.Running, job.Ready, job.Retrying, job.Scheduled, job.Dead}
	}
	q.mu.Lock()
	s := q.store
	after := q.pages.head(f.After)
	q.mu.Unlock()
	if s == nil {
		return nil, false, nil
	}
	if at := slices.Index(states, after.State); at > 0 {
		states = states[at:]
	}
	for _, state := range states {
		behind := job.Head{}
		if state == after.State || len(states) == 1 {
			behind = after
		}
		var got error
		err := s.Heads(state, behind, func(h job.Head) bool {
			if f.Key != "" && h.KeyHash != keyHash(f.Key) {
				return true
			}
			j, err := s.Get(h.ID)
			if err != nil || j.State != state || f.Handler != "" && j.Handler != f.Handler || f.Key != "" && j.Key != f.Key {
				if err != nil && err != jobstore.ErrNotFound {
					j, got = &job.Job{Head: h, Failures: []job.Failure{{Text: err.Error()}}}, nil
					jobs = append(jobs, j)
				}
				return true
			}
			if len(jobs) == f.Limit {
				more = true
				return false
			}
			jobs = append(jobs, j)
			return true
		})
		if err == nil {
			err = got
		}
		if err != nil || more {
			q.turn(jobs)
			return jobs, more, err
		}
	}
	q.turn(jobs)
	return jobs, false, nil
}

// turn remembers where a page ends.
func (q *Queue) turn(jobs []*job.Job) {
	if len(jobs) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pages.add(jobs[len(jobs)-1].Head)
}

// pages are where the last pages of List ended: a job may have gone on when the next page is asked for.
type pages struct {
	ends [64]job.Head
	at   int
}

func (p *pages) add(h job.Head) {
	p.ends[p.at] = h
	p.at = (p.at + 1) % len(p.ends)
}

// head gives where a page ended with that job. Of one that nobody remembers, only its age is known.
func (p *pages) head(id job.ID) job.Head {
	if id == 0 {
		return job.Head{}
	}
	for i := range p.ends {
		if h := p.ends[(p.at+len(p.ends)-1-i)%len(p.ends)]; h.ID == id {
			return h
		}
	}
	return job.Head{ID: id, Due: id.Time().UnixNano()}
}
