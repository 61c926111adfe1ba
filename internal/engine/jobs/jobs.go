// Package jobs puts the off path of a process together: its queues with their stores, what does their jobs, and the folder
// that keeps them. Lanes and scripts are given what is here; who they are it does not know.
package jobs

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/lease"
	"eddy/internal/offpath/native"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/async"
)

// Default is the queue that is always there.
const Default = "default"

// Options describe the off path.
type Options struct {
	Queues   []*model.Queue
	StateDir string // "": the user's; see NewFolder
	Chroot   string
	// Who the process will be: names, or where these are "" numbers; -1: who it is.
	User, Group string
	UID, GID    int
	Log         func(level int, text string)
}

// Jobs is the off path of a process.
//
//	New    names everything; no disk is touched
//	Prepare  makes the state folder, with the privileges that takes
//	Open   opens the stores; from here on pushes are accepted
//	Start  lets workers run
type Jobs struct {
	Queues   *queue.Set
	Handlers *queue.Handlers
	Folder   *Folder

	Shared *async.Shared // what scripts need of all this

	opts        Options
	clock       *job.Clock
	closeNative func()

	mu    sync.Mutex
	disks []*diskQueue // queues with a store on the disk
	open  bool
	keyed bool          // functions are sealed with the installation's key
	lease *lease.Holder // nil: there is no disk queue, or it is not open

	giveUp context.CancelFunc // ends again
	trying sync.WaitGroup
	wake   chan struct{} // a store could not be opened
}

// diskQueue is a queue whose store is opened later.
type diskQueue struct {
	queue *queue.Queue
	path  string
	sync  bool
	size  int64 // bytes that a job may have

	failure atomic.Pointer[error] // why its store could not be opened; nil: it is open
}

// New makes the queues of a configuration, and the one that is always there.
func New(o Options, problems *diag.List) *Jobs {
	j := &Jobs{
		Queues: queue.NewSet(), Handlers: queue.NewHandlers(), Folder: NewFolder(o.StateDir, o.Chroot),
		opts: o, clock: job.NewClock(time.Now), giveUp: func() {}, wake: make(chan struct{}, 1),
	}
	owners := async.NewOwners()
	j.Shared = async.NewShared(j.Queues, j.Handlers, owners, nil)
	var err error
	if j.closeNative, err = native.Register(j.Handlers, native.Options{}); err != nil {
		problems.Errorf(diag.Pos{}, "", "handlers: %v", err)
	}
	configured := false
	for _, m := range o.Queues {
		configured = configured || m.Name == Default
		if m.Disk && j.Folder.err != nil {
			problems.Errorf(m.Pos, "", "queue '%s': %v", m.Name, j.Folder.err)
			continue
		}
		if err := j.add(m); err != nil {
			problems.Errorf(m.Pos, "", "queue '%s': %v", m.Name, err)
		}
	}
	if !configured {
		if err := j.add(defaultQueue()); err != nil {
			problems.Errorf(diag.Pos{}, "", "queue '%s': %v", Default, err)
		}
	}
	j.Shared.Seal = async.NewSeal()
	if len(j.disks) > 0 { // fifos, which come later, hold no functions
		j.keyed = true
		j.Shared.Seal = async.LaterSeal(j.Folder.path)
	}
	return j
}

// defaultQueue has a worker for each core, and keeps its dead for a day only: they are in memory.
func defaultQueue() *model.Queue {
	q := model.NewQueue(Default)
	q.Workers, q.KeepDead = max(q.Workers, runtime.GOMAXPROCS(0)), 24*time.Hour
	return q
}

// add makes a queue of a section.
func (j *Jobs) add(m *model.Queue) error {
	o := queue.Options{
		Name:    m.Name,
		Disk:    m.Disk,
		Workers: m.Workers,
		Bounds:  handoff.Bounds{Entries: m.MaxJobs, Bytes: m.MaxBytes},
		Rate:    queue.Rate{Events: m.RateEvents, Per: m.RatePer, Burst: m.RateBurst},
		Retry:   queue.Retry{Retries: m.Retries, Min: m.BackoffMin, Max: m.BackoffMax},
		Timeout: m.Timeout, UniqueFor: m.UniqueFor, KeepDead: m.KeepDead, MaxSize: m.MaxSize,
		Runner: j.Handlers, Owners: j.Shared.Owners, Log: j.opts.Log, IDs: j.clock,
	}
	switch m.WhenFull {
	case "drop-oldest":
		o.Full = handoff.DropOldest
	case "drop-newest":
		o.Full = handoff.DropNewest
	}
	_, err := j.make(o, !m.SyncOS)
	return err
}

// make makes a queue; one with a store on the disk has it after Open.
func (j *Jobs) make(o queue.Options, sync bool) (*queue.Queue, error) {
	var store jobstore.Store
	if !o.Disk {
		store = memory.New()
	}
	o.Store = store
	q, err := queue.Open(o)
	if err != nil {
		return nil, err
	}
	if err := j.Queues.Add(q); err != nil {
		return nil, err
	}
	if o.Disk {
		j.disks = append(j.disks, &diskQueue{queue: q, path: j.Folder.Queue(o.Name), sync: sync, size: o.MaxSize + jobWords})
	}
	return q, nil
}

// Bounds.
const (
	jobWords     = 256 << 10 // bytes of a job's names, keys and errors, beside its data or code
	maxFifos     = 1000
	fifoItems    = 1 << 20
	fifoBytes    = 1 << 30
	fifoItemSize = 1 << 20
)

// Fifo gives the queue on the disk behind a script's fifo, and makes it where there is none. Its items are synced.
func (j *Jobs) Fifo(name string) (*queue.Queue, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if q, known := j.Queues.Queue(name); known {
		return q, nil
	}
	if j.Folder.err != nil {
		return nil, j.Folder.err
	}
	if len(j.disks) >= maxFifos {
		return nil, fmt.Errorf("more than %d queues on the disk", maxFifos)
	}
	q, err := j.make(queue.Options{
		Name: name, Disk: true, Bounds: handoff.Bounds{Entries: fifoItems, Bytes: fifoBytes}, MaxSize: fifoItemSize,
		Retry: queue.Retry{Retries: -1}, // an item is given again until a task is done with it
		IDs:   j.clock, Log: j.opts.Log,
	}, true)
	if err != nil || !j.open {
		return q, err
	}
	return q, j.openLate(j.disks[len(j.disks)-1])
}
