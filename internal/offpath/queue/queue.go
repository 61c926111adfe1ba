// Package queue runs jobs: it takes them in within bounds, keeps them in a store, decides whose turn it is, hands them to
// workers, and sees to it that each comes to an end that somebody can look up.
//
// A job's way, with a store in memory: Offer puts it into the store and into the order of those that are ready; a worker takes
// it (Take), runs it, and its end is written. All of it happens under one lock, which is never held for long.
//
// With a store on a disk, what is to be written waits in groups. One goroutine (tend) writes a group at a time (round): the pushes
// and ends that came meanwhile, and the marks of the jobs that workers are to have next. So a job is on the disk before its
// pusher goes on, and marked as running before a worker begins.
package queue

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"eddy/internal/base/histogram"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/pool"
)

// never is a time in nanoseconds that does not come.
const never = math.MaxInt64

// Queue is a named lane of jobs. Its methods may be called from any goroutine.
type Queue struct {
	opts  Options
	ids   *job.Clock
	texts refusals
	disk  atomic.Bool

	// storing is held by the one who writes to a store on a disk, or reads from it what must not change meanwhile. It is taken
	// before mu.
	storing gate

	wait, run, commit histogram.Histogram

	mu      sync.Mutex
	store   jobstore.Store // nil: not open
	grouped bool           // the store is on a disk: changes wait in groups
	order   order
	used    handoff.Bounds // of jobs that are not Dead
	dead    handoff.Bounds // of those that are
	bucket  bucket
	n       counts
	byName  map[string]*HandlerStats
	one     [1]jobstore.Change // what is written to a store in memory

	// What is on its way to the disk (group.go).
	groups   []*group
	pending  int                 // pushes in groups, and in the one that is being written
	weight   int64               // bytes of these
	maxGroup int64               // bytes of a group
	stable   job.ID              // pushes up to here are in the store
	holds    map[string]held     // unique keys of pushes that are not in the store yet
	freed    map[job.ID]struct{} // jobs with unique keys that have ended, which the store does not know yet
	kept     []jobstore.Change   // what the store would not take: it is written first when it works again
	trouble  trouble             // of the store
	flying   *group              // is being written; nil: none
	hand     []*attempt          // marked as running, for workers to come
	expected int                 // pushes that are likely to come now
	ahead    int                 // so many are marked before workers are free
	pace     time.Duration       // how long a worker has a job, about
	urgent   bool                // what waits in groups is waited for
	lazyAt   time.Time           // when it is written in any case; zero: nothing waits
	spare    []jobstore.Change   // room for a group's changes
	lent     map[job.ID]*attempt // jobs that another process runs
	popped   map[job.ID]*attempt // jobs that scripts have popped
	busy     []*attempt          // by worker; nil: it has none
	working  int                 // workers that have a job, or are about to tell its end
	idle     []*slot             // workers that wait, the last one first
	calling  bool                // one was called that has not come yet, see call
	calm     chan struct{}       // closed when nothing is popped any more; nil: nobody waits for that
	slots    []slot              // by worker

	handles handles
	pages   pages
	quota   quota // of lines about failures

	due      int64     // when the next Scheduled or Retrying job is due; never
	expire   time.Time // when dead jobs are looked through next; zero: not
	dry      bool      // jobs wait for a token
	wakeAt   time.Time // when tend comes by itself
	steering bool      // an operator's change is made
	paused   bool
	drain    bool
	started  bool
	taking   bool // workers may take jobs
	closing  bool // they take what is ready, and end
	closed   bool // pushes are refused for ever
	loading  bool // the store's ready jobs are not all in order
	loaded   chan struct{}
	later    []job.Head // pushed meanwhile, with keys: they wait for the older ones
	away     *away      // the store is with another process; nil: it is not

	workers *pool.Workers
	kick    chan struct{} // has a token when tend has something to do
	items   chan struct{} // has a token when those who wait in PopWait have something to see
	quit    chan struct{} // closed to end tend and the reading of the store
	tasks   sync.WaitGroup
}

// gate is a lock that may be held for long: while a store writes.
type gate chan struct{}

func (g gate) lock() { g <- struct{}{} }

func (g gate) unlock() { <-g }

// counts are the figures of Stats that only grow.
type counts struct {
	opened, handed                                                                uint64
	pushed, duplicates, started, done, failed, retried, timedOut, died            uint64
	dropped, deleted, expired, redelivered, ownerGone, popped, rateWaits, commits uint64
	refused                                                                       [handoff.NumRefusals]uint64
}

// Open makes a queue. With a Store it reads what that has; see Attach.
func Open(o Options) (*Queue, error) {
	if o.MaxSize == 0 {
		o.MaxSize = 1 << 20
	}
	q := &Queue{
		opts: o, ids: o.IDs, bucket: newBucket(o.Rate), order: newOrder(o.Full == handoff.DropOldest), due: never,
		holds: make(map[string]held), freed: make(map[job.ID]struct{}),
		lent: make(map[job.ID]*attempt), popped: make(map[job.ID]*attempt), byName: make(map[string]*HandlerStats),
		slots: newSlots(o.Workers), items: make(chan struct{}, 1), busy: make([]*attempt, max(o.Workers, 0)), taking: true,
		storing: make(gate, 1), kick: make(chan struct{}, 1), quit: make(chan struct{}), loaded: make(chan struct{}),
	}
	close(q.loaded)
	if q.ids == nil {
		q.ids = job.NewClock(time.Now)
	}
	q.disk.Store(o.Disk)
	q.texts = newRefusals(&q.opts)
	q.handles.init()
	if o.Store != nil {
		if err := q.Attach(o.Store, nil); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// Name is the queue's name.
func (q *Queue) Name() string { return q.opts.Name }

// Disk says that pushes take a while until they are safe (Committed). It costs a load.
func (q *Queue) Disk() bool { return q.disk.Load() }

// Start lets workers and timers begin, as soon as there is a store. It is called once.
func (q *Queue) Start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started || q.closed {
		return
	}
	q.started = true
	q.tasks.Go(q.tend)
	if q.opts.Workers > 0 {
		q.workers = pool.StartWorkers(q.opts.Workers, q, q.opts.Grace)
	}
	if q.loading {
		q.tasks.Go(q.load)
	}
}

// poke has tend look what there is to do.
func (q *Queue) poke() {
	select {
	case q.kick <- struct{}{}:
	default:
	}
}
