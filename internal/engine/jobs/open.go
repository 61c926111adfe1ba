package jobs

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"time"

	"eddy/internal/base/syslog"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/disk"
	"eddy/internal/offpath/lease"
	"eddy/internal/offpath/pool"
)

// Prepare makes the state folder when something needs it. It belongs before privileges are given up.
func (j *Jobs) Prepare() error {
	if len(j.disks) == 0 {
		return nil
	}
	uid, gid, err := j.opts.who()
	if err != nil {
		return err
	}
	return j.Folder.Prepare(uid, gid)
}

// who gives the numbers of user and group that the process will have; -1: those it has.
func (o *Options) who() (uid, gid int, err error) {
	uid, gid = o.UID, o.GID
	if o.User != "" {
		u, err := user.Lookup(o.User)
		if err != nil {
			return -1, -1, err
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return -1, -1, err
		}
	}
	if o.Group != "" {
		g, err := user.LookupGroup(o.Group)
		if err != nil {
			return -1, -1, err
		}
		if gid, err = strconv.Atoi(g.Gid); err != nil {
			return -1, -1, err
		}
	}
	return uid, gid, nil
}

// Check says why Open would fail for a process that is to relieve those in old: somebody else has the state folder.
func (j *Jobs) Check(ctx context.Context, old []int) error {
	if len(j.disks) == 0 {
		return nil
	}
	return lease.Check(ctx, j.leaseOptions(old))
}

func (j *Jobs) leaseOptions(old []int) lease.Options {
	o := lease.Options{Dir: j.Folder.Queues(), State: j.Folder.path, Relieves: old, Log: func(text string) { j.opts.Log(syslog.Notice, text) }}
	for _, d := range j.disks {
		o.Queues = append(o.Queues, d.queue.Name())
	}
	return o
}

// takeLimit is how long an older process may take to hand its queues over.
const takeLimit = time.Minute

// Open opens the stores; an older process among those in old hands its own over. A store that can't be opened makes its queue
// refuse pushes, and is reported; traffic goes on. That somebody else has the state folder is an error.
func (j *Jobs) Open(old []int) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open = true
	if len(j.disks) == 0 {
		return nil
	}
	if err := j.takeOver(old); err != nil {
		return err
	}
	var members []lease.Member
	for _, d := range j.disks {
		members = append(members, j.member(d))
	}
	return j.openAll(members)
}

// openAll opens the first stores. From then on those that could not be opened are tried again.
func (j *Jobs) openAll(members []lease.Member) error {
	if err := j.lease.Open(members); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	j.giveUp = cancel
	j.trying.Go(func() { j.again(ctx) })
	return nil
}

// takeOver makes this process the owner of the state folder.
func (j *Jobs) takeOver(old []int) (err error) {
	if j.keyed {
		if err := j.Shared.Seal.Load(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), takeLimit)
	defer cancel()
	j.lease, err = lease.Take(ctx, j.leaseOptions(old))
	return err
}

// openLate opens the store of a queue that was made when the others were open. The lock is held.
func (j *Jobs) openLate(d *diskQueue) error {
	if j.lease != nil {
		return j.lease.Add(j.member(d))
	}
	if err := j.Prepare(); err != nil {
		return err
	}
	if err := j.takeOver(nil); err != nil {
		return err
	}
	return j.openAll([]lease.Member{j.member(d)})
}

func (j *Jobs) member(d *diskQueue) lease.Member {
	return lease.Member{Queue: d.queue, Attach: func(leased []job.ID) error {
		j.failed(d, j.attach(d, leased))
		return nil
	}}
}

// attach gives a queue its store.
func (j *Jobs) attach(d *diskQueue, leased []job.ID) error {
	name := d.queue.Name()
	store, err := disk.Open(d.path, disk.Options{Sync: d.sync, MaxJob: d.size, Log: func(level int, text string) {
		j.opts.Log(level, fmt.Sprintf("queue '%s': %s", name, text))
	}})
	if err != nil {
		return fmt.Errorf("queue '%s': %w", name, err)
	}
	if err := d.queue.Attach(store, leased); err != nil {
		return errors.Join(err, store.Close())
	}
	return nil
}

// Start lets the workers run.
func (j *Jobs) Start() { j.Queues.Start() }

// Calm has queues on the disk give out no more, and lets tasks end with what they have popped, for a few seconds of ctx: a mail
// that is being sent is not to be sent again by the next process. It belongs before tasks are stopped.
func (j *Jobs) Calm(ctx context.Context) {
	j.Queues.StopTaking()
	j.Queues.SettlePopped(ctx)
}

// Stop lets what runs end, and in memory queues what is ready, until ctx is over; the rest is cut, and reported. Then the
// stores are closed.
func (j *Jobs) Stop(ctx context.Context) pool.Report {
	j.mu.Lock()
	held := j.lease
	j.giveUp()
	j.mu.Unlock()
	if held != nil {
		held.Stopping()
	}
	left := j.Queues.Stop(ctx)
	if held != nil {
		held.Wait(ctx)
		held.Close()
	}
	j.trying.Wait()
	j.closeNative()
	return left
}
