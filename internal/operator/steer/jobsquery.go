package steer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/offpath/job"
	"eddy/internal/operator/view"
)

// Bounds of lists.
const (
	defaultLimit = 100
	page         = 100 // jobs taken from a queue at a time
)

// jobsQuery is what "show jobs" was asked for.
type jobsQuery struct {
	queue   string // "": all
	states  []job.State
	handler string
	key     string
	limit   int // for each queue
	after   job.ID
}

// keptStates are the states that jobs are kept in, in the order in which lists show them.
func keptStates() []job.State {
	return []job.State{job.Running, job.Ready, job.Retrying, job.Scheduled, job.Dead}
}

// queryWords are what may stand in "show jobs".
func queryWords() []string {
	return []string{"queue", "state", "handler", "key", "limit", "after", "json"}
}

// parseJobs reads the words behind "show jobs".
func parseJobs(args []string) (jobsQuery, error) {
	q := jobsQuery{limit: defaultLimit}
	if len(args) > 0 && !slices.Contains(queryWords(), args[0]) {
		q.queue, args = args[0], args[1:]
	}
	seen := map[string]bool{"queue": q.queue != ""}
	for len(args) > 0 {
		word := args[0]
		if !slices.Contains(queryWords(), word) {
			hint := diag.DidYouMean(word, queryWords())
			if hint == "" {
				hint = "it may be " + strings.Join(queryWords(), ", ")
			}
			return q, fault(view.Usage, fmt.Sprintf("%q is not known here", word), "%s", hint)
		}
		switch {
		case word == "json":
			return q, fault(view.Usage, "json is the last word", "")
		case len(args) < 2:
			return q, fault(view.Usage, word+" wants a word behind it", "")
		case seen[word]:
			return q, fault(view.Usage, word+" is there twice", "")
		}
		seen[word] = true
		if err := q.set(word, args[1]); err != nil {
			return q, err
		}
		args = args[2:]
	}
	if q.states == nil {
		q.states = keptStates()
	}
	return q, nil
}

// set takes one word with what stands behind it.
func (q *jobsQuery) set(word, arg string) (err error) {
	switch word {
	case "queue":
		q.queue = arg
	case "state":
		q.states, err = parseStates(arg)
	case "handler":
		q.handler = arg
	case "key":
		q.key = arg
	case "limit":
		q.limit, err = parseLimit(arg)
	case "after":
		if q.after, err = job.ParseID(arg); err != nil {
			err = fault(view.Usage, err.Error(), "")
		}
	}
	return err
}

func parseLimit(arg string) (int, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 {
		return 0, fault(view.Usage, fmt.Sprintf("limit wants a number from 1 up, not %q", arg), "")
	}
	return n, nil
}

// parseStates reads "dead" or "ready,dead" or "all".
func parseStates(arg string) ([]job.State, error) {
	if arg == "all" {
		return keptStates(), nil
	}
	var words []string
	for _, s := range keptStates() {
		words = append(words, s.String())
	}
	var states []job.State
	for word := range strings.SplitSeq(arg, ",") {
		at := slices.Index(words, strings.ToLower(word))
		if at < 0 {
			hint := diag.DidYouMean(word, words)
			if hint == "" {
				hint = "the states are " + strings.Join(words, ", ")
			}
			return nil, fault(view.Usage, fmt.Sprintf("%q is not a state that jobs are kept in", word), "%s", hint)
		}
		if s := keptStates()[at]; !slices.Contains(states, s) {
			states = append(states, s)
		}
	}
	return states, nil
}
