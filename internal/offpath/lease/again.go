package lease

import (
	"fmt"

	"eddy/internal/offpath/job"
)

// Again lets attach open the store of a queue once more, when its Attach could not (and gave nil), with the jobs that guests have by
// now. Meanwhile the queues do not change hands. Where another process has the folder it is an error, and attach is not called.
func (h *Holder) Again(name string, attach func(leased []job.ID) error) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	h.mu.Lock()
	m := h.members[name]
	owner := h.lock != nil && !h.closed && !h.stopping
	h.mu.Unlock()
	if m == nil || m.away || !owner {
		return fmt.Errorf("queue '%s' is not this process's to open", name)
	}
	return attach(h.leasedBy(name))
}
