package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"eddy/internal/base/syslog"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/disk"
)

// Stores that could not be opened are tried again, first after minAgain, then more and more rarely.
const (
	minAgain = time.Second
	maxAgain = 10 * time.Second
)

// failed notes that a queue has no store, and why; nil: it has one. Attach is called by one goroutine at a time.
func (j *Jobs) failed(d *diskQueue, err error) {
	before := d.failure.Load()
	if err == nil {
		if d.failure.Store(nil); before != nil {
			j.opts.Log(syslog.Notice, fmt.Sprintf("queue '%s': its store is open now, pushes are accepted", d.queue.Name()))
		}
		return
	}
	d.queue.Fail(err)
	if d.failure.Store(&err); before == nil || (*before).Error() != err.Error() {
		j.opts.Log(syslog.Err, err.Error())
	}
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// again tries to open what could not be opened, until ctx ends: a disk has room again, or a damaged folder was moved away.
func (j *Jobs) again(ctx context.Context) {
	pause := minAgain
	for {
		broken := j.broken()
		if len(broken) == 0 {
			pause = minAgain
			select {
			case <-j.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, maxAgain)
		for _, d := range broken {
			if !d.worthTrying() {
				continue
			}
			_ = j.lease.Again(d.queue.Name(), func(leased []job.ID) error { // failed hears of an error
				if d.failure.Load() != nil && ctx.Err() == nil {
					j.failed(d, j.attach(d, leased))
				}
				return nil
			})
		}
	}
}

// broken lists the queues that have no store.
func (j *Jobs) broken() (list []*diskQueue) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, d := range j.disks {
		if d.failure.Load() != nil {
			list = append(list, d)
		}
	}
	return list
}

// worthTrying says that the store may open: one that is damaged does not heal, but its folder may be gone.
func (d *diskQueue) worthTrying() bool {
	err := d.failure.Load()
	var damaged *disk.DamagedError
	if err == nil || !errors.As(*err, &damaged) {
		return err != nil
	}
	_, statErr := os.Stat(d.path)
	return errors.Is(statErr, os.ErrNotExist)
}
