package instance

import (
	"context"

	jobs "eddy/internal/script/async"
	"eddy/internal/script/trisul/async"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/trisul/plugin"
)

// workerState is a state for work: it has run the plugin's file, so that the file's globals are there, but none of its hooks.
type workerState struct {
	*base
	desk *jobs.Desk // nil: there are no queues
}

// openWorker makes one. j may be nil: there are no queues. f is told what goes wrong in results of what it pushes.
func openWorker(ctx context.Context, o *Options, src *plugin.Source, j *async.Jobs, f *Faults) (w *workerState, err error) {
	b, err := newBase(ctx, o, src, worker)
	if err != nil {
		return nil, err
	}
	w = &workerState{base: b}
	lane := &workLane{ctx: ctx, state: b.State, jobs: j, faults: f}
	if err = object.Install(b.State, false, false); err == nil && j != nil {
		w.desk, err = jobs.Install(b.State, jobs.Options{Owner: j.Owner(), Lane: lane, Worker: true})
	}
	if err == nil {
		err = async.Refuse(b.State, async.InWorker)
	}
	if err == nil {
		err = b.KeepKnown()
	}
	if err == nil {
		lane.loading = true
		err = b.load(ctx, src)
		lane.loading = false
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *workerState) close() {
	if w.desk != nil {
		w.desk.Close()
	}
	w.base.close()
}

// OpenWorker makes the state of a worker of T.async.
func OpenWorker(ctx context.Context, o *Options, src *plugin.Source, j *async.Jobs, f *Faults) (*async.Worker, error) {
	w, err := openWorker(ctx, o, src, j, f)
	if err != nil {
		return nil, err
	}
	return &async.Worker{State: w.State, Close: w.close}, nil
}

// OpenJobWorker makes the state of a worker that does jobs of queues.
func OpenJobWorker(ctx context.Context, o *Options, src *plugin.Source, j *async.Jobs, f *Faults) (*jobs.Worker, error) {
	w, err := openWorker(ctx, o, src, j, f)
	if err != nil {
		return nil, err
	}
	return &jobs.Worker{State: w.State, Desk: w.desk, Close: w.close}, nil
}
