package job

import (
	"fmt"
)

// State is where a job stands. docs/job-states.md has the picture; Next has the rules.
type State uint8

// The states.
const (
	Ready     State = iota + 1 // it may be taken
	Scheduled                  // it was pushed with a delay, which is not over
	Running                    // a worker has it
	Retrying                   // an attempt failed; it waits for the next one
	Done                       // it ended well; kept nowhere
	Dead                       // it has no attempt left, or can't be done; kept for keep-dead
	Gone                       // deleted, purged, dropped by a policy, or kept long enough; kept nowhere
)

const (
	firstState = Ready
	lastState  = Gone
)

// String is the state's word: "ready", "scheduled" …; "" for a job that is in no state yet.
func (s State) String() string {
	switch s {
	case 0:
		return ""
	case Ready:
		return "ready"
	case Scheduled:
		return "scheduled"
	case Running:
		return "running"
	case Retrying:
		return "retrying"
	case Done:
		return "done"
	case Dead:
		return "dead"
	case Gone:
		return "gone"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Kept says that a store has jobs in this state.
func (s State) Kept() bool { return s >= Ready && s <= Dead && s != Done }

// Timed says that Head.Due is when the state ends.
func (s State) Timed() bool { return s == Scheduled || s == Retrying }

// Step is one change of state that may happen.
type Step struct {
	From State // 0: the job is pushed
	To   State
	When string // in words, for docs/job-states.md
}

// Steps are all changes of state that may happen.
func Steps() []Step {
	return []Step{
		{0, Ready, "pushed"},
		{0, Scheduled, "pushed with a delay"},
		{0, Running, "pushed, and a worker takes it at once"},
		{Scheduled, Ready, "the delay is over, or an operator's `retry`"},
		{Scheduled, Running, "the delay is over, and a worker takes it at once"},
		{Scheduled, Gone, "deleted, purged, or dropped by `when-full`"},
		{Ready, Running, "a worker takes it, or a script pops it"},
		{Ready, Gone, "deleted, purged, or dropped by `when-full`"},
		{Running, Done, "the handler ended well"},
		{Running, Retrying, "the handler failed or its time was over, and attempts are left"},
		{Running, Ready, "given back: the process died or stopped while it ran, or a script returned what it had popped"},
		{Running, Dead, "no attempt is left, the handler gave up, or the job can't be done"},
		{Running, Gone, "deleted: the handler is cancelled"},
		{Retrying, Ready, "the pause is over, or an operator's `retry`"},
		{Retrying, Running, "the pause is over, and a worker takes it at once"},
		{Retrying, Gone, "deleted, purged, or dropped by `when-full`"},
		{Dead, Ready, "an operator's `retry`"},
		{Dead, Gone, "deleted, purged, or kept for `keep-dead`"},
	}
}

// follows has a bit for each state that may come behind a state; TestSteps compares it with Steps.
var follows = [...]uint8{
	0:         1<<Ready | 1<<Scheduled | 1<<Running,
	Scheduled: 1<<Ready | 1<<Running | 1<<Gone,
	Ready:     1<<Running | 1<<Gone,
	Running:   1<<Done | 1<<Retrying | 1<<Ready | 1<<Dead | 1<<Gone,
	Retrying:  1<<Ready | 1<<Running | 1<<Gone,
	Dead:      1<<Ready | 1<<Gone,
	Gone:      0,
}

// Next says that a job in state s may come to state to. The zero State is that of a job that is being pushed.
func (s State) Next(to State) bool {
	return int(s) < len(follows) && to <= lastState && follows[s]&(1<<to) != 0
}
