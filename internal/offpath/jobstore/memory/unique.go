package memory

import (
	"container/heap"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// uniques are the unique keys that jobs hold.
type uniques struct {
	held map[string]hold
	ends ends // those that end by time
}

type hold struct {
	id    job.ID
	until int64 // 0: while the job is there
}

type end struct {
	until int64
	key   string
}

func newUniques() uniques { return uniques{held: make(map[string]hold)} }

func (u *uniques) apply(c *jobstore.Change, id job.ID) {
	if c.Unique == "" {
		return
	}
	if c.Releases() {
		if h, ok := u.held[c.Unique]; ok && h == (hold{id, 0}) {
			delete(u.held, c.Unique)
		}
		return
	}
	u.held[c.Unique] = hold{id, c.UniqueUntil}
	if c.UniqueUntil != 0 {
		heap.Push(&u.ends, end{c.UniqueUntil, c.Unique})
	}
	// Two that are over go for each that comes, so that they can't pile up. What time it is, is told by the job's change.
	for range 2 {
		if len(u.ends) == 0 || u.ends[0].until > c.To.ID.Time().UnixNano() {
			return
		}
		e := heap.Pop(&u.ends).(end)
		if u.held[e.key].until == e.until {
			delete(u.held, e.key)
		}
	}
}

func (u *uniques) holder(key string, now int64) (job.ID, bool) {
	h, ok := u.held[key]
	if !ok || h.until != 0 && h.until <= now {
		return 0, false
	}
	return h.id, true
}

// ends is a heap, the earliest first.
type ends []end

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].until < e[j].until }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(x any)        { *e = append(*e, x.(end)) }
func (e *ends) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = end{}
	*e = old[:len(old)-1]
	return last
}
