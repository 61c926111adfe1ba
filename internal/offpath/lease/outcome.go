package lease

import (
	"context"
	"errors"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/queue"
)

// outcome is a queue.Outcome on its way: errors travel as text, and as what programs tell them by.
type outcome struct {
	Result    []byte
	Failed    bool
	Text      string
	TimedOut  bool
	Traceback string
	Final     bool
}

func packOutcome(o queue.Outcome) *outcome {
	p := &outcome{Result: o.Result, Traceback: o.Traceback, Final: o.Final}
	if o.Err != nil {
		p.Failed, p.Text, p.TimedOut = true, o.Err.Error(), errors.Is(o.Err, context.DeadlineExceeded)
	}
	return p
}

func (p *outcome) unpack() queue.Outcome {
	o := queue.Outcome{Result: p.Result, Traceback: p.Traceback, Final: p.Final}
	if p.Failed {
		told := &toldError{text: p.Text}
		if p.TimedOut {
			told.is = context.DeadlineExceeded
		}
		o.Err = told
	}
	return o
}

// toldError is an error that happened in another process.
type toldError struct {
	text string
	is   error
}

func (e *toldError) Error() string        { return e.text }
func (e *toldError) Is(target error) bool { return e.is != nil && target == e.is }

// failure is why the owner did not do what a guest asked.
type failure struct {
	Text      string
	Duplicate job.ID          // of a push: the job that holds its unique key
	Full      bool            // the disk is
	Refused   handoff.Refusal // a push was
	Unknown   bool            // there is no such job
}

func packFailure(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Text: err.Error()}
	if twice, ok := errors.AsType[*queue.DuplicateError](err); ok {
		f.Duplicate = twice.ID
	}
	if _, ok := errors.AsType[*jobstore.FullError](err); ok {
		f.Full = true
	}
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		f.Refused = refused.Refused.Reason
	}
	f.Unknown = errors.Is(err, jobstore.ErrNotFound)
	return f
}

func (f *failure) unpack() error {
	switch {
	case f == nil:
		return nil
	case f.Duplicate != 0:
		return &queue.DuplicateError{ID: f.Duplicate}
	case f.Full:
		return &jobstore.FullError{Text: f.Text}
	case !f.Refused.OK():
		return &RefusedError{queue.Refused{Reason: f.Refused, Text: f.Text}}
	case f.Unknown:
		return &toldError{f.Text, jobstore.ErrNotFound}
	}
	return &toldError{text: f.Text}
}

// RefusedError says that the owner of a queue did not accept a push that a guest passed on.
type RefusedError struct{ Refused queue.Refused }

func (e *RefusedError) Error() string { return e.Refused.Text }
