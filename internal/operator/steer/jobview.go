package steer

import (
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/operator/payload"
	"eddy/internal/operator/view"
)

// jobView makes of a job what operators see: all of it, or what lists show.
func jobView(j *job.Job, whole bool) view.Job {
	v := view.Job{ID: j.ID.String(), Queue: j.Queue, State: j.State.String(), Handler: j.Handler, Function: j.Code != nil, Key: j.Key,
		Unique: j.Unique, Priority: int(j.Priority), Attempts: int(j.Attempts), MaxAttempts: int(j.MaxAttempts), Timeout: j.Timeout.Seconds(),
		Size: int64(j.Size), Pushed: moment(j.Pushed), Where: j.Origin.Where, Request: j.Origin.Request, Owner: j.Owner,
		OnResult: j.OnResult, OnError: j.OnError}
	switch at := moment(j.Due); {
	case j.Due == 0:
	case j.State.Timed():
		v.Next = &at
	default:
		v.Since = &at
	}
	failures := j.Failures
	if !whole && len(failures) > 1 {
		failures = failures[len(failures)-1:]
	}
	for _, f := range failures {
		shown := view.Failure{Attempt: int(f.Attempt), At: moment(f.At), Text: f.Text}
		if whole {
			shown.Traceback = f.Traceback
		}
		v.Failures = append(v.Failures, shown)
	}
	if whole {
		v.Data = payload.JSON(j.Data)
	}
	return v
}

// moment is a time that is kept as nanoseconds since 1970.
func moment(n int64) time.Time { return time.Unix(0, n).UTC().Truncate(time.Millisecond) }
