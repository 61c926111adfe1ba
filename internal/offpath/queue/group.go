package queue

import (
	"context"
	"slices"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// Bounds of one commit, as jobstore.Cost has it: what a group has beside the marks of chosen and due jobs, of which there are at
// most so many.
const (
	maxGroup = 4 << 20
	marks    = maxAhead*800 + maxDue*1100
)

// group is changes that go to the disk together.
type group struct {
	changes []jobstore.Change
	adds    []int // places of pushes in changes, by ID
	bytes   int64 // of the jobs that are pushed
	cost    int64 // of all changes
	since   time.Time
	done    chan struct{} // closed when it is written, or will not be
	err     error         // why the pushes were not accepted after all; good when done is closed
	first   []*group      // what waits for this one: pushes that came when there was no store
}

// close tells those who wait that the group is written, or why not.
func (g *group) close(err error) {
	if g.done == nil {
		return
	}
	g.err = err
	close(g.done)
	for _, f := range g.first {
		f.close(err)
	}
}

// Committed waits until a push is as safe as the store promises. An error says that it was not accepted after all, or that ctx was
// over before that was known.
func (q *Queue) Committed(ctx context.Context, r Receipt) error {
	if r.group == nil {
		return nil
	}
	select {
	case <-r.group.done:
		return r.group.err
	default:
	}
	select {
	case <-r.group.done:
		return r.group.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lazy is how long the end of a job waits for others to be written with it. Until then the job counts as running: after a crash it
// is given again, and counted.
const lazy = 2 * time.Millisecond

// change writes a change of a job that the store has: now, or soon with the group that it gives. The lock is held.
func (q *Queue) change(c jobstore.Change) *group {
	if q.store == nil { // it was closed, or another process has it
		return nil
	}
	if q.grouped {
		if c.Unique != "" && c.UniqueUntil == 0 && c.Releases() {
			q.freed[c.To.ID] = struct{}{}
		}
		g := q.tail(jobstore.Cost(&c))
		g.changes = append(g.changes, c)
		if q.lazyAt.IsZero() {
			q.lazyAt = time.Now().Add(lazy)
			q.wakeBy(q.lazyAt)
		}
		return g
	}
	q.name(q.store, &c)
	q.one[0] = c
	err := q.store.Commit(q.one[:])
	q.one[0] = jobstore.Change{}
	if err != nil { // a store in memory has no reason to refuse
		q.log(logError, err.Error())
	}
	return nil
}

// push adds a job to the last group.
func (q *Queue) push(c jobstore.Change) *group {
	size := int64(c.To.Size)
	g := q.tail(jobstore.Cost(&c))
	at := len(g.adds)
	for at > 0 && g.changes[g.adds[at-1]].To.ID > c.To.ID { // another process gave its ID
		at--
	}
	g.adds = slices.Insert(g.adds, at, len(g.changes))
	g.changes = append(g.changes, c)
	g.bytes += size
	q.pending++
	q.weight += size
	if c.Unique != "" {
		q.holds[c.Unique] = held{c.To.ID, g}
	}
	q.hurry()
	return g
}

// hurry has what waits written at once: somebody waits for it.
func (q *Queue) hurry() {
	q.urgent = true
	q.poke()
}

// tail gives the group that takes a change of that cost.
func (q *Queue) tail(cost int64) *group {
	if n := len(q.groups); n > 0 {
		if g := q.groups[n-1]; g.cost+cost <= q.maxGroup {
			g.cost += cost
			return g
		}
	}
	g := &group{changes: q.spare, since: time.Now(), cost: cost, done: make(chan struct{})}
	q.spare = nil
	if q.groups = append(q.groups, g); len(q.groups) > 1 {
		q.hurry()
	}
	return g
}

// cut gives how many of the changes fit into a commit of that cost; at least one.
func cut(changes []jobstore.Change, cost int64) int {
	for i := range changes {
		if cost -= jobstore.Cost(&changes[i]); cost < 0 && i > 0 {
			return i
		}
	}
	return len(changes)
}

// find gives the place of a push in the group.
func (g *group) find(id job.ID) (int, bool) {
	at, ok := slices.BinarySearchFunc(g.adds, id, func(place int, id job.ID) int {
		switch have := g.changes[place].To.ID; {
		case have < id:
			return -1
		case have > id:
			return 1
		}
		return 0
	})
	if !ok {
		return 0, false
	}
	return g.adds[at], true
}

// recycle keeps a group's room for the next one.
func (q *Queue) recycle(g *group) {
	const most = 4096
	if cap(g.changes) <= most {
		clear(g.changes)
		q.spare = g.changes[:0]
	}
	g.changes, g.adds = nil, nil
}

// name puts the unique key of a job that leaves into the change, where whoever made the change did not know it.
func (q *Queue) name(s jobstore.Store, c *jobstore.Change) {
	if q.opts.UniqueFor > 0 || c.To.State != job.Gone || c.From.State == job.Dead || c.Unique != "" || c.From.State == 0 {
		return
	}
	if j, err := s.Get(c.To.ID); err == nil {
		c.Unique = j.Unique
	}
}

// writeNow writes changes to the store. storing is held, the lock is not.
func (q *Queue) writeNow(s jobstore.Store, changes []jobstore.Change) error {
	if !q.grouped { // changes only with storing held
		q.mu.Lock()
		defer q.mu.Unlock()
		return s.Commit(changes)
	}
	err := s.Commit(changes)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.trouble.begin(q, err, time.Now())
		return err
	}
	q.n.commits++
	return nil
}
