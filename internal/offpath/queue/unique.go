package queue

import "eddy/internal/offpath/job"

// held is a unique key of a push that is not in the store yet.
type held struct {
	id    job.ID
	group *group
}

// answer is what a store on a disk said about a unique key.
type answer struct {
	id   job.ID
	held bool
}

// lock takes the lock. A store on a disk was asked before about the unique key, as that may take a while, and nothing was
// written since.
func (q *Queue) lock(unique string, now int64) (a answer) {
	q.mu.Lock()
	if unique == "" || !q.grouped {
		return answer{}
	}
	for q.store != nil {
		store, seen := q.store, q.n.commits
		q.mu.Unlock()
		a.id, a.held = store.Unique(unique, now)
		q.mu.Lock()
		if q.store == store && q.n.commits == seen {
			return a
		}
	}
	return answer{}
}

// holder gives the job that holds a unique key, and the group that it is in as long as it is not in the store.
func (q *Queue) holder(key string, now int64, a answer) (job.ID, *group, bool) {
	if !q.grouped {
		id, ok := q.store.Unique(key, now)
		return id, nil, ok
	}
	if h, ok := q.holds[key]; ok {
		return h.id, h.group, true
	}
	if _, over := q.freed[a.id]; over {
		return 0, nil, false
	}
	return a.id, nil, a.held
}

// uniqueUntil is how long a job holds its unique key; 0: as long as it is there and not dead.
func (q *Queue) uniqueUntil(j *job.Job) int64 {
	if j.Unique == "" || q.opts.UniqueFor <= 0 {
		return 0
	}
	return j.Pushed + int64(q.opts.UniqueFor)
}
