package queue

import (
	"fmt"

	"eddy/internal/handoff"
)

// Refused says why a push was not accepted.
type Refused struct {
	Reason handoff.Refusal
	Text   string // for people; "" when it was accepted
}

// OK says that the push was accepted.
func (r Refused) OK() bool { return r.Reason.OK() }

// refusals are the texts that do not change, made before they are needed: refusing is to cost nothing.
type refusals struct {
	entries, bytes, large, small, closed, draining, unopened, behind, moving string
}

func newRefusals(o *Options) refusals {
	name := "queue '" + o.Name + "'"
	return refusals{
		entries:  fmt.Sprintf("%s is full: %d jobs (max-jobs)", name, o.Bounds.Entries),
		bytes:    fmt.Sprintf("%s is full: %d bytes (max-bytes)", name, o.Bounds.Bytes),
		large:    fmt.Sprintf("too large for %s: a job's data may have %d bytes (max-size)", name, o.MaxSize),
		small:    fmt.Sprintf("too large for %s: all its jobs together may have %d bytes (max-bytes)", name, o.Bounds.Bytes),
		closed:   name + " is closed: the process stops",
		draining: name + " is draining: it takes no jobs until it is resumed",
		unopened: name + " is not open yet: push in core.register_init or later",
		behind:   name + " takes nothing now: its disk does not keep up",
		moving:   name + " takes nothing now: it moves to the next process",
	}
}

// refuse counts a refusal. The lock is held.
func (q *Queue) refuse(why handoff.Refusal, text string) Refused {
	q.n.refused[why]++
	return Refused{why, text}
}
