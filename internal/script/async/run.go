package async

import (
	"context"
	"errors"
	"fmt"

	"eddy/internal/base/value"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/vm"
)

// Run implements queue.Runner.
func (w *Workers) Run(ctx context.Context, j *job.Job) queue.Outcome {
	s, err := w.sit(ctx)
	if err != nil {
		return queue.Outcome{Err: err}
	}
	defer w.rise(s)
	worker := s.worker
	fn, own, err := w.function(worker, j)
	if err != nil {
		return queue.Outcome{Err: err, Final: own} // a script's next version may have the handler; a function stays what it is
	}
	if own {
		defer worker.State.Release(fn)
	}
	arg, err := appendJob(make([]byte, 0, jobRoom+len(j.Data)), j)
	if err != nil {
		return queue.Outcome{Err: fmt.Errorf("the job's data is damaged: %w", err), Final: true}
	}
	f := &Frame{handling: true}
	defer f.Reset()
	results, err := worker.run(ctx, fn, f, j, arg)
	return w.outcome(ctx, f, results, err)
}

// function gives what is to run. own: it is the job's own function, to be released.
func (w *Workers) function(worker *Worker, j *job.Job) (fn vm.Ref, own bool, err error) {
	if j.Handler == "" {
		p, err := w.opts.Shared.Seal.Open(w.opts.Owner, j.Code)
		if err == nil {
			fn, err = worker.State.Unpack(p)
		}
		return fn, true, err
	}
	fn, ok := worker.Desk.handlers[j.Handler]
	if !ok {
		return 0, false, fmt.Errorf("the script did not register the handler '%s' when a worker's state ran it; async.handler belongs where every run of the script comes by", j.Handler)
	}
	return fn, false, nil
}

func (w *Worker) run(ctx context.Context, fn vm.Ref, f *Frame, j *job.Job, arg []byte) ([]vm.Value, error) {
	if w.Run != nil {
		return w.Run(ctx, fn, f, j, arg)
	}
	r := vm.Run{Fn: fn, Kind: vm.KindHandler, Owner: f, Ready: arg}
	err := w.State.Run(ctx, &r)
	return r.Results, err
}

// outcome says what became of an attempt. A handler fails with an error, or by returning nil or false and a message.
func (w *Workers) outcome(ctx context.Context, f *Frame, results []vm.Value, err error) queue.Outcome {
	switch {
	case f.gaveUp:
		return queue.Outcome{Err: errors.New(f.giveUp), Final: true}
	case err != nil && !errors.Is(err, vm.ErrExit):
		return failure(ctx, err)
	case err != nil || len(results) == 0:
		return queue.Outcome{}
	}
	if len(results) > 1 && !results[0].Truth() {
		if text, ok := message(results[1]); ok {
			if text == "" {
				text = "the handler failed and gave no reason"
			}
			return queue.Outcome{Err: errors.New(text)}
		}
	}
	b, err := w.encode(results[0])
	if err != nil { // another attempt would do all the work again, to give the same
		return queue.Outcome{Err: err, Final: true}
	}
	return queue.Outcome{Result: b}
}

// failure is the outcome of a run that ended with an error.
func failure(ctx context.Context, err error) queue.Outcome {
	out := queue.Outcome{Err: err}
	var e *vm.Error
	if errors.As(err, &e) {
		out.Traceback = e.Traceback
	}
	if ctx.Err() != nil {
		out.Err = context.Cause(ctx)
	}
	return out
}

// message is the text that a failed handler returns behind nil or false.
func message(v vm.Value) (string, bool) {
	switch v.Kind {
	case vm.KindStr:
		return v.AsStr()
	case vm.KindInt:
		n, _ := v.AsInt()
		return fmt.Sprint(n), true
	case vm.KindNum:
		n, _ := v.AsNum()
		return fmt.Sprint(n), true
	}
	return "", false
}

// encode makes a result one that can be kept.
func (w *Workers) encode(v vm.Value) ([]byte, error) {
	if v.IsNil() {
		return nil, nil
	}
	if !plain(v) {
		return nil, errors.New("the handler returned, or has in what it returned, a function, a coroutine or an object; results are strings, numbers, booleans, and tables of these")
	}
	b, err := value.Append(nil, v)
	if err != nil {
		return nil, fmt.Errorf("the handler's result: %w", err)
	}
	if len(b) > w.opts.MaxResult {
		return nil, fmt.Errorf("the handler's result has %d bytes, at most %d are kept", len(b), w.opts.MaxResult)
	}
	return b, nil
}

func plain(v vm.Value) bool {
	t, ok := v.AsTable()
	if !ok {
		return v.Kind <= value.KindTable
	}
	for i := range t.Arr {
		if !plain(t.Arr[i]) {
			return false
		}
	}
	for i := range t.Map {
		if !plain(t.Map[i].Key) || !plain(t.Map[i].Value) {
			return false
		}
	}
	return true
}
