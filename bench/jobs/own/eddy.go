package own

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"eddy/bench/jobs/load"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/jobstore/disk"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/queue"
)

// handler is the name that the jobs have.
const handler = "noop"

// eddy is one of eddy's queues.
type eddy struct {
	q    *queue.Queue
	done func()
}

// kind says what queue to make.
type kind struct {
	store func(dir string) (jobstore.Store, error)
	full  handoff.Full
	jobs  int // that it holds
}

// diskQueue has room for all that may be pushed.
func diskQueue(sync bool) kind {
	return kind{jobs: 100_000_000, store: func(dir string) (jobstore.Store, error) {
		return disk.Open(filepath.Join(dir, "queue"), disk.Options{Sync: sync})
	}}
}

// memoryQueue drops the oldest where nobody takes them: the machine's memory is not what is measured.
func memoryQueue() kind {
	return kind{jobs: 100_000, full: handoff.DropOldest, store: func(string) (jobstore.Store, error) { return memory.New(), nil }}
}

func (k kind) open(_ context.Context, dir, _ string, p load.Plan) (load.Subject, error) {
	store, err := k.store(dir)
	if err != nil {
		return nil, err
	}
	e := &eddy{}
	e.q, err = queue.Open(queue.Options{Name: "bench", Store: store, Workers: p.Workers, Runner: e, Full: k.full, Bounds: handoff.Bounds{Entries: k.jobs}})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if p.Workers == 0 {
		e.q.Start()
	}
	return e, nil
}

// Run implements queue.Runner: there is nothing to do.
func (e *eddy) Run(context.Context, *job.Job) queue.Outcome {
	e.done()
	return queue.Outcome{}
}

func (e *eddy) Push(ctx context.Context, _ int, payload []byte) error {
	r, why := e.q.Offer(queue.Push{Job: &job.Job{Body: job.Body{Handler: handler, Data: bytes.Clone(payload)}}})
	if !why.OK() {
		return errors.New(why.Text)
	}
	r.Handle.Release()
	return e.q.Committed(ctx, r)
}

// Work starts the queue, with the workers that it was opened for; Close ends them.
func (e *eddy) Work(ctx context.Context, _ int, done func()) error {
	e.done = done
	e.q.Start()
	<-ctx.Done()
	return nil
}

func (e *eddy) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if s := e.q.Stats(); s.StoreError != "" {
		return fmt.Errorf("the store refused: %s", s.StoreError)
	}
	e.q.Stop(ctx)
	return nil
}
