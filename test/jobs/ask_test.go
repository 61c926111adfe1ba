package jobs

import (
	"encoding/json"
	"strings"
	"testing"

	"eddy/internal/operator/view"
	"eddy/test/program"
)

// failed lists the jobs that wait for another attempt.
func failed(t *testing.T, socket string) (ids []string) {
	t.Helper()
	var list view.Jobs
	decode(t, program.Say(t, socket, "show jobs state retrying json"), &list)
	for _, j := range list.Jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

// attempts says how many attempts a job has had that are over.
func attempts(t *testing.T, socket, id string) int {
	t.Helper()
	var j view.Job
	decode(t, program.Say(t, socket, "show job "+id+" json"), &j)
	if j.State == "running" {
		return j.Attempts - 1
	}
	return j.Attempts
}

func decode(t *testing.T, answer string, to any) {
	t.Helper()
	if err := json.NewDecoder(strings.NewReader(answer)).Decode(to); err != nil {
		t.Fatalf("%v: %q", err, answer)
	}
}
